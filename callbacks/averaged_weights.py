"""The averages of the weights in their place, whenever a model in training is judged or saved."""

import sys
import weakref

import keras
from keras import ops

from callbacks.watching.inner_optimizers import inner_optimizers

# The weights that are out while the averages are in, by model: several callbacks may ask for the same averages.
_OUT = weakref.WeakKeyDictionary()


class AveragedWeights(keras.callbacks.Callback):
    """Validate the averaged weights of an optimizer with `use_ema=True`, and show them to the callbacks behind.

    Validation, and at the end of an epoch the callbacks that are listed behind, see the averages; training goes on with
    the weights themselves. It differs from `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`: the weights come back
    exactly, where a swap by addition rounds them; a training that is stopped early ends with the averages, too; and
    optimizers inside of others are found. Without averages it does nothing.

    Keras's own may be listed, too: it then does the validation, and has to stand in front if it swaps on epochs.
    `BackupAndRestore` belongs in front of this one, as it needs the weights that training goes on with.

    Raises:
        ValueError: When training begins, if a `SwapEMAWeights(swap_on_epoch=True)` stands behind.
    """

    def __init__(self):
        super().__init__()
        self.listed_as = self
        self._validates = self._shows = False

    def on_train_begin(self, logs=None):
        # Left by a training that was interrupted.
        _OUT.pop(self.model, None)
        self._validates = self._shows = uses_averages(self.model)
        if not self._validates:
            return
        listed = _listed()
        place = next((place for place, other in enumerate(listed) if other is self.listed_as), len(listed))
        for other in listed:
            if isinstance(other, keras.callbacks.SwapEMAWeights):
                self._validates = False
                self._shows = self._shows and not other.swap_on_epoch
                if other.swap_on_epoch and other in listed[place:]:
                    raise ValueError(
                        f"SwapEMAWeights(swap_on_epoch=True) must be listed in front of "
                        f"{type(self.listed_as).__name__}, or be left out: that validates the averages by itself"
                    )

    def on_epoch_begin(self, epoch, logs=None):
        _hide(self.model)

    def on_test_begin(self, logs=None):
        if self._validates:
            _show(self.model)

    def on_test_end(self, logs=None):
        if self._validates:
            _hide(self.model)

    def on_epoch_end(self, epoch, logs=None):
        if self._shows:
            _show(self.model)

    def on_train_end(self, logs=None):
        # The weights are the averages now, or those that a callback has chosen: from them a next training averages.
        # As copies, since on JAX no array may be given away twice.
        _OUT.pop(self.model, None)
        for weight, average in averages(self.model):
            average.assign(ops.copy(weight.value))
        self._validates = self._shows = False


def uses_averages(model) -> bool:
    """Whether the optimizer of `model` averages weights."""
    return any(getattr(optimizer, "use_ema", False) for optimizer in _optimizers(model))


def averages(model):
    """Pairs of a weight and its average."""
    for optimizer in _optimizers(model):
        if getattr(optimizer, "use_ema", False) and optimizer.built:
            pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
            yield from ((weight, average) for weight, average in pairs if average is not None)


def _optimizers(model):
    return inner_optimizers(getattr(model, "optimizer", None))  # which a model has once it is compiled


def _show(model):
    if model in _OUT:
        return
    pairs = list(averages(model))
    _OUT[model] = [(weight, ops.copy(weight.value)) for weight, _ in pairs]
    for weight, average in pairs:
        weight.assign(ops.copy(average.value))


def _hide(model):
    for weight, value in _OUT.pop(model, ()):
        weight.assign(value)


def _listed() -> list:
    """All callbacks of the training that begins."""
    # Keras tells a callback nothing of the others; but what calls it is their list.
    frame = sys._getframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList):
            return caller.callbacks
        frame = frame.f_back
    return []
