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


@pytest.mark.parametrize(
    ("bound", "places"), [("steps_per_epoch", [(0, 1), (1, 0), (1, 1), (2, 0)]), ("epochs", [(0, 1), (0, 2), (1, 0)])]
)
def test_an_epoch_ends_where_the_bounds_of_keras_end_it(bound, places, monkeypatch):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monkeypatch.setattr(keras.config, f"max_{bound}", lambda: 2 if bound == "steps_per_epoch" else 1)
    checkpointing = EveryStep()
    session = Session([], model, first_epoch=0, epochs=2, steps=3, checkpointing=checkpointing)
    rows = np.ones((24, 2), "float32"), np.ones((24, 1), "float32")
    fit = {"epochs": session.epochs, "steps_per_epoch": session.steps, "batch_size": 4, "callbacks": session}
    model.fit(*rows, verbose=0, **fit)
    assert [place[:2] for place in checkpointing.places] == places
