"""Schedule-free AdamW, whose averaged weights are handled like any other average of weights."""

import keras
from keras import ops

from recipes.arguments.numbers import require_fraction
from recipes.keras_internals.private import SelfAveraging


@keras.saving.register_keras_serializable(package="keras_recipes")
class ScheduleFreeAdamW(SelfAveraging):
    """AdamW whose average of all updates takes the place of a schedule (Defazio et al. 2024, arXiv:2405.15682).

    Fast weights z are updated by Adam without momentum, with gradients taken at `y = (1 - beta_1) z + beta_1 x`, where
    x is the average of all z. The weights of the model are y while it trains, and x when `fit` ends and where
    `callbacks.AveragedWeights` and `callbacks.EarlyStopping` validate.

    Keras's own never puts x into the model, decays x but not z, on TensorFlow starts at 0 instead of the initial
    weights in `fit`, and there and on PyTorch mixes the z before an update with the one after it.

    Args:
        learning_rate: Learning rate: a number, a schedule (such as a warm-up), or a function.
        beta_1: Share of the average x in the weights at which gradients are taken, at least 0 and less than 1.
        beta_2: Decay rate of the second moments.
        epsilon: Small number added to the denominator.
        name: Name of this optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer`, except `use_ema`.

    Raises:
        ValueError: For `beta_1` out of range.
    """

    def __init__(
        self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="schedule_free_adamw", **kwargs
    ):
        require_fraction("beta_1", beta_1)
        super().__init__(learning_rate, name=name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._fast = [
            None
            if velocity is None
            else self.add_variable_from_reference(variable, "fast", initializer=_value_of(variable))
            for variable, velocity in zip(variables, self._velocities, strict=True)
        ]

    def update_step(self, gradient, variable, learning_rate):
        place, dtype = self.place_of(variable), variable.dtype
        fast, velocity, average = self._fast[place], self._velocities[place], self.averages[place]
        gradient, step = ops.cast(gradient, dtype), ops.cast(self.iterations + 1, dtype)

        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        root = ops.sqrt(velocity / (1 - ops.power(ops.cast(self.beta_2, dtype), step)))
        change = gradient / (root + self.epsilon)
        if self.decays(variable):
            change = change + self.weight_decay * variable
        self.assign_sub(fast, ops.cast(learning_rate, dtype) * change)
        self.assign_add(average, (fast - average) / step)
        self.assign(variable, average + (1 - self.beta_1) * (fast - average))

    def finalize_variable_values(self, var_list):
        super().finalize_variable_values(var_list)
        # A training that continues starts from the average.
        for fast, average in zip(self._fast, self.averages, strict=True):
            if fast is not None:
                fast.assign(ops.copy(average))

    def get_config(self):
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


def _value_of(variable):
    # An initializer rather than an assignment: TensorFlow traces a step that builds the optimizer twice, and would lose
    # what the first one assigned.
    return lambda shape, dtype: ops.cast(ops.copy(variable), dtype)
