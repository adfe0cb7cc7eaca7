"""Which epoch is kept, by what, and what follows: calibration, and a training on validation rows too."""

import dataclasses

import keras
import numpy as np
import pytest

import recipes
from callbacks import EarlyStopping
from recipes.metrics import temperature
from recipes.metrics.refined_log_loss import RefinedLogLoss
from recipes.settings import Recipe
from recipes.training.prepared import Training
from recipes.training.validation_error import metrics_for, wrong

LOGITS = 4 * np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
CLASSES = (LOGITS + 6 * np.random.default_rng(1).normal(size=(200, 3))).argmax(axis=1)


def log_loss(labels, logits, scale=1.0):
    logits = logits.astype(np.float64) / scale
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -logits[np.arange(len(labels)), labels].mean()


def value_of(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


@pytest.mark.backend
@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0])
def test_refined_log_loss_is_that_after_the_best_temperature(scale):
    logits = scale * LOGITS
    best = log_loss(CLASSES, logits, temperature(CLASSES, logits))
    halves = ((CLASSES[:50], logits[:50]), (CLASSES[50:], logits[50:]))
    assert value_of(RefinedLogLoss(), *halves) == pytest.approx(best, abs=3e-4)
    shares = np.eye(3, dtype=np.float32)[CLASSES]
    assert value_of(RefinedLogLoss(), (shares, logits)) == pytest.approx(best, abs=3e-4)
    single = logits[:, :1]
    pairs = np.concatenate([np.zeros_like(single), single], axis=1)
    labels = (CLASSES == 0).astype(int)
    expected = log_loss(labels, pairs, temperature(labels, single))
    assert value_of(RefinedLogLoss(), (labels, single, np.ones(200))) == pytest.approx(expected, abs=3e-4)


@pytest.mark.backend
def test_errors_are_wrong_rows_or_root_mean_squares():
    (share,), (root,) = metrics_for("error", "classification"), metrics_for("error", "regression")
    mistakes = np.mean(LOGITS.argmax(axis=1) != CLASSES)
    assert value_of(share, (CLASSES, LOGITS)) == pytest.approx(mistakes)
    assert np.mean(wrong(np.eye(3, dtype=np.float32)[CLASSES], LOGITS)) == pytest.approx(mistakes)
    assert np.mean(wrong(np.array([0, 1, 1]), np.array([[-1.0], [-1.0], [2.0]]))) == pytest.approx(1 / 3)
    assert value_of(root, (np.zeros(2), np.array([3.0, 4.0]))) == pytest.approx(np.sqrt(12.5))
    with pytest.raises(ValueError, match="fit.keep: refined is for probabilities of classes"):
        metrics_for("refined", "regression")


@pytest.mark.parametrize(("ties", "kept"), [("first", 2), ("last", 3)])
def test_of_equal_epochs_the_first_or_the_last_is_kept(ties, kept):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    stopping = EarlyStopping("error", patience=2, ties=ties, mode="min")
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, error in enumerate([0.5, 0.3, 0.3, 0.4]):
        stopping.on_epoch_begin(epoch)
        stopping.on_epoch_end(epoch, {"error": error})
    assert stopping.best_epoch + 1 == kept
    assert stopping.stopped_epoch == 3  # patience counts from the first of them
    with pytest.raises(ValueError, match="`ties` must be first or last. Received: 'any'"):
        EarlyStopping(ties="any")


@pytest.mark.backend
def test_two_classes_of_one_logit_have_their_labels_smoothed():
    loss = recipes.losses.get("cross_entropy", task="classification", num_outputs=1, label_smoothing=0.1)
    logit = 1.5
    expected = 0.95 * np.log1p(np.exp(-logit)) + 0.05 * np.log1p(np.exp(logit))
    assert float(loss(np.array([[1.0]]), np.array([[logit]]))) == pytest.approx(expected, rel=1e-5)


RECIPE = Recipe(name="mine").replace(
    model={"widths": [8]}, fit={"epochs": 3, "patience": None, "batch_size": 64}, regularization={"dropout": 0.2}
)


@pytest.fixture(scope="module")
def dataset():
    return recipes.load_dataset("breast-cancer")


@pytest.mark.extensive
def test_probabilities_are_calibrated_in_the_saved_model(dataset, tmp_path):
    recipe = RECIPE.replace(fit={"keep": "refined"}, optimizer={"learning_rate": 0.1})
    run = recipes.train(recipe, dataset, output=tmp_path, pictures=False, verbose=False)
    best = np.argmin(run.history["val_refined_loss"]) + 1
    assert run.kept_epoch == best
    layer = run.model.get_layer("temperature")
    x, y = dataset.validation
    probabilities = recipes.load_model(run.directory).predict(x, verbose=0)
    logits = np.log(probabilities / (1 - probabilities))
    assert temperature(y, logits) == pytest.approx(1, abs=0.02)
    text = (run.directory / "report.txt").read_text()
    assert f"logits are divided by {1 / layer.scale:.4g}, learned on validation rows" in text


@pytest.mark.extensive
def test_a_network_is_trained_anew_on_training_and_validation_rows_for_the_epochs_that_were_best(dataset):
    recipe = RECIPE.replace(fit={"keep": "error", "refit": True})
    training = Training.of(recipe, dataset)
    watched = training.fit()
    best = np.array(watched.history["val_error"])
    assert watched.kept_epoch == 3 - np.argmin(best[::-1])
    rows = len(dataset.train[1]) + len(dataset.validation[1])
    assert f"training and validation rows together, {rows} in all, for {watched.kept_epoch} epochs" in watched.reason
    joined = [np.concatenate(pair) for pair in zip(dataset.train, dataset.validation, strict=True)]
    direct = recipe.replace(fit={"keep": "last", "refit": False, "epochs": watched.kept_epoch})
    expected = Training.of(direct, dataclasses.replace(dataset, train=tuple(joined)))
    expected.fit()
    for one, other in zip(training.core.get_weights(), expected.core.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fit": {"refit": True}, "schedule": {"name": "reduce_on_plateau"}}, "fit.refit leaves no validation rows"),
        (
            {"fit": {"keep": "error"}, "fine_tune": {"epochs": 1}, "model": {"builder": "transfer"}},
            "fit.keep: error is for one training, without fine_tune.epochs",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Recipe(name="mine").replace(**changes)
