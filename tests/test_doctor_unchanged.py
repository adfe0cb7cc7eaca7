"""What the doctor leaves behind of its trainings: nothing."""

import random

import keras
import numpy as np
import pytest
from keras import layers
from model_state import random_numbers, seed_all, state

from callbacks import GradientNormLogger
from recipes.doctor.unchanged import unchanged

pytestmark = pytest.mark.backend


def rows(count=96, features=6):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, features)).astype("float32")
    return x, (x @ rng.standard_normal((features, 3))).argmax(axis=1)


def sequential():
    stack = [layers.Dense(8), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.2), layers.Dense(3)]
    return keras.Sequential(stack)  # not built


def functional():
    inputs = keras.Input((6,))
    hidden = layers.GaussianNoise(0.1)(layers.Dense(8, "relu")(inputs))
    return keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.3)(hidden)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.dropout, self.out = layers.Dense(8, "relu"), layers.Dropout(0.2), layers.Dense(3)
        self.traced = 0

    def call(self, inputs, training=False):
        self.traced += 1
        return self.out(self.dropout(self.hidden(inputs), training=training))


def adam():
    return keras.optimizers.Adam(0.01)


def scheduled():
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 20)
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(schedule, momentum=0.9))


def compiled(build=functional, optimizer=adam):
    seed_all(1)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    jit = keras.backend.backend() == "jax"  # on TensorFlow, it would take most of the time
    model.compile(optimizer=optimizer(), loss=loss, metrics=["accuracy"], jit_compile=jit)
    return model


def train(model, x, y, **arguments):
    return model.fit(x, y, batch_size=32, verbose=0, **arguments)


@pytest.mark.parametrize(
    ("build", "optimizer"),
    [
        (sequential, adam),
        pytest.param(functional, scheduled, marks=pytest.mark.extensive),
        pytest.param(Subclassed, adam, marks=pytest.mark.extensive),
    ],
)
def test_a_fit_after_trials_gives_the_weights_it_would_have_given_without(build, optimizer):
    x, y = rows()
    found = []
    for tried in (False, True):
        model = compiled(build, optimizer)
        if tried:
            with unchanged(model, x, y) as kept:
                train(model, x, y, callbacks=[GradientNormLogger(trace_every=1)], validation_data=(x, y))
                kept.restart(rate=0.3)
                model.predict(x, verbose=0)
                random.random(), np.random.random(), keras.random.normal((2,))  # noqa: NPY002
            assert not model.optimizer.built
            assert model.train_function is None
        history = train(model, x, y, epochs=2)
        found.append((state(model), history.history, random_numbers()))
    assert found[0] == found[1]


@pytest.mark.parametrize("error", [pytest.param(None, marks=pytest.mark.extensive), KeyboardInterrupt])
def test_a_model_amid_its_training_keeps_every_bit_also_after_an_interruption(error):
    x, y = rows()
    model = compiled(Subclassed)
    train(model, x, y, validation_data=(x, y))
    model.stop_training = True
    before, attributes = state(model), dict(vars(model))
    seed_all(5)
    expected = random_numbers()
    seed_all(5)
    interrupted = None
    try:
        with unchanged(model) as kept:
            kept.restart(rate=0.5)
            train(model, x, y, callbacks=[Interrupt(1, error)], validation_data=(x, y))
            model.evaluate(x, y, verbose=0)
            assert state(model) != before
    except KeyboardInterrupt as caught:
        interrupted = type(caught)
    assert interrupted is error
    assert random_numbers() == expected
    assert state(model) == before
    assert vars(model).keys() == attributes.keys()
    assert all(vars(model)[name] is value for name, value in attributes.items())


class Interrupt(keras.callbacks.Callback):
    """Raises an error after a batch."""

    def __init__(self, batch, error):
        super().__init__()
        self.batch, self.error = batch, error

    def on_train_batch_end(self, batch, logs=None):
        if self.error and batch == self.batch:
            raise self.error


def test_an_error_in_the_first_step_leaves_all_as_it_was():
    x, y = rows()
    model = compiled()
    before = state(model)
    with pytest.raises((ValueError, TypeError, RuntimeError)), unchanged(model):
        model.train_on_batch(x, np.zeros((96, 4, 5)))
    with unchanged(model):
        model.train_function = fails
        with pytest.raises(ValueError, match="no such step"):
            train(model, x, y)
    assert state(model) == before
    assert model.train_function is None
    train(model, x, y)


def fails(*state_and_batches):
    raise ValueError("no such step")


@pytest.mark.parametrize("optimizer", [adam, pytest.param(scheduled, marks=pytest.mark.extensive)])
def test_a_restart_begins_at_the_same_weights_and_random_numbers_with_an_optimizer_that_has_made_no_step(optimizer):
    x, y = rows()
    model = compiled(functional, optimizer)
    with unchanged(model) as kept:
        losses = [train(model, x, y, epochs=2).history["loss"]]
        kept.restart(rate=0.5)
        fast = train(model, x, y, epochs=2).history["loss"]
        for _ in range(2):
            kept.restart()
            losses.append(train(model, x, y, epochs=2).history["loss"])
    own = train(model, x, y, epochs=2).history["loss"]
    assert losses[0] == losses[1] == losses[2] == own
    assert fast != own


@pytest.mark.extensive
def test_a_compiled_step_serves_for_several_learning_rates():
    x, y = rows()
    model = compiled()
    with unchanged(model) as kept:
        train(model, x, y)
        step = model.train_function
        kept.restart(rate=0.5)
        assert model.train_function is step
        assert float(kept.optimizer.learning_rate) == 0.5


def test_a_model_that_is_not_built_needs_rows():
    with (
        pytest.raises(ValueError, match="a model that is not built needs `x` and `y`"),
        unchanged(compiled(sequential)),
    ):
        pass
