"""The way into a compiled training step: on every backend, each gradient passes through the optimizer."""

import contextlib
from dataclasses import dataclass

import keras
from keras import ops

_ATTRIBUTE = "_keras_recipes_hook"


class OptimizerHook:
    """Shows meters what passes through a model's optimizer, inside the compiled step, and leaves no trace.

    Keras gives the gradients of every step to the outermost optimizer (loss scaling, clipping and what else is wrapped
    around another). The meters look there, in front of whatever may leave a step out, since to look inside of a branch
    changes how XLA compiles it, and so how the weights are rounded. Their variables belong to the innermost optimizer
    while it is watched, for JAX carries no others through a step; what is saved or loaded meanwhile does not see them.

    A meter has `build(hook, weights)`, called once; and `before(weights)`, whose result goes to
    `after(weights, seen, before)` when the step is done, with what was `Seen` of it. Both are traced, so that they may
    only use `keras.ops`; variables are assigned to in `after`.

    Args:
        model: Compiled.
    """

    def __init__(self, model):
        self.model = model
        self.chain = chain_of(model.optimizer)
        self.outermost, self.innermost = self.chain[0], self.chain[-1]
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
            # Variables belong to the devices that the model was made for.
            strategy = getattr(model, "_distribute_strategy", None)
            with strategy.scope() if strategy else contextlib.nullcontext():
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
        object.__setattr__(self.innermost, _ATTRIBUTE, self)
        if keras.backend.backend() == "jax":
            self._replace(self.outermost, "stateless_apply", self._watched_stateless_apply)
        else:
            self._replace(self.outermost, "apply", self._watched_apply)
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
        self.model.train_function = None  # what is compiled knows of the meters

    def _replace(self, optimizer, name, wrap):
        self._replaced.append((optimizer, name, vars(optimizer).get(name)))
        object.__setattr__(optimizer, name, wrap(getattr(optimizer, name)))

    def _build(self, weights):
        self._weights = list(weights) if self._weights is None else self._weights
        for meter in self.meters:
            if not meter.built:
                meter.build(self, self._weights)

    def _watched_apply(self, original):
        def apply(grads, trainable_variables=None):
            grads = list(grads)
            known = self.outermost._trainable_variables if trainable_variables is None else trainable_variables
            weights = list(known)
            if all(gradient is None for gradient in grads):
                return original(grads, trainable_variables)  # which says what is wrong
            if not self.outermost.built:
                with keras.name_scope(self.outermost.name, caller=self.outermost):
                    self.outermost.build(weights)
            self._build(weights)
            seen = _look(grads, weights, self.chain)
            states = [meter.before(weights) for meter in self.meters]
            original(grads, trainable_variables)
            seen.is_left_out = seen.iterations == self.innermost._iterations.value
            for meter, state in zip(self.meters, states, strict=True):
                meter.after(weights, seen, state)
            return None

        return apply

    def _watched_stateless_apply(self, original):
        outermost = self.outermost

        def scope(state, values):
            variables, weights = outermost.variables, outermost._trainable_variables
            return keras.StatelessScope([*zip(variables, state, strict=True), *zip(weights, values, strict=True)])

        def stateless_apply(optimizer_variables, grads, trainable_variables):
            weights = outermost._trainable_variables
            with scope(optimizer_variables, trainable_variables):
                seen = _look(grads, weights, self.chain)
                states = [meter.before(weights) for meter in self.meters]
            values, state = original(optimizer_variables, grads, trainable_variables)
            with scope(state, values) as opened:
                seen.is_left_out = seen.iterations == self.innermost._iterations.value
                for meter, state in zip(self.meters, states, strict=True):
                    meter.after(weights, seen, state)
            return values, [opened.get_current_value(variable) for variable in outermost.variables]

        return stateless_apply

    def _unseen(self, original):
        """Saving and loading of variables, in which those of the meters are not there."""

        def call(store):
            whole, own = self.innermost._variables, {id(variable) for variable in self.variables}
            rest = [variable for variable in whole if id(variable) not in own]
            object.__setattr__(self.innermost, "_variables", rest)
            try:
                return original(store)
            finally:
                object.__setattr__(self.innermost, "_variables", whole)

        return call


