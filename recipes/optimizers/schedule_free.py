"""Schedule-free AdamW, with the averaged weights where every other average is."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class ScheduleFreeAdamW(keras.optimizers.Optimizer):
    """AdamW whose average of all updates takes the place of a schedule (Defazio et al. 2024, arXiv:2405.15682).

    Fast weights z move by Adam without momentum, by gradients that are taken at `y = (1 - beta_1) z + beta_1 x`, where
    x is the average of all z. The model has y while it trains; x is what `fit` ends with, and what
    `callbacks.AveragedWeights` and `callbacks.EarlyStopping` validate.

    It differs from Keras's, which never puts x into the model, decays x but not z, on TensorFlow begins at 0 instead of
    the initial weights in `fit`, and there and on PyTorch mixes the z of before an update with the one behind it.

    Args:
        learning_rate: Learning rate: a number, a schedule (such as a warm-up), or a function.
        beta_1: Share of the average in the weights at which gradients are taken, at least 0 and less than 1.
        beta_2: Decay rate of the second moments.
        epsilon: Small number in the denominator.
        name: Name of this optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer`, but for `use_ema`.

    Raises:
        ValueError: For `beta_1` out of range.
    """

    def __init__(
        self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name="schedule_free_adamw", **kwargs
    ):
        if not 0 <= beta_1 < 1:
            raise ValueError(f"`beta_1` must be at least 0 and less than 1. Received: {beta_1!r}")
        # With it, Keras keeps an average for each weight, and puts it into the model when `fit` ends.
        super().__init__(learning_rate, name=name, **{**kwargs, "use_ema": True})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._decaying = frozenset()
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._fast = [
            None
            if velocity is None
            else self.add_variable_from_reference(variable, "fast", initializer=_value_of(variable))
            for variable, velocity in zip(variables, self._velocities, strict=True)
        ]

    def update_step(self, gradient, variable, learning_rate):
        place, dtype = self._get_variable_index(variable), variable.dtype
        fast, velocity = self._fast[place], self._velocities[place]
        average = self._model_variables_moving_average[place]
        gradient, step = ops.cast(gradient, dtype), ops.cast(self.iterations + 1, dtype)

        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        root = ops.sqrt(velocity / (1 - ops.power(ops.cast(self.beta_2, dtype), step)))
        change = gradient / (root + self.epsilon)
        if self._var_key(variable) in self._decaying:
            change = change + self.weight_decay * variable
        self.assign_sub(fast, ops.cast(learning_rate, dtype) * change)
        self.assign_add(average, (fast - average) / step)
        self.assign(variable, average + (1 - self.beta_1) * (fast - average))

    def _apply_weight_decay(self, variables):
        # Only which ones do: it is the fast weights that decay, with their update.
        own = {self._var_key(variable) for variable in variables if self._use_weight_decay(variable)}
        self._decaying = self._decaying | own if self.weight_decay else self._decaying

    def _update_model_variables_moving_average(self, trainable_variables):
        """Nothing: each update has averaged by itself, and while gradients are accumulated there is none."""

    def finalize_variable_values(self, var_list):
        super().finalize_variable_values(var_list)
        # A training that goes on begins at the average.
        for fast, average in zip(self._fast, self._model_variables_moving_average, strict=True):
            if fast is not None:
                fast.assign(ops.copy(average))

    def get_config(self):
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


def _value_of(variable):
    # By assigning it would be lost where TensorFlow traces a step that builds the optimizer: it does that twice.
    return lambda shape, dtype: ops.cast(ops.copy(variable), dtype)
