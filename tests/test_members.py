"""Members of one network are trained by the mean of their losses, and predict by the average of their probabilities."""

import keras
import numpy as np
import pytest
from keras import ops

import recipes
from custom_layers import MemberAverage, MemberDense, MemberModel, MemberScale, RandomSigns
from recipes import models
from recipes.models.outputs import Outputs

pytestmark = pytest.mark.backend
MEMBERS, ROWS = 3, np.random.default_rng(0).standard_normal((40, 5)).astype("float32")
LOSSES = {
    "softmax": (4, keras.losses.SparseCategoricalCrossentropy, np.arange(40) % 4),
    "sigmoid": (1, keras.losses.BinaryCrossentropy, (np.arange(40) % 2)[:, None].astype("float32")),
    "several labels": (2, keras.losses.BinaryCrossentropy, np.random.default_rng(1).integers(0, 2, (40, 2)) * 1.0),
    "linear": (1, keras.losses.MeanSquaredError, ROWS[:, 0]),
}


def array(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))


def network(case, **arguments):
    averaging = "sigmoid" if case == "several labels" else case
    return recipes.mlp((5,), LOSSES[case][0], widths=(6,), members=MEMBERS, averaging=averaging, **arguments)


def new_loss(case, **arguments):
    return LOSSES[case][1](**({} if case == "linear" else {"from_logits": True}), **arguments)


def test_members_share_a_kernel_as_those_of_batch_ensemble_do():
    first, dense = MemberScale(MEMBERS, "random_normal"), keras.layers.Dense(4, use_bias=False)
    second = MemberScale(MEMBERS, "random_normal", use_bias=True)
    found = array(second(dense(first(ROWS))))
    second.bias.assign(np.random.default_rng(2).standard_normal((MEMBERS, 4)))
    found = array(second(dense(first(ROWS))))
    kernel, r, s, b = map(array, (dense.kernel, first.scale, second.scale, second.bias))
    for member in range(MEMBERS):
        expected = (ROWS * r[member]) @ kernel * s[member] + b[member]
        np.testing.assert_allclose(found[:, member], expected, atol=1e-5)


def test_each_member_has_a_last_layer_of_its_own():
    layer = MemberDense(2, MEMBERS)
    rows = np.repeat(ROWS[:, None], MEMBERS, axis=1)
    found = array(layer(rows))
    for member in range(MEMBERS):
        np.testing.assert_allclose(found[:, member], ROWS @ array(layer.kernel)[member], atol=1e-5)
    wide = MemberDense(50, MEMBERS, kernel_initializer="glorot_normal")
    wide.build((None, MEMBERS, 50))
    assert array(wide.kernel).std() == pytest.approx(50**-0.5, rel=0.05)


def test_signs_are_ones_of_both_kinds():
    signs = array(RandomSigns(seed=0)((40, 40), "float32"))
    assert np.array_equal(np.unique(signs), [-1, 1])
    assert abs(signs.mean()) < 0.1


