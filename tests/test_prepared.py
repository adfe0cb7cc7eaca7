import keras
import numpy as np
import pytest

import recipes
from callbacks import GradientNormLogger
from recipes.training.epoch_cost import epoch_cost
from recipes.training.prepared import Training


@pytest.fixture(scope="module")
def dataset():
    return recipes.load_dataset("breast_cancer")


def own_model(learning_rate=0.01):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(learning_rate), loss=loss)
    return model


@pytest.mark.backend
def test_a_training_is_built_by_its_seed_alone(dataset, short_recipe):
    weights = [Training.of(short_recipe, dataset, seed=seed).core.get_weights()[0] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"augmentation": {"flip": "horizontal"}}, r"augmentation is for images. Received: rows of shape \(30,\)"),
        ({"fit": {"class_weight": {"benign": 1.0}}}, "fit.class_weight must name every class"),
    ],
)
def test_settings_that_do_not_suit_the_data_are_refused_before_anything_is_built(dataset, changes, message):
    recipe = recipes.get("tabular").replace(**changes)
    with pytest.raises(ValueError, match=message):
        Training.of(recipe, dataset, model=lambda dataset: pytest.fail("was built"))


@pytest.mark.backend
def test_a_compiled_model_of_the_users_own_is_trained_on_plain_arrays(dataset):
    (x, y), validation = dataset.prepared("train"), dataset.prepared("validation")
    model = own_model()
    watched = Training.of_compiled(model, x, y, validation, epochs=3, batch_size=64).fit()
    assert len(watched.history["val_loss"]) == 3
    assert watched.history["loss"][-1] < watched.history["loss"][0]
    assert (watched.kept_epoch, watched.divergence) == (3, None)
    assert list(watched.record.epochs) == [0, 1, 2, 3]  # 0: the activations before the first step
    assert len(watched.record.layers) == 2
    again = own_model()
    Training.of_compiled(again, x, y, epochs=3, batch_size=64).fit()
    for first, second in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6)


def test_a_training_that_diverges_says_so_and_what_was_seen(dataset):
    x, y = dataset.prepared("train")
    model = own_model()
    watched = Training.of_compiled(model, x * 1e20, y, epochs=3).fit()
    assert "training diverged: loss was not finite in epoch 1; a lower learning rate" in watched.divergence
    assert watched.record.layers


def test_a_training_on_plain_arrays_is_cut_and_its_epochs_are_timed(dataset):
    x, y = dataset.prepared("train")
    training = Training.of_compiled(own_model(), x, y, dataset.prepared("validation"), batch_size=64)
    assert training.limited(128).rows()["steps_per_epoch"] == 2
    assert len(training.limited(20).source.validation()[0]) == 20
    assert epoch_cost(training).steps == -(-len(x) // 64)


def test_a_watching_callback_of_the_users_own_replaces_ours(dataset):
    x, y = dataset.prepared("train")
    logger = GradientNormLogger()
    watched = Training.of_compiled(own_model(), x, y).fit([logger])
    np.testing.assert_array_equal(watched.record.gradient_norm_mean[-1:], logger.record.gradient_norm_mean)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.zeros(3)}, r"`x` and `y` must have as many rows, at least one. Received: \(4, 30\) and \(3,\)"),
        ({"y": np.zeros(0), "x": np.zeros((0, 30))}, r"at least one. Received: \(0, 30\) and \(0,\)"),
        ({"x": np.full((4, 30), "a")}, "`x` must hold numbers. Received: <U1"),
        ({"x": np.zeros((4, 7))}, r"the model does not take rows of shape \(7,\): "),
        ({"validation_data": "later"}, r"`validation_data` must be \(x, y\) or .* Received: str"),
        ({"validation_data": (np.zeros((4, 30)), np.zeros(3))}, "`validation x` and `validation y` must have as many"),
        ({"epochs": 0}, "`epochs` must be a whole number of at least 1. Received: 0"),
        ({"batch_size": 2.5}, "`batch_size` must be a whole number of at least 1. Received: 2.5"),
        ({"model": keras.Sequential([keras.layers.Dense(1)])}, "`model` must be a Keras model that is compiled"),
    ],
)
def test_arguments_that_cannot_be_trained_on_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Training.of_compiled(**{"model": own_model(), "x": np.zeros((4, 30)), "y": np.zeros(4), **arguments})


def test_the_served_model_shares_the_weights(dataset, short_recipe):
    training = Training.of(short_recipe, dataset)
    serving = training.serving()
    before = serving.predict(dataset.test[0][:4], verbose=0)
    training.core.set_weights([np.zeros_like(weight) for weight in training.core.get_weights()])
    after = serving.predict(dataset.test[0][:4], verbose=0)
    assert not np.allclose(before, 0.5)
    np.testing.assert_allclose(after, 0.5)
