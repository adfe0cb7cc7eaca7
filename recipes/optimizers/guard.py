"""What the clipping optimizers share: gradients of all devices together, and no update by one that is not finite."""

import numbers
from collections.abc import Mapping

import keras
from keras import ops

from recipes.lookup import unknown


class Guard(keras.optimizers.Optimizer):
    """An optimizer around another one, that looks at its gradients before they do anything.

    Subclasses say in `clip` what becomes of finite gradients. With gradient accumulation that is the averaged gradient,
    once per update; under `tf.distribute.MirroredStrategy` the one reduced over all devices (Keras clips each device's
    share by itself, so that N devices move N times as far as the bound allows). An update whose gradient has NaN or
    infinity in it, or a norm beyond float32 (1.8e19), is left out altogether: weights, slots, averages and the count of
    iterations stay as they are.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        name: Of this one. Default: that of its class.
        learning_rate_factors: What the learning rate is multiplied by for some weights: from a weight's path
            (`"conv_1/kernel"`), or its beginning up to a `/` (`"conv_1"`), to a number from 0 to 1. Of several that
            fit, the longest counts. Decoupled weight decay is multiplied, too. Default: none.

    Attributes:
        clipped_steps: Number of updates that `clip` changed.
        skipped_steps: Number of updates left out.

    Raises:
        ValueError: If `optimizer` is none, or clips already, or is a `LossScaleOptimizer`, which belongs around this;
            for factors out of range; and, in `build`, for factors of weights that are not trained.
    """

    def __init__(self, optimizer, name=None, learning_rate_factors=None):
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"`optimizer` must be a Keras optimizer. Received: {optimizer!r}")
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer | Guard):
            raise ValueError(f"`optimizer` cannot be a {type(optimizer).__name__}: put that around, or leave it out")
        own = ("clipnorm", "global_clipnorm", "clipvalue")
        own = {
            option: getattr(optimizer, option, None) for option in own if getattr(optimizer, option, None) is not None
        }
        if own:
            raise ValueError(f"`optimizer` clips already, and only one way of clipping can be set. Received: {own}")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = optimizer
        self.learning_rate_factors = _checked_factors(learning_rate_factors)
        self._state = []

    def clip(self, gradients, variables):
        """The gradients to use instead, and whether they differ, a scalar truth value.

        Args:
            gradients: Tensors, none of them missing, finite.
            variables: The weights they belong to.
        """
        raise NotImplementedError

    def build(self, variables):
        self._clipped = self.add_state((), "int32", "clipped_steps")
        self._skipped = self.add_state((), "int32", "skipped_steps")
        self.inner_optimizer.build(variables)
        if self.learning_rate_factors:
            self._scale_rates(variables)
        super().build(variables)

    def _scale_rates(self, variables):
        """Have the wrapped optimizer make its updates in groups of weights with one factor."""
        inner, key = self.inner_optimizer, self.inner_optimizer._var_key
        update, decay = inner._backend_update_step, inner._apply_weight_decay
        paths = [getattr(variable, "path", variable.name) for variable in variables]
        factors = factors_of(paths, self.learning_rate_factors)
        factor_of = {key(variable): factor for variable, factor in zip(variables, factors, strict=True)}

        def groups(used):
            for factor in sorted({factor_of[key(variable)] for variable in used}):
                yield factor, [place for place, variable in enumerate(used) if factor_of[key(variable)] == factor]

        def scaled_update(gradients, used, learning_rate):
            for factor, places in groups(used):
                chosen = [[column[place] for place in places] for column in (gradients, used)]
                update(*chosen, learning_rate * factor)

        def scaled_decay(used):
            whole = inner.weight_decay
            used = [variable for variable in used if whole and inner._use_weight_decay(variable)]
            try:
                for factor, places in groups(used):
                    # Keras multiplies it by the rate.
                    inner.weight_decay = whole * factor
                    decay([used[place] for place in places])
            finally:
                inner.weight_decay = whole

        inner._backend_update_step, inner._apply_weight_decay = scaled_update, scaled_decay

    def add_state(self, shape, dtype, name):
        """A variable of this optimizer's own, zero at first, which a skipped update leaves as it is."""
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
        return self._variables + self.inner_optimizer.variables

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)
        if keras.backend.backend() == "jax" and self.inner_optimizer.use_ema:
            # Weights and averages are now the same arrays, and the next step may not be given one array twice.
            for variable in var_list:
                variable.assign(ops.copy(variable.value))

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def apply(self, grads, trainable_variables=None):
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if not self.built:
            self.build(variables)
        gradients, replicas = _reduced(list(grads))
        with_gradients = [
            variable
            for gradient, variable in zip(gradients, variables, strict=True)
            if gradient is not None and not getattr(variable, "overwrite_with_gradient", False)
        ]
        # Keras's optimizers call it with the gradients of an update: averaged, where they are accumulated.
        self.inner_optimizer._clip_gradients = lambda update: self._clip_update(update, with_gradients, replicas)
        finite = _all_finite(gradients)
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
        """For JAX, whose branches may only give new values. To choose between values instead takes 15 % of a step."""
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
        """For several devices of TensorFlow, where a branch is allowed only outside of the single device's view."""
        import tensorflow as tf

        def across(distribution, finite, gradients, variables):
            def update():
                distribution.extended.call_for_each_replica(self.inner_optimizer.apply, args=(gradients, variables))

            # The gradients are reduced already, so that every device has the same answer.
            self._branch(distribution.experimental_local_results(finite)[0], update)

        tf.distribute.get_replica_context().merge_call(across, args=(finite, gradients, variables))

    def _clip_update(self, gradients, variables, replicas):
        before = [variable.value for variable in self._state]
        clipped, touched = self.clip([_dense(gradient) * replicas for gradient in gradients], variables)
        self._clipped.assign(self._clipped + ops.cast(touched, "int32"))
        steps = self.inner_optimizer.gradient_accumulation_steps
        if steps and keras.backend.backend() == "jax":
            # There Keras clips at every step of an accumulation, and throws the result away but for the last one.
            is_update = (self.inner_optimizer._iterations + 1) % steps == 0
            for variable, old in zip(self._state, before, strict=True):
                variable.assign(ops.where(is_update, variable.value, old))
        return [gradient / replicas for gradient in clipped]

    def get_config(self):
        config = {"optimizer": keras.optimizers.serialize(self.inner_optimizer), "name": self.name}
        return {**config, "learning_rate_factors": dict(self.learning_rate_factors)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = keras.optimizers.deserialize(config["optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer": inner})


def factors_of(paths: list[str], factors: dict[str, float]) -> list[float]:
    """The factor of each of the weights `paths`; 1 where none is set.

    Raises:
        ValueError: If one of `factors` is of no weight.

    >>> factors_of(["conv_1/kernel", "conv_1/bias", "logits/kernel"], {"conv_1": 0.5, "conv_1/bias": 0.1})
    [0.5, 0.1, 1.0]
    """
    for name in factors:
        if not any(_names(name, path) for path in paths):
            raise unknown("weight in `learning_rate_factors`:", name, paths)
    fitting = [[name for name in factors if _names(name, path)] for path in paths]
    return [factors[max(names, key=len)] if names else 1.0 for names in fitting]


def _names(name: str, path: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def _checked_factors(factors) -> dict[str, float]:
    if factors is not None and not isinstance(factors, Mapping):
        raise ValueError(f"`learning_rate_factors` must be a mapping from paths of weights. Received: {factors!r}")
    for path, factor in (factors or {}).items():
        if isinstance(factor, bool) or not isinstance(factor, numbers.Real) or not 0 <= factor <= 1:
            raise ValueError(f"`learning_rate_factors` must be from 0 to 1. Received: {factor!r} for {path}")
    return {str(path): float(factor) for path, factor in (factors or {}).items()}


def _reduced(gradients):
    """The gradients summed over all devices as each of them will see them, divided by their number; and that number."""
    if keras.backend.backend() != "tensorflow":
        return gradients, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return gradients, 1
    present = [_dense(gradient) for gradient in gradients if gradient is not None]
    # The optimizer will sum over the devices once more.
    reduced = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if gradient is None else next(reduced) / replicas for gradient in gradients], replicas


def _dense(gradient):
    """An embedding's gradient names a row once for each time it was used: its true norm is that of the sum."""
    if not _is_sparse(gradient):
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _is_sparse(gradient):
    return type(gradient).__name__ == "IndexedSlices"


def _all_finite(gradients):
    present = [gradient for gradient in gradients if gradient is not None]
    # A third of the cost of looking at every value, and bounds by the norm need the sum anyway.
    return ops.isfinite(_sum_of_squares(gradient.values if _is_sparse(gradient) else gradient for gradient in present))


def global_norm(gradients):
    """The norm of all gradients together, a float32 scalar."""
    return ops.sqrt(_sum_of_squares(gradients))


def _sum_of_squares(gradients):
    return sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients)


def require_positive(name, value):
    """Refuse bounds of 0 or less; Keras takes them for no clipping at all."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < float("inf"):
        raise ValueError(f"`{name}` must be more than 0 and finite. Received: {value!r}")