def test_probabilities_are_averaged_at_prediction():
    outputs = 5 * np.random.default_rng(0).standard_normal((6, MEMBERS, 4)).astype("float32")
    softmax, sigmoid, linear = (array(MemberAverage(name)(outputs)) for name in ("softmax", "sigmoid", "linear"))
    expected = array(ops.softmax(outputs)).mean(axis=1)
    np.testing.assert_allclose(array(ops.softmax(softmax)), expected, atol=1e-6)
    np.testing.assert_allclose(array(ops.sigmoid(sigmoid)), array(ops.sigmoid(outputs)).mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(linear, outputs.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(array(MemberAverage("softmax")(outputs, training=True)), outputs)
    assert np.isfinite(array(MemberAverage("sigmoid")(100 * outputs))).all()


@pytest.mark.parametrize("case", LOSSES)
def test_the_training_loss_is_the_mean_of_the_members_losses_and_the_other_that_of_their_average(case):
    model, y = network(case, l2=0.01), LOSSES[case][2]
    weights = np.arange(40) % 3
    model.compile(loss=new_loss(case))
    members, average = model(ROWS, training=True), model(ROWS, training=False)
    assert members.shape == (40, MEMBERS, LOSSES[case][0])
    assert average.shape == (40, LOSSES[case][0])
    one_by_one = [new_loss(case)(y, members[:, member], sample_weight=weights) for member in range(MEMBERS)]
    penalty = sum(map(float, map(array, model.losses)))
    found = model.compute_loss(None, y, members, weights)
    assert float(array(found)) == pytest.approx(np.mean([array(loss) for loss in one_by_one]) + penalty, rel=1e-5)
    found = model.compute_loss(None, y, average, weights, training=False)
    assert float(array(found)) == pytest.approx(float(array(new_loss(case)(y, average, weights))) + penalty, rel=1e-5)


def test_it_is_trained_by_plain_keras_and_metrics_see_the_average():
    model, y = network("softmax"), LOSSES["softmax"][2]
    model.compile(keras.optimizers.SGD(0.0), new_loss("softmax"), metrics=[keras.metrics.SparseCategoricalAccuracy()])
    history = model.fit(ROWS, y, batch_size=40, validation_data=(ROWS, y), verbose=0).history
    accuracy = np.mean(array(model(ROWS)).argmax(1) == y)
    for name in ("sparse_categorical_accuracy", "val_sparse_categorical_accuracy"):
        assert history[name] == [pytest.approx(accuracy)]
    assert history["loss"][0] > history["val_loss"][0]  # the average is better than its members


SETTINGS = {"members": 4, "widths": (16,), "number_embedding": "periodic", "feature_scale": True}


@pytest.mark.parametrize("data", ["wine", "breast_cancer", "diabetes"])
def test_the_saved_model_of_a_recipe_averages_probabilities_or_values(data, tmp_path):
    dataset = recipes.load_dataset(data)
    plain = {"dropout": 0.0, "l2": 0.0}
    core = models.build(recipes.get("tabular").replace(model=SETTINGS, regularization=plain), dataset)
    served, rows = models.serving_model(core, dataset), dataset.test[0]
    outputs = array(core(dataset.preparation(rows), training=True))
    if data == "diabetes":
        expected = outputs.mean(axis=1) * dataset.preparation.target_scale + dataset.preparation.target_mean
    else:
        expected = array((ops.softmax if data == "wine" else ops.sigmoid)(outputs)).mean(axis=1)
        assert Outputs.of(core).activation == "linear"
    np.testing.assert_allclose(array(served(rows)), expected, rtol=1e-4, atol=1e-5)
    if data == "wine":
        served.save(tmp_path / "model.keras")
        again = recipes.load_model(tmp_path / "model.keras")
        assert isinstance(models.serving.core_of(again), MemberModel)
        np.testing.assert_allclose(array(again(rows)), expected, atol=1e-5)
        # Around a network of members, a model that is trained further has a loss for each of them, too.
        again.compile("sgd", "sparse_categorical_crossentropy")
        targets = dataset.test[1]
        each = again(rows, training=True)
        losses = [keras.losses.SparseCategoricalCrossentropy()(targets, each[:, member]) for member in range(4)]
        found = again.compute_loss(None, targets, each)
        assert float(array(found)) == pytest.approx(np.mean([array(loss) for loss in losses]), rel=1e-4)


@pytest.mark.extensive
@pytest.mark.parametrize("data", ["wine", "breast_cancer", "diabetes"])
def test_a_recipe_of_members_is_trained_and_evaluated(data, tmp_path):
    recipe = recipes.get("tabular").replace(data={"name": data}, model=SETTINGS, fit={"epochs": 15})
    run = recipes.train(recipe, output=tmp_path)
    assert recipes.evaluate(run.directory, recipes.load_dataset(data).test).rows == run.report.rows
    assert (run.report.r2 if data == "diabetes" else run.report.accuracy) > (0.3 if data == "diabetes" else 0.8)


def test_members_start_apart_and_stay_apart():
    keras.utils.set_random_seed(0)
    model = network("softmax")
    scales = array(model.get_layer("members").scale)
    assert not np.array_equal(scales[0], scales[1])
    assert [layer.name for layer in model.layers] == [
        "inputs", "members", "dense_1", "dense_1_relu", "logits", "average",
    ]  # fmt: skip
    assert recipes.model_table(model).unknown == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"members": 1}, "`members` must be a whole number of at least 2. Received: 1"),
        ({"members": 2.5}, "`members` must be a whole number of at least 2. Received: 2.5"),
        ({"members": 2, "averaging": "mean"}, "`averaging` must be softmax, sigmoid or linear. Received: 'mean'"),
        ({"averaging": "softmax"}, "`averaging` is for `members`. Received: 'softmax' without any"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.mlp((5,), 2, **arguments)


def test_members_of_another_builder_and_another_task_are_refused():
    recipe = recipes.get("tabular").replace(model={"builder": "residual", "members": 4})
    with pytest.raises(ValueError, match="model.members belongs to mlp. Received: 4 with residual"):
        models.build(recipe, recipes.load_dataset("wine"))
    with pytest.raises(ValueError, match="model.members must be at least 2. Received: 1"):
        recipe.replace(model={"members": 1})
    tabular = recipes.get("tabular").replace(schedule={"name": "constant"})
    with pytest.raises(ValueError, match="must be linear for regression. Received: 'sigmoid'"):
        recipes.compile_model(network("sigmoid"), tabular, task="regression")
    with pytest.raises(ValueError, match="must be softmax or sigmoid for classification. Received: 'linear'"):
        recipes.compile_model(network("linear"), tabular, task="classification")
    with pytest.raises(ValueError, match=r"expected inputs \(batch, 3 members, columns\). Received: shape \(2, 4, 5\)"):
        MemberDense(2, 3).build((2, 4, 5))
