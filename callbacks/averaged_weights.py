"""The averages of the weights in the place of the weights, whenever a model in training is validated or saved."""

import contextlib
import weakref
from collections.abc import Iterator

import keras
from keras import ops

from callbacks.watching.keras_private import moving_averages_of
from callbacks.watching.wrapped_optimizers import innermost_optimizers

# What was replaced, by model: several callbacks may put the averages in place in the same training.
_REPLACED = weakref.WeakKeyDictionary()


class AveragedWeights(keras.callbacks.Callback):
    """Validate the averaged weights of an optimizer with `use_ema=True`, and show them to the callbacks behind this.

    The averages are in the place of the weights during validation, and at the end of an epoch for the callbacks that
    stand behind this one in the list, such as `ModelCheckpoint`. Training goes on with the weights themselves. At its
    end the model has the averages. Without `use_ema=True` this callback does nothing. `EarlyStopping` of this package
    contains it. `BackupAndRestore` belongs in front of it, as it needs the weights that training goes on with.

    It replaces `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`, which rounds the weights, as it exchanges them by
    additions; which leaves a training that is stopped early with weights that are not averaged; and which finds no
    optimizer inside several wrappers. The two cannot be listed together, because each would undo what the other does.

    Raises:
        ValueError: At the end of a validation, if another callback has exchanged weights and averages as well. Without
            validation data this is not noticed.
    """

    def __init__(self):
        super().__init__()
        self._is_active = False

    def on_train_begin(self, logs=None):
        # An interrupted training may have left the model with its averages, which are good weights to go on from. But
        # an interrupted validation has left the weights in the averages, where they do not belong.
        for variable, old, _ in _REPLACED.pop(self.model, ()):
            if any(variable is average for _, average in averages(self.model)):
                variable.assign(old)
        self._is_active = uses_averages(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        _put_weights(self.model)

    def on_test_begin(self, logs=None):
        if self._is_active:
            _put_averages(self.model, exchange=True)

    def on_test_end(self, logs=None):
        if not self._is_active:
            return
        undone = _is_undone(self.model)
        _put_weights(self.model)
        if undone:
            raise ValueError(
                "another callback has exchanged weights and averages during validation, as AveragedWeights, which is a "
                "part of EarlyStopping, has done: leave out keras.callbacks.SwapEMAWeights"
            )

    def on_epoch_end(self, epoch, logs=None):
        if self._is_active:
            _put_averages(self.model)

    def on_train_end(self, logs=None):
        # The weights are now the averages, or those that another callback has chosen. They become the averages as well,
        # since Keras ends `fit` by assigning averages to weights, and a next training goes on averaging from there.
        # They are copied, because on JAX the training step takes over its arrays, and no array can be taken over twice.
        _REPLACED.pop(self.model, None)
        for weight, average in averages(self.model):
            average.assign(ops.copy(weight.value))
        self._is_active = False

    def state(self) -> dict:
        """What a resumed training needs besides the variables, between two steps or at the end of an epoch."""
        return {"in_place": bool(_REPLACED.get(self.model))}

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew and its variables are those of that time."""
        # A training that had only to end has no further epoch that would put the averages in place.
        if state["in_place"]:
            _put_averages(self.model)


def uses_averages(model) -> bool:
    """Whether the optimizer of `model` averages weights."""
    return any(getattr(optimizer, "use_ema", False) for optimizer in _optimizers(model))


def averages(model) -> list[tuple[keras.Variable, keras.Variable]]:
    """Pairs of a weight and its average; empty before the optimizer is built."""
    return [pair for optimizer in _optimizers(model) for pair in moving_averages_of(optimizer)]


@contextlib.contextmanager
def training_weights(model) -> Iterator[None]:
    """Within this context, `model` has the weights that its training goes on with, averages in their place or not."""
    replaced = _REPLACED.get(model, [])
    # Copies for the same reasons as in `_put_averages`.
    shown = [(variable, ops.copy(variable.value)) for variable, _, _ in replaced]
    for variable, old, _ in replaced:
        variable.assign(ops.copy(old))
    try:
        yield
    finally:
        for variable, value in shown:
            variable.assign(value)


def _optimizers(model) -> list:
    return innermost_optimizers(getattr(model, "optimizer", None))  # a model has one once it is compiled


def _put_averages(model, exchange: bool = False) -> None:
    """Assign the averages to the weights, unless that is done already.

    Args:
        model: Compiled model.
        exchange: Whether to assign the weights to the averages as well. This makes `_is_undone` possible, but would be
            wrong in a saved optimizer.
    """
    if model in _REPLACED:
        return
    _REPLACED[model] = replaced = []
    for weight, average in averages(model):
        # Copies in all directions: on PyTorch, assigning writes into the memory of a tensor; on JAX, a compiled step
        # takes over the arrays of variables, so that no two variables may have the same one.
        old, new = ops.copy(weight.value), ops.copy(average.value)
        replaced.append((weight, old, new))
        weight.assign(ops.copy(new))
        if exchange:
            replaced.append((average, new, old))
            average.assign(ops.copy(old))


def _is_undone(model) -> bool:
    """Whether another callback has exchanged weights and averages since `_put_averages` did.

    Keras gives a callback no list of the others, so that only the values show it.
    """
    for variable, old, new in _REPLACED.get(model, ()):
        if ops.any(old != new):
            # Keras's exchange rounds, therefore nearer rather than equal.
            return bool(_distance(variable.value, old) < _distance(variable.value, new))
    return False


def _distance(one, other):
    return ops.sum(ops.abs(one - other))


def _put_weights(model) -> None:
    """Assign what `_put_averages` has replaced; nothing if there is nothing."""
    for variable, old, _ in _REPLACED.pop(model, ()):
        variable.assign(old)
