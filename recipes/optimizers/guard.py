"""Base of the clipping optimizers: gradients of all devices together, and no update by one that is not finite."""

import keras
from keras import ops

from recipes.keras_internals.private import gradients_seen, has_weight_decay, set_clipping, trained_weights
from recipes.optimizers.by_weight import (
    ByWeight,
    checked_decay_schedule,
    checked_factors,
    checked_rates,
    factors_of,
    is_kernel,
    label_of,
    update_by_weight,
)
from recipes.optimizers.gradients import all_finite, dense, reduced


class Guard(keras.optimizers.Optimizer):
    """An optimizer around another one, which checks and clips the gradients before that one uses them.

    The method `clip` of a subclass replaces finite gradients. With gradient accumulation it receives the averaged
    gradients, once per update; under `tf.distribute.MirroredStrategy` those reduced over all devices (Keras clips the
    share of each device by itself, so that N devices move N times as far as the bound allows). An update whose gradient
    contains NaN or infinity, or has a norm beyond float32 (1.8e19), is skipped: weights, slots, averages and the count
    of iterations stay as they are.

    Settings of single weights, `learning_rate_factors`, `rates` and exclusions from weight decay, are saved by the
    place of the weight among those that are trained, as their paths may change when a model is loaded.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        name: Name of this optimizer. Default: that of its class.
        learning_rate_factors: Factors of the learning rate of some weights: a mapping from a weight's path
            (`"conv_1/kernel"`), or its beginning up to a `/` (`"conv_1"`), to a number from 0 to 1. Of several that
            fit, the longest is used. Decoupled weight decay is multiplied, too. Default: none.
        rates: Further factors of the learning rate, by kind of weight: a mapping from `"bias"`, `"slope"` (`alpha` of
            activations), `"feature_scale"` or `"number_embedding"` (all weights of such layers) to a positive number.
            Kinds that a network lacks are left out. Default: none.
        decay_schedule: Schedule of the weight decay, as those of learning rates: its value, from 1 to 0, multiplies the
            decay of each update, in addition to the learning rate. Default: none.
        decay_kernels_only: Whether weight decay is limited to kernels and embeddings: all vectors and scalars, and
            weights called bias, gamma, beta, alpha or scale, are left alone. Default: `False`, as in Keras.

    Attributes:
        clipped_steps: Number of updates that `clip` changed.
        skipped_steps: Number of updates skipped because a gradient was not finite.

    Raises:
        ValueError: If `optimizer` is no optimizer, clips already, or is one around others (`LossScaleOptimizer` belongs
            around this one); for factors out of range; and, in `build`, for factors of weights that are not trained.
    """

    def __init__(
        self,
        optimizer,
        name=None,
        learning_rate_factors=None,
        decay_kernels_only=False,
        rates=None,
        decay_schedule=None,
    ):
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"`optimizer` must be a Keras optimizer. Received: {optimizer!r}")
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer | Guard):
            raise ValueError(f"`optimizer` cannot be a {type(optimizer).__name__}: put that around, or leave it out")
        if type(optimizer).apply is not keras.optimizers.Optimizer.apply:
            # Its updates would never reach `clip`, and nobody would notice.
            raise ValueError(
                f"`optimizer` cannot be a {type(optimizer).__name__}, which has an `apply` of its own: put this one "
                f"around each optimizer in it"
            )
        bounds = {option: getattr(optimizer, option, None) for option in ("clipnorm", "global_clipnorm", "clipvalue")}
        bounds = {option: bound for option, bound in bounds.items() if bound is not None}
        if bounds:
            raise ValueError(f"`optimizer` clips already, and only one way of clipping can be set. Received: {bounds}")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = optimizer
        self.learning_rate_factors = learning_rate_factors
        self.decay_kernels_only = decay_kernels_only
        self.rates = checked_rates(rates)
        self.decay_schedule = checked_decay_schedule(decay_schedule, optimizer)
        self._state = []

    def clip(self, gradients, variables):
        """Replace the gradients of an update.

        Args:
            gradients: Dense and finite tensors, none of them `None`.
            variables: Weights, one for each gradient.

        Returns:
            The gradients to use, and a scalar truth value: whether they differ from the given ones.
        """
        raise NotImplementedError

    def build(self, variables):
        self._clipped = self.add_state((), "int32", "clipped_steps")
        self._skipped = self.add_state((), "int32", "skipped_steps")
        self.inner_optimizer.build(variables)
        self._by_weight = self._settings_of(variables)
        if not self._by_weight.is_uniform or self.decay_schedule is not None:
            update_by_weight(self.inner_optimizer, variables, self._by_weight, self.decay_schedule)
        super().build(variables)

    @property
    def learning_rate_factors(self):
        return dict(self._learning_rate_factors)

    @learning_rate_factors.setter
    def learning_rate_factors(self, factors):
        self._learning_rate_factors = checked_factors(factors)
        self._by_weight = None

    def _settings_of(self, variables) -> ByWeight:
        labels = [label_of(variable) for variable in variables]
        if self._by_weight is not None and self._by_weight.labels == labels:
            return self._by_weight  # as it was saved
        paths = [getattr(variable, "path", variable.name) for variable in variables]
        decayed = [
            has_weight_decay(self.inner_optimizer, variable) and (is_kernel(variable) or not self.decay_kernels_only)
            for variable in variables
        ]
        return ByWeight(labels, factors_of(paths, self.learning_rate_factors, self.rates), decayed)

    def add_state(self, shape, dtype, name):
        """Add a variable of this optimizer, initialized to zero, which a skipped update does not change."""
        variable = self.add_variable(shape, "zeros", dtype, aggregation="only_first_replica", name=name)
        self._state.append(variable)
        return variable

    @property
    def clipped_steps(self):
        return int(ops.convert_to_numpy(self._clipped)) if self.built else 0

    @property
    def skipped_steps(self):
        return int(ops.convert_to_numpy(self._skipped)) if self.built else 0

    @property
    def variables(self):
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    @property
    def loss_scale_factor(self):
        inner = getattr(self, "inner_optimizer", None)  # read by Keras's constructor, before there is one
        return None if inner is None else inner.loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor):
        # `LossScaleOptimizer` around this one sets it to `None`: otherwise, gradients would be unscaled twice.
        if hasattr(self, "inner_optimizer"):
            self.inner_optimizer.loss_scale_factor = factor

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss)

    def set_weights(self, weights):
        weights = list(weights)
        if self.built and len(weights) != len(self.variables):
            raise ValueError(
                f"`weights` must have one value for each of the {len(self.variables)} variables of {self.name} and of "
                f"the optimizer in it. Received: {len(weights)}"
            )
        super().set_weights(weights)
        self.inner_optimizer.set_weights(weights[len(super().variables) :])

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)
        if keras.backend.backend() == "jax" and self.inner_optimizer.use_ema:
            # Weights and averages are now the same arrays, and the next step may not be given one array twice.
            for variable in var_list:
                variable.assign(ops.copy(variable.value))

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def apply_gradients(self, grads_and_vars):
        super().apply_gradients(grads_and_vars)
        return gradients_seen(self.inner_optimizer)  # as Keras does; this one's own stay at 0

    def apply(self, grads, trainable_variables=None):
        grads = list(grads)
        if not grads or (trainable_variables is None and not self.built):
            self.inner_optimizer.apply(grads, trainable_variables)  # which does nothing, or raises the error
            return
        variables = trained_weights(self) if trainable_variables is None else list(trainable_variables)
        if not self.built:
            self.build(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"`grads` must have one gradient for each of the {len(variables)} weights. Received: {len(grads)}"
            )
        gradients, replicas = reduced(grads)
        with_gradients = [
            variable
            for gradient, variable in zip(gradients, variables, strict=True)
            if gradient is not None and not getattr(variable, "overwrite_with_gradient", False)
        ]
        # Called with the gradients of an update, which are averaged where they are accumulated.
        set_clipping(self.inner_optimizer, lambda update: self._clip_update(update, with_gradients, replicas))
        finite = all_finite(gradients)
        if keras.backend.backend() == "jax":
            self._branch_without_assigning(finite, gradients, variables)
        elif replicas > 1:
            self._merge(finite, gradients, variables)
        else:
            self._branch(finite, lambda: self.inner_optimizer.apply(gradients, variables))

    def _branch(self, finite, update):
        ops.cond(finite, update, self._skip)

    def _skip(self):
        self._skipped.assign(self._skipped + 1)

    def _branch_without_assigning(self, finite, gradients, variables):
        """Update on JAX, whose branches may only return new values.

        To compute both and choose by `where` would need no branch, and takes 15 % of a step.
        """
        import jax

        changed = [*variables, *self.inner_optimizer.variables, *self._state]

        def update(values, gradients):
            with keras.StatelessScope(zip(changed, values, strict=True)) as scope:
                self.inner_optimizer.apply(gradients, variables)
            return [scope.get_current_value(variable) for variable in changed]

        before = [variable.value for variable in changed]
        after = jax.lax.cond(finite, update, lambda values, gradients: values, before, gradients)
        for variable, value in zip(changed, after, strict=True):
            variable.assign(value)
        self._skipped.assign(self._skipped + ops.cast(ops.logical_not(finite), "int32"))

    def _merge(self, finite, gradients, variables):
        """Update on several devices of TensorFlow, which allows a branch only outside of the context of one device."""
        import tensorflow as tf

        def across(distribution, finite, gradients, variables):
            def update():
                distribution.extended.call_for_each_replica(self.inner_optimizer.apply, args=(gradients, variables))

            # The gradients are reduced already, so that every device has the same answer.
            self._branch(distribution.experimental_local_results(finite)[0], update)

        tf.distribute.get_replica_context().merge_call(across, args=(finite, gradients, variables))

    def _clip_update(self, gradients, variables, replicas):
        before = [variable.value for variable in self._state]
        clipped, touched = self.clip([dense(gradient) * replicas for gradient in gradients], variables)
        self._clipped.assign(self._clipped + ops.cast(touched, "int32"))
        steps = self.inner_optimizer.gradient_accumulation_steps
        if steps and keras.backend.backend() == "jax":
            # On JAX, Keras clips at every step of an accumulation and drops all results but the last: the counts and
            # the history of norms must not change at the others.
            is_update = (gradients_seen(self.inner_optimizer) + 1) % steps == 0
            for variable, old in zip(self._state, before, strict=True):
                variable.assign(ops.where(is_update, variable.value, old))
        return [gradient / replicas for gradient in clipped]

    def get_config(self):
        config = {"optimizer": keras.optimizers.serialize(self.inner_optimizer), "name": self.name}
        config |= {"learning_rate_factors": self.learning_rate_factors, "decay_kernels_only": self.decay_kernels_only}
        schedule = self.decay_schedule and keras.saving.serialize_keras_object(self.decay_schedule)
        config |= {"rates": dict(self.rates), "decay_schedule": schedule}
        if self._by_weight is not None and not self._by_weight.is_uniform:
            config["by_weight"] = self._by_weight.to_config()
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = config["optimizer"]
        if not isinstance(inner, keras.optimizers.Optimizer):
            # `keras.optimizers.deserialize` does not know Lamb.
            inner = keras.saving.deserialize_keras_object(inner, custom_objects=custom_objects)
        by_weight = config.get("by_weight")
        arguments = {name: value for name, value in config.items() if name != "by_weight"}
        optimizer = cls(**{**arguments, "optimizer": inner})
        optimizer._by_weight = None if by_weight is None else ByWeight(**by_weight)
        return optimizer
