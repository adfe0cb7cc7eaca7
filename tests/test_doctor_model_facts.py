"""Facts about compiled models, on small models of every kind."""

import functools
import random

import keras
import numpy as np
import pytest

from callbacks.watching.watched_layers import watched_layers
from recipes.doctor.facts.model import model_facts

layers = keras.layers
ROW = np.linspace(-1, 1, 10, dtype="float32").reshape(2, 5)


def compiled(*parts, loss="mse", optimizer="adam", inputs=True, **options):
    model = keras.Sequential([*([keras.Input((5,))] if inputs else []), *parts])
    model.compile(optimizer, loss, **options)
    return model


def by_name(facts):
    return {layer.name: layer for layer in facts.layers}


class Chained(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(3, activation="softmax", name="out")
        self.drop = layers.Dropout(0.3, name="drop")
        self.hidden = layers.Dense(7, activation="relu", name="hidden")

    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(x), training=training))


def test_a_sequential_model_is_described_layer_by_layer():
    model = compiled(
        layers.Dense(200, activation="relu", name="hidden"),
        layers.Dropout(0.25, name="drop"),
        layers.Dense(3, name="last"),
        layers.Softmax(name="softmax"),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(name="top")],
        inputs=False,
    )
    facts = model_facts(model, ROW)
    hidden, drop, last, softmax = facts.layers
    assert (hidden.kind, hidden.activation, hidden.units, hidden.fan_in) == ("Dense", "relu", 200, 5)
    assert (hidden.has_kernel, hidden.untouched, hidden.in_sequence) == (True, True, False)
    assert hidden.kernel_rule_std == pytest.approx((2 / 5) ** 0.5)
    assert hidden.kernel_std == pytest.approx((2 / 205) ** 0.5, rel=0.1)
    assert (drop.rate, drop.activation, drop.has_kernel, drop.in_sequence) == (0.25, None, False, True)
    assert (last.activation, last.behind_outputs, softmax.behind_outputs) == ("linear", False, True)
    assert (facts.output_layer, facts.output_activation, facts.output_shape) == ("last", "softmax", (3,))
    assert (facts.loss, facts.takes_logits) == ("sparsecategoricalcrossentropy", False)
    assert facts.metrics == ("accuracy", "topkcategoricalaccuracy")
    assert facts.parameters == 5 * 200 + 200 + 200 * 3 + 3


def test_layers_of_nested_and_branched_models_have_the_names_of_the_record():
    body = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, "relu", name="a"), layers.Dense(4, name="b")], name="body"
    )
    inputs = keras.Input((5,))
    hidden = body(inputs)
    total = layers.Add(name="add")([hidden, layers.Dense(4, name="c")(hidden)])
    model = keras.Model(inputs, layers.Dense(2, activation="tanh", name="out")(layers.ReLU(name="relu")(total)))
    model.compile("sgd", "mse")
    facts = model_facts(model, ROW)
    assert [layer.name for layer in facts.layers] == ["body/a", "body/b", "c", "add", "relu", "out"]
    assert set(watched_layers(model)) <= set(by_name(facts))
    assert [layer.in_sequence for layer in facts.layers] == [False, True, True, False, True, True]
    assert (facts.output_layer, facts.output_activation) == ("out", "tanh")


@pytest.mark.backend
def test_a_subclassed_model_is_described_in_the_order_of_its_calls():
    model = Chained()
    model.compile("adam", "categorical_crossentropy")
    facts = model_facts(model, ROW)
    assert [layer.name for layer in facts.layers] == ["hidden", "drop", "out"]
    assert [layer.in_sequence for layer in facts.layers] == [False, True, True]
    assert (facts.output_layer, facts.output_activation, facts.output_shape) == ("out", "softmax", (3,))
    assert "call" not in vars(model.out)


def test_outputs_behind_a_branch_or_an_unknown_layer_have_no_known_activation():
    assert model_facts(compiled(layers.Dense(1, "sigmoid"), layers.Rescaling(100.0)), ROW).output_activation is None
    inputs = keras.Input((5,))
    model = keras.Model(inputs, layers.Add()([layers.Dense(1)(inputs), layers.Dense(1)(inputs)]))
    model.compile("sgd", "mse")
    assert model_facts(model, ROW).output_activation is None


