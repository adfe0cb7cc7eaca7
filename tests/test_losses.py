import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import hinge_loss

import recipes
from recipes.losses import (
    CrammerSingerHinge,
    FocalCrossentropy,
    SparseCategoricalCrossentropy,
    WestonWatkinsHinge,
    check_pair,
    crammer_singer_hinge,
    get,
    weston_watkins_hinge,
)

pytestmark = pytest.mark.backend

# The worked examples: three rows, true classes 0, 1 and 2.
SCORES = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], dtype="float32")
LABELS = np.array([0, 1, 2])
OURS = [WestonWatkinsHinge, CrammerSingerHinge, SparseCategoricalCrossentropy, FocalCrossentropy]
SMOOTHED = {"label_smoothing": 0.1}


def values(loss, labels, scores, sample_weight=None):
    return ops.convert_to_numpy(loss(labels, ops.convert_to_tensor(scores), sample_weight=sample_weight))


def gradient(loss, labels, scores):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        scores = tf.Variable(scores)
        with tf.GradientTape() as tape:
            result = loss(labels, scores)
        return tape.gradient(result, scores).numpy()
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda scores: loss(labels, scores))(scores))
    scores = ops.convert_to_tensor(scores).requires_grad_()
    loss(labels, scores).backward()
    return scores.grad.numpy()


def random_rows(seed, scale=3.0):
    """Three rows again, of scores of both signs: a new shape would cost JAX another compilation."""
    random = np.random.default_rng(seed)
    return random.integers(0, 3, 3), random.normal(scale=scale, size=(3, 3)).astype("float32")


def plain(name, labels, scores, margin=1.0, gamma=2.0, smoothing=0.1):
    """The definitions, class by class in float64."""
    losses = []
    for label, row in zip(labels, scores.astype("float64"), strict=True):
        rivals = [margin + score - row[label] for other, score in enumerate(row) if other != label]
        p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        losses.append(
            {
                "weston_watkins_hinge": sum(max(0, rival) for rival in rivals),
                "crammer_singer_hinge": max(0, *rivals),
                "focal": -((1 - p[label]) ** gamma) * np.log(p[label]),
                "smoothed": -(1 - smoothing) * np.log(p[label]) - smoothing * np.log(p).mean(),
            }[name]
        )
    return np.array(losses)


def test_hinge_of_the_worked_example():
    losses = values(WestonWatkinsHinge(reduction=None), LABELS, SCORES)
    np.testing.assert_allclose(losses, [2.9, 0, 12.9], atol=1e-5)
    assert round(float(values(WestonWatkinsHinge(), LABELS, SCORES)), 2) == 5.27
    np.testing.assert_allclose(values(CrammerSingerHinge(reduction=None), LABELS, SCORES), [2.9, 0, 6.6], atol=1e-5)


@pytest.mark.parametrize(
    "loss", [get("cross_entropy", num_outputs=3), SparseCategoricalCrossentropy(), FocalCrossentropy(gamma=0)]
)
def test_cross_entropy_of_the_worked_example(loss):
    loss.reduction = None
    losses = values(loss, LABELS, SCORES)
    assert (round(float(losses[0]), 2), round(float(losses[1]), 3), round(float(losses[2]), 3)) == (2.04, 0.079, 6.156)
    assert round(float(losses.mean()), 2) == 2.76


