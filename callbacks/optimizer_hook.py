"""The way into a compiled training step: on every backend, each gradient passes through the optimizer."""

import contextlib

import keras
from keras import ops

_ATTRIBUTE = "_keras_recipes_hook"


class OptimizerHook:
    """Shows meters what passes through a model's optimizer, inside the compiled step, and leaves no trace.

    Keras calls `apply` of the optimizer with the gradients of every step. On the innermost one (below loss scaling and
    what else is wrapped around it) they are unscaled; and what it is about to clip is the gradient of an update,
    averaged where gradients are accumulated. There the meters look. Their variables belong to that optimizer while it
    is watched, since JAX carries no others through a step; what is saved or loaded meanwhile does not see them.

    A meter has `build(hook, weights)`, called once before the others; `on_step()`, at every step; `on_apply()`, at
    every step that is not left out; `on_update(squares, weights, clipped)`, with the sums of squares of an update's
    gradients and whether Keras's own clipping changes them; `before(weights)`, whose result goes to
    `after(weights, before)` when the step is done. All are traced, so that they may only use `keras.ops`.

    Args:
        model: Compiled.
    """

    def __init__(self, model):
        self.model = model
        self.chain = chain_of(model.optimizer)
        self.innermost = self.chain[-1]
        self.meters = []
        self.variables = []
        self._weights = None
        self._replaced = []

    @classmethod
    def add(cls, model, meter, fit) -> "OptimizerHook":
        """Have `meter` see what passes through the optimizer of `model` from now on.

        Args:
            model: Compiled.
            meter: See above.
            fit: An object that stands for this call of `fit`: what another call has left behind, because it was
                interrupted, is removed first.
        """
        innermost = chain_of(model.optimizer)[-1]
        hook = vars(innermost).get(_ATTRIBUTE)
        if hook is not None and hook.fit is not fit:
            hook._uninstall()
            hook = None
        if hook is None:
            hook = cls(model)
            hook.fit = fit
            hook._install()
        hook.meters.append(meter)
        if innermost.built:
            hook._build(innermost._trainable_variables)
        # What is compiled already knows nothing of the meter.
        model.make_train_function(force=True)
        return hook

    def remove(self, meter) -> None:
        """The last meter to go leaves the optimizer as it was."""
        if meter in self.meters:
            self.meters.remove(meter)
            if not self.meters:
                self._uninstall()

    def add_variable(self, shape, dtype, name) -> keras.Variable:
        """A variable of a meter, zero at first."""
        variable = self.innermost.add_variable(shape, "zeros", dtype, aggregation="only_first_replica", name=name)
        self.variables.append(variable)
        return variable

    def _install(self):
        self._unwatched_function = self.model.train_function
        object.__setattr__(self.innermost, _ATTRIBUTE, self)
        self._replace(self.innermost, "apply", self._watched_apply)
        if len(self.chain) > 1:
            stateless = keras.backend.backend() == "jax" and isinstance(
                self.chain[0], keras.optimizers.LossScaleOptimizer
            )
            if stateless:  # there it does not come by `apply`
                self._replace(self.chain[0], "stateless_apply", self._counted_stateless_apply)
            else:
                self._replace(self.chain[0], "apply", self._counted_apply)
        for optimizer in self.chain:
            for name in ("save_own_variables", "load_own_variables"):
                self._replace(optimizer, name, self._unseen)

    def _uninstall(self):
        for optimizer, name, former in reversed(self._replaced):
            if former is None:
                object.__delattr__(optimizer, name)
            else:
                object.__setattr__(optimizer, name, former)
        object.__delattr__(self.innermost, _ATTRIBUTE)
        for variable in self.variables:
            self.innermost._untrack_variable(variable)
        self._replaced, self.variables = [], []
        self.model.train_function = self._unwatched_function

    def _replace(self, optimizer, name, wrap):
        self._replaced.append((optimizer, name, vars(optimizer).get(name)))
        object.__setattr__(optimizer, name, wrap(getattr(optimizer, name)))

    def _build(self, weights):
        self._weights = list(weights) if self._weights is None else self._weights
        for meter in self.meters:
            if not meter.built:
                meter.build(self, self._weights)

    def _watched_apply(self, original):
        optimizer = self.innermost

        def apply(grads, trainable_variables=None):
            grads = list(grads)
            known = optimizer._trainable_variables if trainable_variables is None else trainable_variables
            weights = list(known)
            self._build(weights)
            present = [
                weight
                for gradient, weight in zip(grads, weights, strict=True)
                if gradient is not None and not getattr(weight, "overwrite_with_gradient", False)
            ]
            for meter in self.meters:
                meter.on_apply()
            states = [meter.before(weights) for meter in self.meters]
            with self._watched_clipping(present):
                original(grads, trainable_variables)
            for meter, state in zip(self.meters, states, strict=True):
                meter.after(weights, state)

        return apply

    @contextlib.contextmanager
    def _watched_clipping(self, weights):
        optimizer = self.innermost
        former, clip = vars(optimizer).get("_clip_gradients"), optimizer._clip_gradients

        def watched_clip(gradients):
            squares, clipped = _measured(gradients, optimizer)
            for meter in self.meters:
                meter.on_update(squares, weights, clipped)
            return clip(gradients)

        object.__setattr__(optimizer, "_clip_gradients", watched_clip)
        try:
            yield
        finally:
            if former is None:
                object.__delattr__(optimizer, "_clip_gradients")
            else:
                object.__setattr__(optimizer, "_clip_gradients", former)

    def _counted_apply(self, original):
        def apply(grads, trainable_variables=None):
            self._build(self.innermost._trainable_variables if trainable_variables is None else trainable_variables)
            for meter in self.meters:
                meter.on_step()
            original(grads, trainable_variables)

        return apply

    def _counted_stateless_apply(self, original):
        def stateless_apply(optimizer_variables, grads, trainable_variables):
            outermost = self.chain[0]
            with keras.StatelessScope(zip(outermost.variables, optimizer_variables, strict=True)) as scope:
                for meter in self.meters:
                    meter.on_step()
            values = [scope.get_current_value(variable) for variable in outermost.variables]
            return original(values, grads, trainable_variables)

        return stateless_apply

    def _unseen(self, original):
        """Saving and loading of variables, in which those of the meters are not there."""

        def call(store):
            whole = self.innermost._variables
            before = list(whole)
            own = {id(variable) for variable in self.variables}
            whole[:] = [variable for variable in before if id(variable) not in own]
            try:
                return original(store)
            finally:
                whole[:] = before

        return call


