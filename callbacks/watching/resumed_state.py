"""What the callbacks of a training carry from one step to the next, so that another process can go on with it.

A callback of this package has two methods for it, and one of a user may have them as well:

- `state()` returns nested dicts and lists of `None`, truth values, numbers, texts and NumPy arrays. It is called
  between two steps, or after all callbacks have seen the end of an epoch, with the variables of the model up to date
  (`jax_state_sync` of a model on JAX) and all hooks finished (`finish_hooks`).
- `restore(state)` is its reverse. It is called after `on_train_begin` of all callbacks, and in the middle of an epoch
  after `on_epoch_begin`, when the variables of the model and of its optimizer have been restored.

Keras's own callbacks have no such methods. Of most, what they carry along is in a few public attributes.
"""

import copy

import keras

# Attributes that change during a training. A class that is not here may carry along more than can be restored, such as
# `LambdaCallback` in its functions, and `CSVLogger` in its file, where epochs that are trained again would come twice.
_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "best_weights", "wait", "stopped_epoch"),
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.LearningRateScheduler: (),  # a function of the epoch and of a variable of the optimizer
    keras.callbacks.ModelCheckpoint: ("best",),
    keras.callbacks.ProgbarLogger: (),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.TerminateOnNaN: (),
}


def has_state(callback: keras.callbacks.Callback) -> bool:
    """Whether it is known what `callback` carries along, so that it can be resumed."""
    # Not of a subclass, which may carry along more; and `save_freq` may count batches in private attributes.
    is_known = type(callback) in _ATTRIBUTES and getattr(callback, "save_freq", "epoch") == "epoch"
    return _has_methods(callback) or is_known


def state_of(callback: keras.callbacks.Callback) -> dict | None:
    """What `callback` carries along, for `restore_state`; `None` if it is not known, so that it begins anew."""
    if _has_methods(callback):
        return callback.state()
    if not has_state(callback):
        return None
    return {name: copy.deepcopy(getattr(callback, name)) for name in _ATTRIBUTES[type(callback)]}


def restore_state(callback: keras.callbacks.Callback, state: dict) -> None:
    """The reverse of `state_of`, which has returned `state`."""
    if _has_methods(callback):
        callback.restore(state)
        return
    for name in _ATTRIBUTES[type(callback)]:
        setattr(callback, name, copy.deepcopy(state[name]))


def _has_methods(callback) -> bool:
    return all(callable(getattr(callback, name, None)) for name in ("state", "restore"))