def test_probabilities_give_the_loss_of_their_logits():
    probabilities = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
    expected = values(SparseCategoricalCrossentropy(label_smoothing=0.2), LABELS, SCORES)
    loss = SparseCategoricalCrossentropy(from_logits=False, label_smoothing=0.2)
    np.testing.assert_allclose(values(loss, LABELS, probabilities), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_losses_are_what_their_definitions_say(seed):
    labels, scores = random_rows(seed)
    margin, gamma = np.random.default_rng(seed).uniform([0.1, 0], [3, 4])
    for loss, name in [
        (WestonWatkinsHinge(margin, reduction=None), "weston_watkins_hinge"),
        (CrammerSingerHinge(margin, reduction=None), "crammer_singer_hinge"),
        (FocalCrossentropy(gamma, reduction=None), "focal"),
        (SparseCategoricalCrossentropy(label_smoothing=0.1, reduction=None), "smoothed"),
    ]:
        expected = plain(name, labels, scores, margin, gamma)
        np.testing.assert_allclose(values(loss, labels, scores), expected, rtol=1e-4, atol=1e-5, err_msg=name)
    expected = hinge_loss(labels, scores.astype("float64"), labels=[0, 1, 2])
    np.testing.assert_allclose(values(CrammerSingerHinge(), labels, scores), expected, rtol=1e-5)


def test_negative_scores_of_a_clear_leader_cost_nothing():
    scores = np.array([[-3.0, -5, -6], [-9, -4, -7], [-9, -9, -2]], dtype="float32")
    assert values(CrammerSingerHinge(), LABELS, scores) == values(WestonWatkinsHinge(), LABELS, scores) == 0


@pytest.mark.parametrize("kind", OURS)
def test_all_forms_of_labels_mean_the_same(kind):
    loss = kind(reduction=None)
    expected = values(loss, LABELS, SCORES)
    for labels in (LABELS[:, None], LABELS.astype("uint8"), LABELS.astype("float32"), np.eye(3)):
        np.testing.assert_array_equal(values(loss, labels, SCORES), expected)
    twice = np.stack([LABELS, LABELS])
    for labels in (twice, twice[..., None], np.eye(3)[twice]):
        both = values(loss, labels, np.stack([SCORES, SCORES]))
        np.testing.assert_allclose(both, np.stack([expected, expected]), rtol=1e-6)


def test_the_functions_take_lists_and_one_hot_booleans():
    for function in (weston_watkins_hinge, crammer_singer_hinge):
        expected = ops.convert_to_numpy(function(LABELS, SCORES))
        np.testing.assert_array_equal(ops.convert_to_numpy(function([0, 1, 2], SCORES.tolist())), expected)
        np.testing.assert_array_equal(ops.convert_to_numpy(function(np.eye(3, dtype=bool), SCORES)), expected)


@pytest.mark.parametrize("kind", OURS)
def test_a_label_that_names_no_class_makes_the_loss_nan(kind):
    loss = kind(reduction=None)
    assert np.isnan(values(loss, np.array([0, 3, 2]), SCORES)).tolist() == [False, True, False]
    assert np.isnan(values(loss, np.array([-1, 1, 2]), SCORES)).tolist() == [True, False, False]
    mixed = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 1]])
    assert np.isnan(values(loss, mixed, SCORES)).tolist() == [False, True, True]


def test_label_smoothing_is_that_of_one_hot_labels_in_keras():
    for seed, smoothing in enumerate((0.05, 0.3, 0.9)):
        labels, scores = random_rows(seed)
        expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None)
        np.testing.assert_allclose(
            values(get("cross_entropy", num_outputs=3, label_smoothing=smoothing), labels, scores),
            values(expected, np.eye(3)[labels], scores).mean(),
            rtol=1e-5,
        )


def test_focal_is_that_of_keras_where_it_does_not_clip():
    labels, scores = random_rows(0)
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0, from_logits=True)
    expected = values(theirs, np.eye(3)[labels], scores)
    np.testing.assert_allclose(values(get("focal"), labels, scores), expected, rtol=1e-4)
    theirs = keras.losses.BinaryFocalCrossentropy(gamma=2.0, from_logits=True)
    logits, labels = scores[:, :1], np.array([0, 1, 1])
    expected = values(theirs, labels[:, None], logits)
    for form in (labels, labels[:, None]):
        np.testing.assert_allclose(values(get("focal", num_outputs=1), form, logits), expected, rtol=1e-4)
    assert np.isnan(values(get("focal", num_outputs=1), 2 * labels - 1, logits))


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_focal_learns_from_confident_mistakes(gamma):
    several = gradient(FocalCrossentropy(gamma, reduction="sum"), LABELS, 1e4 * (1 - np.eye(3, dtype="float32")))
    np.testing.assert_allclose(np.diag(several), -1, rtol=1e-5)
    one = gradient(FocalCrossentropy(gamma, reduction="sum"), np.array([0, 1, 1]), np.float32([[1e4], [-1e4], [1e4]]))
    np.testing.assert_allclose(one, [[1], [-1], [0]], atol=1e-6)


