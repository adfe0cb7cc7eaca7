"""The way into a compiled training step: on every backend, each gradient passes through the optimizer."""

import contextlib
from dataclasses import dataclass

import keras
from keras import ops

from callbacks.watching.compiled_step import compile_again
from callbacks.watching.keras_private import (
    accumulated_gradients_of,
    iterations_of,
    remove_variable,
    trainable_variables_of,
    variables_hidden,
)
from callbacks.watching.wrapped_optimizers import chain_of

_ATTRIBUTE = "_keras_recipes_hook"


class OptimizerHook:
    """Shows to meters what passes through a model's optimizer, inside the compiled step, and leaves no trace.

    Keras gives the gradients of every step to the outermost optimizer (loss scaling, clipping or another wrapper). The
    meters look at them there, in front of whatever may skip a step: looking inside of the branch of a condition would
    change how XLA compiles it, and so how the weights are rounded. The variables of meters are added to the innermost
    optimizer while it is watched, because JAX carries no others through a step. They are hidden from whatever is saved
    or loaded meanwhile.

    A meter has `build(hook, weights)`, called once; and `before(weights)`, whose result is given to
    `after(weights, seen, before)` when the step is done, together with a `Seen`. The last two are compiled with the
    step, so that they may use `keras.ops` only; variables are assigned in `after`.

    Args:
        model: Compiled model.
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
        """Show to `meter` what passes through the optimizer of `model` from now on.

        Args:
            model: Compiled model.
            meter: Object with the methods `build`, `before` and `after` described above.
            fit: Any object that identifies this call of `fit`. The hook of another call, which was interrupted and left
                it behind, is removed first.
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
        hook.build()
        # A step that was compiled before does not contain the meter.
        compile_again(model)
        return hook

    def build(self) -> None:
        """Make the variables of the meters, unless the optimizer is not built: then the first step makes them."""
        if self.innermost.built:
            # Variables must be made for the devices of the model, which TensorFlow alone has a strategy for.
            strategy = getattr(self.model, "distribute_strategy", None)
            with strategy.scope() if strategy else contextlib.nullcontext():
                self._build(trainable_variables_of(self.innermost))

    def remove(self, meter) -> None:
        """Show nothing more to `meter`; once the last one is removed, the optimizer is as before."""
        if meter in self.meters:
            self.meters.remove(meter)
            if not self.meters:
                self._uninstall()

    def add_variable(self, shape, dtype, name) -> keras.Variable:
        """A new variable of a meter, initialized to zeros."""
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
                self._replace(optimizer, name, self._without_meters)

    def _uninstall(self):
        for optimizer, name, former in reversed(self._replaced):
            if former is None:
                object.__delattr__(optimizer, name)
            else:
                object.__setattr__(optimizer, name, former)
        object.__delattr__(self.innermost, _ATTRIBUTE)
        for variable in self.variables:
            remove_variable(self.innermost, variable)
        self._replaced, self.variables = [], []
        self.model.train_function = None  # the compiled step contains the meters

    def _replace(self, optimizer, name, wrap):
        # Methods of this one object, set past the tracking of attributes, which would take them for parts to be saved.
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
            given = trainable_variables
            weights = list(trainable_variables_of(self.outermost) if given is None else given)
            if all(gradient is None for gradient in grads):
                return original(grads, trainable_variables)  # it raises an error that says what is wrong
            if not self.outermost.built:
                with keras.name_scope(self.outermost.name, caller=self.outermost):
                    self.outermost.build(weights)
            self._build(weights)
            seen = _look(grads, weights, self.chain)
            states = [meter.before(weights) for meter in self.meters]
            original(grads, trainable_variables)
            seen.is_skipped = seen.iterations == iterations_of(self.innermost).value
            for meter, state in zip(self.meters, states, strict=True):
                meter.after(weights, seen, state)
            return None

        return apply

    def _watched_stateless_apply(self, original):
        outermost = self.outermost

        def scope(state, values):
            variables, weights = outermost.variables, trainable_variables_of(outermost)
            return keras.StatelessScope([*zip(variables, state, strict=True), *zip(weights, values, strict=True)])

        def stateless_apply(optimizer_variables, grads, trainable_variables):
            weights = trainable_variables_of(outermost)
            with scope(optimizer_variables, trainable_variables):
                seen = _look(grads, weights, self.chain)
                states = [meter.before(weights) for meter in self.meters]
            values, state = original(optimizer_variables, grads, trainable_variables)
            with scope(state, values) as opened:
                seen.is_skipped = seen.iterations == iterations_of(self.innermost).value
                for meter, state in zip(self.meters, states, strict=True):
                    meter.after(weights, seen, state)
            return values, [opened.get_current_value(variable) for variable in outermost.variables]

        return stateless_apply

    def _without_meters(self, original):
        """A method that saves or loads the variables of an optimizer, without those of the meters."""

        def call(store):
            with variables_hidden(self.innermost, self.variables):
                return original(store)

        return call


