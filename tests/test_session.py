import keras
import numpy as np
import pytest

from recipes.training.session import Session

pytestmark = pytest.mark.backend


class EveryStep:
    """Checkpointing that is due after each step, and only notes the places."""

    is_due_at_end = True

    def __init__(self):
        self.places = []

    def is_due_after_step(self):
        return True

    is_due_after_epoch = is_due_after_step

    def store(self, state, is_last=False):
        content = state()
        self.places.append((content["epoch"], content["step"], content["stopped"]))


class StopsInTheMiddle(keras.callbacks.Callback):
    async_safe = True

    def on_train_begin(self, logs=None):
        self.trained, self.steps = self.model, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 5:
            self.trained.stop_training = True


def test_an_epoch_that_a_callback_ends_early_is_stored_at_its_end():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    checkpointing = EveryStep()
    session = Session([StopsInTheMiddle()], model, first_epoch=0, epochs=3, steps=3, checkpointing=checkpointing)
    rows = np.ones((12, 2), "float32"), np.ones((12, 1), "float32")
    model.fit(*rows, batch_size=4, epochs=3, callbacks=session, verbose=0)
    assert checkpointing.places == [(0, 1, False), (0, 2, False), (1, 0, False), (1, 1, False), (2, 0, True)]