@pytest.mark.parametrize(
    "loss", [*(kind() for kind in OURS), get("cross_entropy", num_outputs=3), SparseCategoricalCrossentropy(**SMOOTHED)]
)
def test_scores_of_1e4_and_their_gradients_stay_finite(loss):
    for sign in (1, -1):
        scores = sign * 1e4 * SCORES
        assert np.isfinite(values(loss, LABELS, scores))
        slopes = gradient(loss, LABELS, scores)
        assert np.isfinite(slopes).all()
        # Raising all scores alike changes no loss of classes.
        np.testing.assert_allclose(slopes.sum(axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("kind", OURS)
def test_float16_scores_stay_finite(kind):
    for dtype in (None, "float16"):
        result = values(kind(dtype=dtype), LABELS, np.float16(100 * SCORES))
        assert np.isfinite(result)
        assert result.dtype == (dtype or "float32")
        np.testing.assert_allclose(result, values(kind(), LABELS, 100 * SCORES), rtol=3e-3)


@pytest.mark.parametrize("kind", OURS)
def test_weights_masks_and_reductions_are_those_of_keras(kind):
    each = values(kind(reduction="none"), LABELS, SCORES)
    weights = np.array([1.0, 2.0, 0.0], dtype="float32")
    np.testing.assert_allclose(values(kind(), LABELS, SCORES, weights), (each * weights).sum() / 3, rtol=1e-6)
    np.testing.assert_allclose(values(kind(reduction="sum"), LABELS, SCORES), each.sum(), rtol=1e-6)
    expected = (each * weights).sum() / 3
    weighted = kind(reduction="mean_with_sample_weight")
    np.testing.assert_allclose(values(weighted, LABELS, SCORES, weights), expected, rtol=1e-6)
    masked = keras.layers.Masking()(ops.convert_to_tensor(np.stack([SCORES, SCORES * [[1], [0], [1]]])))
    result = ops.convert_to_numpy(kind()(np.stack([LABELS, LABELS]), masked))
    np.testing.assert_allclose(result, (2 * each.sum() - each[1]) / 5, rtol=1e-6)


@pytest.fixture(scope="module")
def iris():
    return recipes.load_dataset("iris").prepared("train")


@pytest.fixture(
    scope="module", params=["weston_watkins_hinge", pytest.param("crammer_singer_hinge", marks=pytest.mark.extensive)]
)
def trained(request, iris):
    """A model trained with a hinge, in compiled steps where there is a compiler."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = get(request.param, num_outputs=3, margin=2.0)
    model.compile(keras.optimizers.Adam(0.1), loss, jit_compile=keras.backend.backend() != "torch")
    return model, [float(model.train_on_batch(*iris)) for _ in range(40)]


def test_a_model_learns_by_hinge(trained, iris):
    (x, y), (trained, _) = iris, trained
    assert (ops.convert_to_numpy(trained(x)).argmax(axis=1) == y).mean() > 0.9


@pytest.mark.whole
def test_a_model_is_loaded_with_its_loss_and_learns_on(trained, iris, tmp_path):
    trained, before = trained
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(trained.loss)
    assert loaded.loss.get_config() == trained.loss.get_config()
    losses = [float(loaded.train_on_batch(*iris)) for _ in range(3)]
    assert losses[-1] < losses[0] < min(before)


@pytest.mark.parametrize(
    "loss", [FocalCrossentropy(1.5, reduction="sum"), SparseCategoricalCrossentropy(False, 0.2, dtype="float16")]
)
def test_losses_survive_their_configuration(loss):
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert copy.dtype == loss.dtype


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "settings"),
    [
        ("cross_entropy", {"num_outputs": 1}, keras.losses.BinaryCrossentropy, {"from_logits": True}),
        ("Cross-Entropy", {"num_outputs": 3}, keras.losses.SparseCategoricalCrossentropy, {"from_logits": True}),
        ("crossentropy", {"num_outputs": 3, "label_smoothing": 0.1}, SparseCategoricalCrossentropy, SMOOTHED),
        ("cross_entropy", {"num_outputs": 1, "label_smoothing": 0.1}, keras.losses.BinaryCrossentropy, SMOOTHED),
        (
            "sparse_categorical_crossentropy",
            {"from_logits": False},
            keras.losses.SparseCategoricalCrossentropy,
            {"from_logits": False},
        ),
        ("focal", {"gamma": 0}, FocalCrossentropy, {"gamma": 0}),
        ("weston-watkins-hinge", {"margin": 0.5}, WestonWatkinsHinge, {"margin": 0.5}),
        ("CrammerSingerHinge", {"task": "classification"}, CrammerSingerHinge, {"margin": 1}),
        ("hinge", {"num_outputs": 1}, keras.losses.Hinge, {}),
        ("squared_hinge", {}, keras.losses.SquaredHinge, {}),
        ("mse", {"task": "regression", "num_outputs": 1, "label_smoothing": 0.0}, keras.losses.MeanSquaredError, {}),
        ("mean_absolute_error", {}, keras.losses.MeanAbsoluteError, {}),
        ("MAE", {}, keras.losses.MeanAbsoluteError, {}),
        ("l1", {}, keras.losses.MeanAbsoluteError, {}),
        ("L2_loss", {}, keras.losses.MeanSquaredError, {}),
        ("smooth-l1", {"delta": 2}, keras.losses.Huber, {}),
        ("bce", {}, keras.losses.BinaryCrossentropy, {}),
        ("huber_loss", {}, keras.losses.Huber, {}),
        ("categorical_focal_crossentropy", {}, FocalCrossentropy, {"gamma": 2}),
        ("log_cosh", {}, keras.losses.LogCosh, {}),
    ],
)
def test_losses_come_by_name(name, arguments, kind, settings):
    loss = get(name, **arguments)
    assert type(loss) is kind
    for setting, value in settings.items():
        assert getattr(loss, setting) == value


def test_huber_turns_at_delta():
    errors = np.array([[5.0], [1.0], [-3.0]], dtype="float32")
    expected = (2 * 5 - 2**2 / 2) + 1 / 2 + (2 * 3 - 2**2 / 2)
    np.testing.assert_allclose(values(get("huber", delta=2.0), np.zeros((3, 1)), errors), expected / 3)


def test_the_hinge_of_keras_takes_labels_0_and_1():
    scores = np.array([[2.0], [0.5], [-3.0]], dtype="float32")
    np.testing.assert_allclose(values(get("hinge", num_outputs=1), np.array([1, 0, 1]), scores), (0 + 1.5 + 4) / 3)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cros_entropy", {}, "unknown loss 'cros_entropy': did you mean 'cross_entropy'. Known: cross_entropy, "),
        (None, {}, "unknown loss None"),
        ("categorical_hinge", {}, "wrong for negative scores: use crammer_singer_hinge"),
        ("categorical_crossentropy", {}, "labels are class numbers here, .*: use cross_entropy"),
        ("cross_entropy", {}, "`num_outputs` must be given for cross_entropy"),
        ("cross_entropy", {"num_outputs": 0}, "`num_outputs` must be a whole number of at least 1. Received: 0"),
        ("cross_entropy", {"num_outputs": 3, "from_logits": 1}, "`from_logits` must be true or false. Received: 1"),
        ("mse", {"task": "clustering"}, "`task` must be classification or regression. Received: 'clustering'"),
        ("mse", {"label_smoothing": 0.1}, "mean_squared_error has no options. Received: label_smoothing=0.1"),
        ("focal", {"margin": 2}, "focal has only the options gamma. Received: margin=2.0"),
        ("huber", {"delta": 0}, "`delta` must be more than 0 and finite. Received: 0"),
        ("focal", {"gamma": -1}, "`gamma` must be at least 0 and finite. Received: -1"),
        ("weston_watkins_hinge", {"margin": "wide"}, "`margin` must be more than 0 and finite. Received: 'wide'"),
        ("cross_entropy", {"label_smoothing": 1}, "`label_smoothing` must be at least 0 and less than 1. Received: 1"),
        ("mse", {"task": "classification"}, "mean_squared_error is a loss of numbers.*: use cross_entropy"),
        ("cross_entropy", {"task": "regression"}, "is a loss of classes.*: use mean_squared_error"),
        ("focal", {"task": "regression"}, "focal_crossentropy is a loss of classes"),
        ("weston_watkins_hinge", {"num_outputs": 1}, "needs one output for each class.*: use hinge"),
        ("sparse_categorical_crossentropy", {"num_outputs": 1}, "needs one output for each class.*: use cross_entropy"),
        ("hinge", {"num_outputs": 3}, "single output, and the model has 3: use weston_watkins_hinge or crammer_singer"),
        ("binary_crossentropy", {"num_outputs": 3}, "single output, and the model has 3: use cross_entropy"),
    ],
)
def test_wrong_names_and_options_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        get(name, **arguments)


PROBABILITIES = {"from_logits": False}


@pytest.mark.parametrize(
    ("name", "arguments", "outputs", "last", "message"),
    [
        ("cross_entropy", {}, 3, "softmax", "takes logits: leave that activation out, or give the loss from_logits="),
        ("cross_entropy", SMOOTHED, 3, "softmax", "the model ends in softmax, but sparse_categorical_crossentropy"),
        ("cross_entropy", {}, 1, "sigmoid", "the model ends in sigmoid, but binary_crossentropy takes logits"),
        ("cross_entropy", {}, 1, "softmax", "takes logits: leave that activation out; softmax on one unit is 1"),
        ("focal", {}, 3, "softmax", "focal_crossentropy takes logits: leave that activation out$"),
        ("cross_entropy", PROBABILITIES, 1, "softmax", "softmax on one unit, which is 1 .*: use sigmoid or two units"),
        ("cross_entropy", PROBABILITIES, 3, "linear", "takes probabilities: end in softmax, or give the loss from_log"),
        ("cross_entropy", PROBABILITIES, 1, "relu", "takes probabilities: end in sigmoid"),
        ("cross_entropy", PROBABILITIES, 3, "sigmoid", "exclude each other: use softmax"),
        ("weston_watkins_hinge", {}, 3, "softmax", "takes any scores: leave that activation out"),
        ("hinge", {}, 1, "sigmoid", "hinge takes any scores: leave that activation out"),
        ("huber", {}, 1, "sigmoid", "ends in sigmoid, which cannot reach scaled targets: leave that activation out"),
        ("mse", {}, 1, "softmax", "ends in softmax, which cannot reach scaled targets"),
    ],
)
def test_wrong_pairs_are_refused_with_the_fix(name, arguments, outputs, last, message):
    loss = get(name, num_outputs=outputs, **arguments)
    with pytest.raises(ValueError, match=message):
        check_pair(loss, None, outputs, last)


@pytest.mark.parametrize(
    ("name", "arguments", "task", "outputs", "last"),
    [
        ("cross_entropy", {}, "classification", 3, "linear"),
        ("cross_entropy", {}, "classification", 1, "linear"),
        ("cross_entropy", PROBABILITIES, "classification", 3, "softmax"),
        ("cross_entropy", {**PROBABILITIES, **SMOOTHED}, "classification", 3, "softmax"),
        ("cross_entropy", PROBABILITIES, "classification", 1, "sigmoid"),
        ("cross_entropy", PROBABILITIES, "classification", 3, "reshape"),
        ("cross_entropy", PROBABILITIES, "classification", 3, ""),
        ("focal", {}, "classification", 1, "linear"),
        ("focal", {}, "classification", 3, "linear"),
        ("crammer_singer_hinge", {}, "classification", 2, "tanh"),
        ("mse", {}, "regression", 1, "linear"),
        ("mse", {}, "regression", 3, None),
    ],
)
def test_right_pairs_pass(name, arguments, task, outputs, last):
    check_pair(get(name, task=task, num_outputs=outputs, **arguments), task, outputs, last)


def test_a_loss_of_the_users_own_is_judged_by_its_logits_only():
    check_pair(keras.losses.Poisson(), "regression", 3, "exponential")
    check_pair(keras.losses.CosineSimilarity(), "classification", 3, "linear")


@pytest.mark.parametrize("kind", OURS)
def test_shapes_that_do_not_fit_are_refused(kind):
    with pytest.raises(ValueError, match=r"labels must be .*labels \(2,\), scores \(3, 3\)"):
        kind()(LABELS[:2], SCORES)
    with pytest.raises(ValueError, match=r"labels must be .*labels \(3, 2\), scores \(3, 3\)"):
        kind()(np.eye(3)[:, :2], SCORES)
    # The loss turns labels into its own dtype, in which 2049 is 2048.
    with pytest.raises(ValueError, match="float16 cannot hold labels of 2049 classes"):
        kind(dtype="float16")(LABELS, np.zeros((3, 2049), dtype="float16"))


def test_losses_of_several_outputs_refuse_a_single_one():
    for kind in (WestonWatkinsHinge, CrammerSingerHinge, SparseCategoricalCrossentropy):
        with pytest.raises(ValueError, match=r"a score for each. Received: scores \(3, 1\)"):
            kind()(LABELS, SCORES[:, :1])
    with pytest.raises(ValueError, match=r"0 or 1, one for each logit. Received: labels \(3, 3\), logits \(3, 1\)"):
        FocalCrossentropy()(np.eye(3), SCORES[:, :1])