def test_the_output_activation_may_be_an_operation():
    inputs = keras.Input((5,))
    hidden = layers.Dense(3)(inputs)
    for outputs, name in (
        (keras.activations.sigmoid(hidden), "sigmoid"),
        (keras.ops.softmax(hidden), "softmax"),
        (keras.ops.softmax(hidden, axis=0), None),
        ([layers.Dense(2)(hidden), layers.Dense(1, activation="softmax")(hidden)], None),
    ):
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        assert model_facts(model, ROW).output_activation == name


def test_a_softmax_over_another_axis_is_none_over_units():
    model = keras.Sequential([keras.Input((5, 2)), layers.Dense(1), layers.Softmax(axis=1)])
    model.compile("sgd", "mse")
    assert model_facts(model, np.zeros((1, 5, 2), "float32")).output_activation is None


def my_crossentropy(y_true, y_pred):
    return keras.losses.categorical_crossentropy(y_true, y_pred, from_logits=True)


def sparse_crossentropy(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


def plain_crossentropy(y_true, y_pred):
    return -keras.ops.mean(y_true * keras.ops.log(y_pred), axis=-1)


def clipped_crossentropy(y_true, y_pred):
    return keras.losses.categorical_crossentropy(y_true, y_pred)


def masked_crossentropy(y_true, y_pred):
    loss = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    mask = keras.ops.cast(y_true != 0, "float32")
    return keras.ops.sum(loss * mask) / keras.ops.sum(mask)


def hidden_crossentropy(y_true, y_pred):
    raise TypeError("only for rows of its own")


@pytest.mark.parametrize(
    ("loss", "name", "takes_logits"),
    [
        ("mse", "mse", False),
        (["bce"], "bce", False),
        (keras.losses.BinaryCrossentropy(from_logits=True), "binarycrossentropy", True),
        (functools.partial(keras.losses.categorical_crossentropy, from_logits=True), "categoricalcrossentropy", True),
        (my_crossentropy, "mycrossentropy", True),
        (sparse_crossentropy, "sparsecrossentropy", True),
        (plain_crossentropy, "plaincrossentropy", False),
        (masked_crossentropy, "maskedcrossentropy", True),
        (clipped_crossentropy, "clippedcrossentropy", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_loss_of_logits_is_recognized_in_every_form(loss, name, takes_logits):
    facts = model_facts(compiled(layers.Dense(4), loss=loss), ROW)
    assert (facts.loss, facts.takes_logits) == (name, takes_logits)
    assert facts.takes_probabilities or takes_logits


def test_a_loss_that_cannot_be_tried_is_known_to_take_neither():
    facts = model_facts(compiled(layers.Dense(4), loss=hidden_crossentropy), ROW)
    assert (facts.loss, facts.takes_logits, facts.takes_probabilities) == ("hiddencrossentropy", False, False)


def test_a_class_that_the_loss_leaves_out_is_known():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert model_facts(compiled(layers.Dense(4), loss=loss), ROW).ignores_class


class Failing(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(7, name="hidden")

    def call(self, x):
        return self.hidden(x) + self.missing


def test_a_model_that_fails_has_facts_all_the_same():
    model = Failing()
    model.compile("adam", "mse")
    facts = model_facts(model, ROW)
    assert [layer.name for layer in facts.layers] == ["hidden"]
    assert (facts.loss, facts.output_activation, facts.output_layer) == ("", None, None)


def test_the_rate_is_that_of_the_first_step():
    warm_up = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=5)
    facts = model_facts(compiled(layers.Dense(1), optimizer=keras.optimizers.SGD(warm_up, clipnorm=1.0)), ROW)
    assert (facts.optimizer, facts.learning_rate, facts.has_schedule, facts.clips) == ("SGD", 0.0, True, True)
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop(-0.25))
    facts = model_facts(compiled(layers.Dense(1), optimizer=wrapped), ROW)
    assert (facts.optimizer, facts.learning_rate, facts.has_schedule, facts.clips) == ("RMSprop", -0.25, False, False)


def test_trained_layers_differ_from_untouched_ones():
    model = compiled(layers.Dense(30, "relu", name="hidden"), layers.BatchNormalization(name="norm"), layers.Dense(1))
    model.compile("adam", "mse", jit_compile=False)
    assert [layer.untouched for layer in model_facts(model, ROW).layers] == [True, True, True]
    model.train_on_batch(ROW, np.ones((2, 1)))
    assert [layer.untouched for layer in model_facts(model, ROW).layers] == [False, False, False]


def test_a_kernel_without_bias_tells_only_that_it_was_changed():
    model = compiled(layers.Dense(100, use_bias=False, name="hidden"), layers.Dense(1))
    assert by_name(model_facts(model, ROW))["hidden"].untouched is None
    model.layers[0].kernel.assign(3 * model.layers[0].kernel)
    assert by_name(model_facts(model, ROW))["hidden"].untouched is False


def test_an_lstm_is_untouched_with_its_forget_gate_at_1():
    model = keras.Sequential([keras.Input((6, 4)), layers.Bidirectional(layers.LSTM(5)), layers.Dense(1)])
    model.compile("sgd", "mse")
    facts = model_facts(model, np.zeros((1, 6, 4), "float32"))
    assert [(layer.kind, layer.untouched) for layer in facts.layers] == [
        ("LSTM", True),
        ("LSTM", True),
        ("Dense", True),
    ]


def test_units_that_are_all_alike_are_found():
    model = compiled(layers.Dense(4, kernel_initializer="zeros", name="alike"), layers.Dense(4, name="drawn"))
    assert [layer.identical_units for layer in model_facts(model, ROW).layers] == [True, False]


def test_frozen_layers_are_those_whose_weights_would_be_trained():
    model = compiled(layers.Normalization(name="norm"), layers.Dense(3, name="frozen"), layers.Dense(1, name="out"))
    model.get_layer("frozen").trainable = False
    model.compile("adam", "mse")
    assert {layer.name: layer.trainable for layer in model_facts(model, ROW).layers} == {
        "norm": True,
        "frozen": False,
        "out": True,
    }


def test_trainable_changed_before_the_first_step_takes_effect_and_after_it_does_not():
    model = compiled(layers.Dense(3, name="hidden"), layers.Dense(1, name="out"), jit_compile=False)
    model.get_layer("hidden").trainable = False
    assert model_facts(model, ROW).trained_since_compile_changed == ()
    model.train_on_batch(ROW, np.ones((2, 1)))
    assert model_facts(model, ROW).trained_since_compile_changed == ()
    model.get_layer("hidden").trainable = True
    assert model_facts(model, ROW).trained_since_compile_changed == ("hidden",)
    model.compile("adam", "mse", jit_compile=False)
    assert model_facts(model, ROW).trained_since_compile_changed == ()
    model.train_on_batch(ROW, np.ones((2, 1)))
    model.get_layer("hidden").trainable = False
    assert model_facts(model, ROW).trained_since_compile_changed == ("hidden",)


def test_nothing_changes_in_a_built_model_or_in_random_state():
    model = compiled(layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(1, "softmax"))
    states = [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
    before = random.getstate()
    model_facts(model, ROW)
    assert random.getstate() == before
    for variable, value in zip(model.variables, states, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)
    assert model.train_function is None
    assert not model.optimizer.built


def test_a_model_of_several_inputs_is_described():
    first, second = keras.Input((5,), name="first"), keras.Input((2,), name="second")
    both = layers.Concatenate(name="both")([first, second])
    model = keras.Model({"first": first, "second": second}, layers.Dense(1, "sigmoid", name="out")(both))
    model.compile("adam", "bce")
    facts = model_facts(model, {"first": ROW, "second": ROW[:, :2]})
    assert (facts.output_layer, facts.output_activation, facts.output_shape) == ("out", "sigmoid", (1,))


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match=r"must be compiled.*Received: 'plain'"):
        model_facts(keras.Sequential([keras.Input((5,)), layers.Dense(1)], name="plain"), ROW)