def unwatched_variables(optimizer) -> list[keras.Variable]:
    """The variables of `optimizer` without those of meters."""
    hook = vars(chain_of(optimizer)[-1]).get(_ATTRIBUTE)
    own = {id(variable) for variable in hook.variables} if hook else set()
    return [variable for variable in optimizer.variables if id(variable) not in own]


def chain_of(optimizer) -> list:
    """An optimizer and those that it is wrapped around, the outermost first."""
    chain = [optimizer]
    while hasattr(chain[-1], "inner_optimizer"):
        chain.append(chain[-1].inner_optimizer)
    return chain


@dataclass
class Seen:
    """What was seen of one step, as tensors of the compiled program.

    Attributes:
        places: Which of the weights have a gradient.
        squares: The sum of squares of each of those gradients `(places,)`: of all devices together, unscaled, averaged
            where gradients are accumulated.
        is_update: Whether the weights change in this step if it is not left out; false while gradients are collected.
        is_clipped: Whether Keras's own clipping changes the gradient.
        iterations: Steps before this one.
        is_left_out: Whether an optimizer has left the step out because of its gradient.
    """

    places: list[int]
    squares: object
    is_update: object
    is_clipped: object
    iterations: object
    is_left_out: object = None


def _look(gradients, weights, chain) -> Seen:
    innermost = chain[-1]
    # A copy, for PyTorch changes it in place.
    iterations = innermost._iterations.value + 0
    steps = innermost.gradient_accumulation_steps
    places = [
        place
        for place, (gradient, weight) in enumerate(zip(gradients, weights, strict=True))
        if gradient is not None and not getattr(weight, "overwrite_with_gradient", False)
    ]
    own = [_dense(gradients[place]) for place in places]
    scale = _scale(chain)
    if steps:
        collected = [innermost._accumulated_gradients[innermost._get_variable_index(weights[p])].value for p in places]
        # What was collected is unscaled.
        own = [(new / scale + old) / steps for new, old in zip(own, collected, strict=True)]
        scale = 1.0
    whole = None
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context and context.num_replicas_in_sync > 1:
            whole = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    elif keras.backend.backend() == "jax":
        import jax

        # Without it XLA may compile what makes the gradients differently, and round them differently.
        own = jax.lax.optimization_barrier(own)
    squares = sums_of_squares(whole or own) / scale**2
    # Keras clips what each device has.
    norms = ops.sqrt(squares if whole is None else sums_of_squares(own) / scale**2)
    is_clipped = _is_clipped(innermost, norms, own, scale)
    return Seen(places, squares, (iterations + 1) % steps == 0 if steps else True, is_clipped, iterations)


def _scale(chain):
    """What the loss, and so the gradient, is multiplied by."""
    return chain[0].scale_loss(1.0)


def _is_clipped(optimizer, norms, gradients, scale):
    if optimizer.clipnorm:
        return ops.any(norms > optimizer.clipnorm)
    if optimizer.global_clipnorm:
        return ops.norm(norms) > optimizer.global_clipnorm
    if optimizer.clipvalue:
        return ops.any(ops.stack([ops.max(ops.abs(gradient)) for gradient in gradients]) / scale > optimizer.clipvalue)
    return False


def sums_of_squares(tensors):
    """Of each of `tensors`, as one float32 vector."""
    tensors = [ops.cast(tensor, "float32") for tensor in tensors]
    if keras.backend.backend() != "tensorflow":
        return ops.stack([ops.sum(ops.square(tensor)) for tensor in tensors])
    import tensorflow as tf

    # In one pass; and not by operations that clipping may use as well: TensorFlow would compute those once for both,
    # and sum up norms in another order than without the meters.
    return 2 * tf.stack([tf.nn.l2_loss(tensor) for tensor in tensors])


def _dense(gradient):
    """An embedding's gradient names a row once for each time it was used: its true norm is that of the sum."""
    if type(gradient).__name__ != "IndexedSlices":
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)