def unwatched_variables(optimizer) -> list[keras.Variable]:
    """The variables of `optimizer` without those of meters."""
    hook = vars(chain_of(optimizer)[-1]).get(_ATTRIBUTE)
    own = {id(variable) for variable in hook.variables} if hook else set()
    return [variable for variable in optimizer.variables if id(variable) not in own]


@dataclass
class Seen:
    """Gradients and state of one step, as tensors of the compiled program.

    Attributes:
        places: Indices of the weights that have a gradient.
        squares: Sum of squares of each of these gradients `(places,)`: reduced over devices, unscaled, and averaged
            where gradients are accumulated.
        is_update: Whether the weights change in this step unless it is skipped; false while gradients are collected.
        is_clipped: Whether Keras's own clipping changes the gradient.
        iterations: Number of steps before this one.
        is_skipped: Whether an optimizer has skipped the step because of its gradient.
    """

    places: list[int]
    squares: object
    is_update: object
    is_clipped: object
    iterations: object
    is_skipped: object = None


def _look(gradients, weights, chain) -> Seen:
    innermost = chain[-1]
    # The sum is a copy: PyTorch changes the variable in place.
    iterations = iterations_of(innermost).value + 0
    steps = innermost.gradient_accumulation_steps
    places = [
        place
        for place, (gradient, weight) in enumerate(zip(gradients, weights, strict=True))
        if gradient is not None and not getattr(weight, "overwrite_with_gradient", False)
    ]
    own = [_dense(gradients[place]) for place in places]
    scale = chain[0].scale_loss(1.0)  # by which the loss, and so the gradient, is multiplied
    if steps:
        collected = accumulated_gradients_of(innermost, [weights[place] for place in places])
        # The collected gradients are unscaled already.
        own = [(new / scale + old.value) / steps for new, old in zip(own, collected, strict=True)]
        scale = 1.0
    whole = None
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context and context.num_replicas_in_sync > 1:
            whole = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    elif keras.backend.backend() == "jax":
        import jax

        # Without the barrier, XLA may fuse the norms with what makes the gradients, and round these differently.
        own = jax.lax.optimization_barrier(own)
    squares = sums_of_squares(whole or own) / scale**2
    # Keras clips the gradients of each device, before they are reduced.
    norms = ops.sqrt(squares if whole is None else sums_of_squares(own) / scale**2)
    is_clipped = _is_clipped(innermost, norms, own, scale)
    return Seen(places, squares, (iterations + 1) % steps == 0 if steps else True, is_clipped, iterations)


def _is_clipped(optimizer, norms, gradients, scale):
    if optimizer.clipnorm:
        return ops.any(norms > optimizer.clipnorm)
    if optimizer.global_clipnorm:
        return ops.norm(norms) > optimizer.global_clipnorm
    if optimizer.clipvalue:
        return ops.any(ops.stack([ops.max(ops.abs(gradient)) for gradient in gradients]) / scale > optimizer.clipvalue)
    return False


def sums_of_squares(tensors):
    """The sum of squares of each of `tensors`, as one float32 vector."""
    tensors = [ops.cast(tensor, "float32") for tensor in tensors]
    if keras.backend.backend() != "tensorflow":
        return ops.stack([ops.sum(ops.square(tensor)) for tensor in tensors])
    import tensorflow as tf

    # `l2_loss` takes one pass, and clipping does not use it: an operation that both used would be computed only once by
    # TensorFlow, and clipping would get sums in another order than without the meters.
    return 2 * tf.stack([tf.nn.l2_loss(tensor) for tensor in tensors])


def _dense(gradient):
    """The gradient as one tensor. That of an embedding lists a row once for each use, and its norm is of the sums."""
    if type(gradient).__name__ != "IndexedSlices":
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)
