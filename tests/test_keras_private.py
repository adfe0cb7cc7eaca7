"""Each private name of Keras does what is expected of it: the first test to read after a new version of Keras."""

import random
import time

import keras
import numpy as np
import pytest
from keras import layers, ops

from callbacks import EarlyStopping
from callbacks.watching import keras_private

pytestmark = pytest.mark.backend


def values(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


@pytest.fixture
def weights():
    return [keras.Variable(np.ones(2, "float32")), keras.Variable(np.zeros(3, "float32"))]


@pytest.fixture
def optimizer(weights):
    optimizer = keras.optimizers.SGD(0.5, momentum=0.9, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2)
    optimizer.build(weights)
    return optimizer


def step(optimizer):
    optimizer.apply([ops.ones(2), ops.ones(3)])


def test_an_optimizer_knows_its_weights_in_their_order(optimizer, weights):
    assert [id(weight) for weight in keras_private.trainable_variables_of(optimizer)] == list(map(id, weights))
    assert keras_private.trainable_variables_of(keras.optimizers.SGD()) == []


def test_every_step_is_counted_parts_of_an_accumulated_update_as_well(optimizer):
    for _ in range(3):
        step(optimizer)
    assert int(ops.convert_to_numpy(keras_private.iterations_of(optimizer))) == 3


def test_a_learning_rate_is_a_variable_a_schedule_or_a_function():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)

    def function():
        return 0.1

    assert isinstance(keras_private.learning_rate_setting_of(keras.optimizers.Adam(0.1)), keras.Variable)
    assert keras_private.learning_rate_setting_of(keras.optimizers.Adam(schedule)) is schedule
    assert keras_private.learning_rate_setting_of(keras.optimizers.Adam(function)) is function


def test_each_weight_has_its_moving_average(optimizer, weights):
    for _ in range(4):  # of which two make an update, and the first update is no average yet
        step(optimizer)
    pairs = keras_private.moving_averages_of(optimizer)
    assert [id(weight) for weight, _ in pairs] == list(map(id, weights))
    assert [average.shape for _, average in pairs] == [(2,), (3,)]
    assert not np.allclose(*values(pairs[0]))
    assert keras_private.moving_averages_of(keras.optimizers.SGD(use_ema=True)) == []  # not built
    plain = keras.optimizers.SGD()
    plain.build(weights)
    assert keras_private.moving_averages_of(plain) == []


def test_gradients_are_summed_until_the_update(optimizer, weights):
    step(optimizer)
    (collected,) = keras_private.accumulated_gradients_of(optimizer, weights[1:])
    np.testing.assert_array_equal(*values([collected, ops.ones(3)]))


def test_a_variable_can_be_removed_from_an_optimizer(optimizer):
    before = len(optimizer.variables)
    added = optimizer.add_variable((), name="added")
    assert len(optimizer.variables) == before + 1
    keras_private.remove_variable(optimizer, added)
    assert not any(variable is added for variable in optimizer.variables)
    assert len(optimizer.variables) == before


def test_hidden_variables_are_not_saved(optimizer):
    every, store = optimizer.variables, {}
    with keras_private.variables_hidden(optimizer, every[:2]):
        assert list(map(id, optimizer.variables)) == list(map(id, every[2:]))
        optimizer.save_own_variables(store)
    assert len(store) == len(every) - 2
    assert list(map(id, optimizer.variables)) == list(map(id, every))


def test_hooks_that_run_beside_the_training_can_be_waited_for():
    seen = []

    class Slow(keras.callbacks.Callback):
        async_safe = True

        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.05)
            seen.append(batch)

    callbacks = keras.callbacks.CallbackList([Slow()])
    callbacks.on_train_begin()
    callbacks.on_train_batch_end(0)
    keras_private.finish_hooks(callbacks)
    assert seen == [0]
    callbacks.on_train_end()


def test_layers_are_found_inside_of_layers():
    inner = layers.SimpleRNN(2)
    outer = layers.TimeDistributed(layers.Bidirectional(inner))
    (both,) = keras_private.layers_inside(outer)
    assert keras_private.layers_inside(both)[0].name.endswith(inner.name)
    found = keras_private.layer_and_all_inside(outer)
    assert found[0] is outer
    assert {type(layer).__name__ for layer in found} >= {"Bidirectional", "SimpleRNN", "SimpleRNNCell"}


def test_symbolic_rows_build_a_subclassed_model():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(3)

        def call(self, inputs):
            return self.hidden(inputs["rows"])

    model = Model()
    keras_private.build_for(model, {"rows": keras.KerasTensor((None, 4), "float32")})
    assert model.hidden.kernel.shape == (4, 3)


def test_a_mask_is_attached_to_the_output_of_a_layer():
    output = layers.Embedding(5, 2, mask_zero=True)(np.array([[1, 0]]))
    assert values([keras_private.mask_of(output)])[0].tolist() == [[True, False]]
    assert keras_private.mask_of(layers.Dense(2)(np.ones((1, 2)))) is None


def test_shortcuts_are_attributes_that_layers_have():
    lstm, gru = layers.LSTM(2), layers.GRU(2)
    for layer in (lstm, gru):
        assert set(keras_private.shortcuts_of(layer)) <= {"_can_attempt_fused_lstm", "_can_attempt_fused_gru"}
    with keras.RematScope("full"):
        remembering = layers.Dense(2)
    assert keras_private.shortcuts_of(remembering) == {"_remat_mode": None}
    assert keras_private.shortcuts_of(layers.Dense(2)) == {}


def test_what_is_made_in_an_unscoped_model_is_not_named_after_it():
    class Outer(keras_private.UnscopedModel):
        def __init__(self, inner):
            super().__init__(name="outer")
            self.inner = inner

        def call(self, inputs):
            return self.inner(inputs)

    inner = keras.Sequential([layers.Dense(2, name="dense")], name="inner")
    Outer(inner)(np.ones((1, 2)))
    assert inner.weights[0].path == "inner/dense/kernel"


@pytest.mark.parametrize("draws", [0, 1])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_default_generator_is_as_before(draws, is_known):
    def numbers():
        keras.backend.clear_session()
        random.seed(3)
        if is_known:
            keras.random.normal((1,))

    numbers()
    expected = [values([keras.random.normal((2,))]), random.random()]
    numbers()
    with keras_private.default_generator_unchanged():
        for _ in range(draws):
            keras.random.normal((2,))
    np.testing.assert_array_equal(values([keras.random.normal((2,))]), expected[0])
    assert random.random() == expected[1]


def test_the_direction_of_a_metric_decides_what_is_an_improvement():
    stopping = EarlyStopping("val_loss", min_delta=0.1)
    keras_private.choose_direction(stopping)
    assert keras_private.is_improvement(stopping, 0.5, 0.7)
    assert not keras_private.is_improvement(stopping, 0.65, 0.7)
    assert keras_private.is_improvement(stopping, 0.9, None)
    stopping = EarlyStopping("val_accuracy", mode="max")
    keras_private.choose_direction(stopping)
    assert keras_private.is_improvement(stopping, 0.9, 0.7)
    assert not keras_private.is_improvement(stopping, 0.5, 0.7)
