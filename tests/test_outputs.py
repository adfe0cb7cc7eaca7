"""What the outputs of a model mean, whatever the order of its attributes."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

import custom_layers
import recipes
from recipes.metrics import ClassificationReport, MultiLabelReport, RegressionReport
from recipes.models.outputs import Outputs, compiled_loss

pytestmark = pytest.mark.backend

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = np.arange(60) % 3
ONE_HOT = np.eye(3)[Y]
MULTI_LABEL = np.maximum(ONE_HOT, [1, 0, 0])
SHARES = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
LOGITS = np.array([[-1.0, 2.0, 0.5], [0.1, 0.2, 0.3]])


class Gated(keras.Model):
    """Its last attribute gives no outputs."""

    def __init__(self, units=3, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.head = layers.Dense(units, activation)
        self.gate = layers.Dense(4, "sigmoid")

    def call(self, inputs):
        return self.head(self.gate(inputs) * inputs)


@keras.saving.register_keras_serializable()
class Registered(Gated):
    pass


def compiled(model, loss):
    model(X[:2])
    model.compile("sgd", loss)
    return model


def from_logits(kind):
    return kind(from_logits=True)


LOSSES = keras.losses


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y", "kind", "has_probabilities"),
    [
        (3, None, from_logits(LOSSES.SparseCategoricalCrossentropy), Y, ClassificationReport, True),
        (3, None, [from_logits(LOSSES.CategoricalCrossentropy)], ONE_HOT, ClassificationReport, True),
        (3, None, from_logits(LOSSES.CategoricalFocalCrossentropy), ONE_HOT, ClassificationReport, True),
        (3, None, recipes.losses.FocalCrossentropy(), Y, ClassificationReport, True),
        (3, None, from_logits(LOSSES.BinaryFocalCrossentropy), MULTI_LABEL, MultiLabelReport, True),
        (3, "softmax", "sparse_categorical_crossentropy", Y, ClassificationReport, True),
        (3, "softmax", "binary_crossentropy", ONE_HOT, ClassificationReport, True),
        (3, "softmax", from_logits(LOSSES.SparseCategoricalCrossentropy), Y, ClassificationReport, True),
        (3, "softmax", None, Y, ClassificationReport, True),
        (3, "sigmoid", None, MULTI_LABEL, MultiLabelReport, True),
        (3, None, "categorical_hinge", ONE_HOT, ClassificationReport, False),
        (1, None, from_logits(LOSSES.BinaryCrossentropy), np.eye(2)[Y % 2], ClassificationReport, True),
        (1, "sigmoid", "binary_crossentropy", Y[:, None] % 2, ClassificationReport, True),
        (1, None, "hinge", 2 * (Y % 2) - 1, ClassificationReport, False),
        (1, None, "mse", X[:, 0], RegressionReport, False),
    ],
)
def test_a_subclassed_model_is_known_by_its_loss_and_its_values(units, activation, loss, y, kind, has_probabilities):
    model = Gated(units, activation)
    report = recipes.evaluate(compiled(model, loss) if loss else model, (X, y))
    assert type(report) is kind
    if kind is RegressionReport:
        return
    assert (report.probabilities is not None) == has_probabilities
    if kind is ClassificationReport:
        outputs = keras.ops.convert_to_numpy(model(X))
        decided = outputs.argmax(axis=1) if units > 1 else outputs[:, 0] > (0.5 if activation else 0)
        truth = Y if units > 1 else Y % 2
        assert report.accuracy == np.mean(decided == truth)


def test_the_last_attribute_of_a_subclassed_model_is_not_its_output_layer():
    model = Gated()
    model(X)
    assert Outputs.of(model).activation is None
    recipes.compile_model(model, "tabular", 1, task="classification", num_outputs=3)
    with pytest.raises(ValueError, match="cannot tell whether gated.* is a classifier: compile it"):
        recipes.evaluate(compiled(Gated(), lambda y, outputs: keras.ops.mean(outputs)), (X, Y))


@pytest.mark.whole
def test_a_gated_model_of_the_users_own_is_trained(tmp_path, short_recipe):
    few = short_recipe.replace(fit={"epochs": 1})
    run = recipes.train(few, (X, Y), model=Registered(), output=tmp_path, pictures=False, verbose=False)
    assert run.report.probabilities is not None
    with pytest.raises(ValueError, match="the model gives probabilities, but recipes train on logits"):
        recipes.train(few, (X, Y), model=Registered(3, "softmax"), output=tmp_path, name="other", verbose=False)


def sequential(*others, units=3):
    return keras.Sequential([keras.Input((4,)), layers.Dense(units), *others])


def functional(outputs):
    inputs = keras.Input((4,))
    return keras.Model(inputs, outputs(inputs))


@pytest.mark.parametrize(
    ("model", "activation"),
    [
        (lambda: sequential(), "linear"),
        (lambda: sequential(layers.Softmax()), "softmax"),
        (lambda: sequential(layers.Activation("softmax"), layers.Dropout(0.1), layers.Activation("linear")), "softmax"),
        (lambda: sequential(layers.Dense(1, "sigmoid"), layers.Rescaling(8.0)), "rescaling"),
        (lambda: sequential(layers.Activation(layers.ReLU())), "relu"),
        (lambda: functional(lambda x: keras.ops.softmax(layers.Dense(3)(x))), "softmax"),
        (lambda: functional(lambda x: layers.Dropout(0.1)(layers.Dense(3, "softmax")(x))), "softmax"),
        (lambda: functional(lambda x: sequential(layers.Softmax())(x)), "softmax"),
        (lambda: functional(lambda x: layers.Add()([layers.Dense(3, "softmax")(x), layers.Dense(3)(x)])), "add"),
        (lambda: type("Own", (keras.Sequential,), {"call": lambda self, x: x})([layers.Softmax()]), None),
    ],
)
def test_the_output_layer_of_a_graph_is_seen(model, activation):
    assert Outputs.of(model()).activation == activation


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (None, ("", False)),
        ("binary_crossentropy", ("binarycrossentropy", False)),
        ({"out": from_logits(LOSSES.BinaryCrossentropy)}, ("binarycrossentropy", True)),
        ([LOSSES.Hinge()], ("hinge", False)),
        (["mse", "mae"], ("", False)),
        (functools.partial(LOSSES.binary_crossentropy, from_logits=True), ("binarycrossentropy", True)),
        (LOSSES.sparse_categorical_crossentropy, ("sparsecategoricalcrossentropy", False)),
    ],
)
def test_a_loss_is_read_in_every_form(loss, expected):
    model = type("Model", (), {"loss": loss})
    assert compiled_loss(model) == expected


def test_values_show_probabilities_where_the_loss_takes_logits():
    model = compiled(Gated(), from_logits(LOSSES.SparseCategoricalCrossentropy))
    assert Outputs.of(model).are_logits(LOGITS)
    assert not Outputs.of(model).are_logits(SHARES)
    binary = compiled(Gated(1), from_logits(LOSSES.BinaryCrossentropy))
    assert Outputs.of(binary).are_logits(SHARES[:, :1])


@pytest.mark.parametrize(
    ("loss", "values", "targets", "multi_label"),
    [
        ("binary_crossentropy", SHARES, ONE_HOT[:2], False),
        ("binary_crossentropy", SHARES, MULTI_LABEL[:2], True),
        ("binary_crossentropy", SHARES**2, ONE_HOT[:2], True),
        ("categorical_crossentropy", SHARES**2, ONE_HOT[:2], False),
        (None, SHARES, ONE_HOT[:2], False),
        (None, SHARES**2, ONE_HOT[:2], True),
        (None, LOGITS, ONE_HOT[:2], False),
        (None, SHARES, MULTI_LABEL[:2], True),
        ("mse", LOGITS, np.ones((2, 3)) * 7, False),
    ],
)
def test_one_hot_classes_are_distinguished_from_multi_label_targets(loss, values, targets, multi_label):
    model = compiled(Gated(), loss) if loss else Gated()
    assert Outputs.of(model).is_multi_label(targets, values) == multi_label


def test_multi_label_decides_where_it_is_given():
    model = compiled(sequential(layers.Softmax()), "categorical_crossentropy")
    assert type(recipes.evaluate(model, (X, ONE_HOT))) is ClassificationReport
    assert type(recipes.evaluate(model, (X, ONE_HOT), multi_label=True)) is MultiLabelReport
    with pytest.raises(ValueError, match=r"the shape \(rows, labels\) for multi_label=True. Received: \(60,\)"):
        recipes.evaluate(model, (X, Y), multi_label=True)
    with pytest.raises(ValueError, match="`y` has 2 columns, and the model has 3 outputs"):
        recipes.evaluate(model, (X, np.eye(2)[Y % 2]))


def test_a_task_follows_from_the_loss_or_the_outputs():
    assert Outputs.of(compiled(Gated(), "huber")).task == "regression"
    unknown = Outputs.of(Gated())
    assert unknown.task is unknown.task_of(LOGITS) is None
    assert unknown.task_of(SHARES) == Outputs.of(sequential(layers.Softmax())).task == "classification"


def test_facts_are_read_off_models_of_every_kind():
    both = keras.Input((4,)), keras.Input((2,))
    several = keras.Model(both, {name: layers.Dense(3)(both[0]) for name in "ab"})
    image = custom_layers.ImagePreparation(4, 4, [0.0], [1.0])
    served = keras.Sequential([keras.Input((None, None, 1)), image, layers.Flatten(), layers.Dense(2, "sigmoid")])
    known = Outputs.of(served)
    assert (known.row_shape, known.units, known.preparation) == ((None, None, 1), 2, image)
    assert (known.task, known.form, known.multi_label) == ("classification", "probabilities", True)
    for model, one_to_one in ((several, False), (keras.Sequential([layers.Dense(3)]), True), (Gated(), True)):
        known = Outputs.of(model)
        assert (known.row_shape, known.units, known.preparation, known.one_to_one) == (None, None, None, one_to_one)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_outputs_of_half_precision_are_probabilities(policy):
    dense = layers.Dense(3, "softmax", dtype=policy)
    model = compiled(keras.Sequential([keras.Input((4,)), dense]), "sparse_categorical_crossentropy")
    assert recipes.evaluate(model, (X, Y)).probabilities is not None
