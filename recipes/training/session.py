"""One training as its callbacks see it, through however many calls of `fit` it takes, stored as it goes."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from callbacks import Progress
from callbacks.watching.keras_private import finish_hooks
from callbacks.watching.resumed_state import has_state, restore_state, state_of
from recipes.runs.writing import one_line
from recipes.training.checkpointing import Checkpointing
from recipes.training.state import assign_values, random_state, set_random_state, values_of


class Session(keras.callbacks.CallbackList):
    """The callbacks of one training. Given to `fit`, it stores the training at the places that are due.

    A training that goes on in the middle of an epoch takes two calls of `fit`: one for the rest of that epoch, and one
    for all others. Callbacks see one training, and the batch numbers of an epoch that was never interrupted.

    Args:
        callbacks: Callbacks in their order.
        model: Compiled model.
        first_epoch: Number of the first epoch of this training, counted from 0.
        epochs: Number of the last epoch, counted from 1.
        steps: Number of steps in an epoch.
        checkpointing: Where and when to store the training; `None` for never.
        state: What `state` has returned at the place from which the training goes on; `None` to begin.
        facts: Further values to be stored with each checkpoint.

    Raises:
        ValueError: For a `state` of a place that this training does not have, and, as the training goes on, for one
            that does not fit its model and callbacks.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        *,
        first_epoch: int,
        epochs: int,
        steps: int,
        checkpointing: Checkpointing | None = None,
        state: dict[str, Any] | None = None,
        facts: dict[str, Any] | None = None,
    ):
        # `fit` ends there.
        self.epochs = min(epochs, keras.config.max_epochs() or epochs)
        steps = min(steps, keras.config.max_steps_per_epoch() or steps)
        super().__init__(list(callbacks), add_history=True, model=model, epochs=epochs, steps=steps, verbose=0)
        self.steps, self.checkpointing, self.facts = steps, checkpointing, facts or {}
        self.to_restore = state
        self.epoch, self.step = (first_epoch, 0) if state is None else (state["epoch"], state["step"])
        begun = self.epoch + (self.step > 0)
        if not (first_epoch <= self.epoch and begun <= epochs and 0 <= self.step < max(1, steps)):
            place = f"step {self.step:,} of epoch {self.epoch + 1:,}"
            raise ValueError(f"the checkpoint is of {place}, in a training of {steps:,} steps and {epochs:,} epochs")
        self.has_begun = False
        # The number of the first batch of a call of `fit`, which counts from 0.
        self.first_step = self.step

    def parts(self) -> Iterator[tuple[int, int, dict[str, int]]]:
        """Epoch, step and further arguments of each call of `fit` that the training takes."""
        if self.to_restore is not None and self.to_restore["stopped"]:
            # `fit` without an epoch: callbacks still end their training.
            self.epochs = self.epoch
        if self.step:
            remaining = self.steps - self.step
            yield self.epoch, self.step, {"epochs": self.epoch + 1, "steps_per_epoch": remaining}
            if self.is_over:
                return
        yield self.epoch, 0, {"epochs": self.epochs}

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left, or a callback has stopped the training."""
        return self.epoch >= self.epochs or self.model.stop_training

    def on_train_begin(self, logs=None):
        if not self.has_begun:
            self.has_begun = True
            super().on_train_begin(logs)
            if self.to_restore is not None and not self.step:
                self._restore()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        # In the middle of an epoch: what Keras and callbacks set back for the epoch is put back as it was.
        if self.to_restore is not None:
            self._restore()

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(self.first_step + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(self.first_step + batch, logs)
        self.step = self.first_step + batch + 1
        # The last step of an epoch is asked for with the epoch.
        if self.checkpointing is not None and self.step < self.steps and self.checkpointing.is_due_after_step():
            # On JAX and PyTorch, hooks of batches run beside the training. This method does not, so that it may use
            # the model: on JAX that copies the state of the training into the variables.
            finish_hooks(self)
            # A callback that stops the training ends the epoch here, and the training is stored with it: gone on with
            # from here, the epoch would have another step.
            if self.model.stop_training:
                return
            self._store()

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.epoch, self.step, self.first_step = epoch + 1, 0, 0
        if self.checkpointing is None:
            return
        if self.is_over:
            if self.checkpointing.is_due_at_end:
                self._store(is_last=True)
        elif self.checkpointing.is_due_after_epoch():
            self._store()

    def on_train_end(self, logs=None):
        if self.is_over:
            super().on_train_end(logs)

    def _store(self, **options) -> None:
        self.checkpointing.store(self.state, **options)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on, between two steps."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "stopped": bool(self.model.stop_training),
            "variables": values_of(self.model),
            "callbacks": [state_of(callback) for callback in self._resumable()],
            "random": random_state(),
            **self.facts,
        }

    def _resumable(self) -> list[keras.callbacks.Callback]:
        # What progress shows depends on the clock, and whether it is shown, on the call.
        return [callback for callback in self.callbacks if has_state(callback) and not isinstance(callback, Progress)]

    def _restore(self):
        state, self.to_restore = self.to_restore, None
        try:
            assign_values(self.model, state["variables"])
            for callback, content in zip(self._resumable(), state["callbacks"], strict=True):
                restore_state(callback, content)
            set_random_state(state["random"])
        except Exception as error:  # a checkpoint may come from a stranger, and hold whatever
            raise ValueError(f"the checkpoint does not fit this training: {one_line(error)}") from error