def chain_of(optimizer) -> list:
    """An optimizer and those that it is wrapped around, the outermost first."""
    chain = [optimizer]
    while hasattr(chain[-1], "inner_optimizer"):
        chain.append(chain[-1].inner_optimizer)
    return chain


def _measured(gradients, optimizer):
    """The sums of squares of the gradients of all devices together, and whether Keras's own clipping changes them."""
    own, whole = [_dense(gradient) for gradient in gradients], None
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context and context.num_replicas_in_sync > 1:
            # Each device has the gradient of its share of the loss, or the whole divided by the number of devices.
            whole = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    elif keras.backend.backend() == "jax":
        import jax

        # Without it XLA may compile what makes the gradients differently, and round them differently.
        own = jax.lax.optimization_barrier(own)
    squares = [sum_of_squares(gradient) for gradient in (whole or own)]
    # Keras clips what each device has.
    norms = ops.sqrt(ops.stack(squares if whole is None else [sum_of_squares(gradient) for gradient in own]))
    if optimizer.clipnorm:
        return squares, ops.any(norms > optimizer.clipnorm)
    if optimizer.global_clipnorm:
        return squares, ops.norm(norms) > optimizer.global_clipnorm
    if optimizer.clipvalue:
        return squares, ops.any(ops.stack([ops.max(ops.abs(gradient)) for gradient in own]) > optimizer.clipvalue)
    return squares, False


def sum_of_squares(tensor):
    """A float32 scalar."""
    tensor = ops.cast(tensor, "float32")
    if keras.backend.backend() != "tensorflow":
        return ops.sum(ops.square(tensor))
    import tensorflow as tf

    # In one pass; and not by operations that clipping may use as well: TensorFlow would compute those once for both,
    # and sum up norms in another order than without the meters.
    return 2 * tf.nn.l2_loss(tensor)


def _dense(gradient):
    """An embedding's gradient names a row once for each time it was used: its true norm is that of the sum."""
    if type(gradient).__name__ != "IndexedSlices":
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)
