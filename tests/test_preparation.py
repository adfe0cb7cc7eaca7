import numpy as np
import pytest

import custom_layers
import recipes
from recipes.data.preparation import ImagePreparation, TablePreparation


def test_training_rows_end_up_centred_and_scaled():
    dataset = recipes.load_dataset("wine")
    x, y = dataset.prepared("train")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-4)
    assert y is dataset.train[1]


def test_nothing_is_learnt_from_validation_and_test_rows():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 2)), np.arange(60) % 2
    plain, shifted = (recipes.load_dataset(((x, y), (x + move, y), (x + move, y))) for move in (0, 100))
    np.testing.assert_array_equal(plain.preparation.mean, shifted.preparation.mean)
    np.testing.assert_allclose(plain.preparation.mean, x.mean(axis=0), atol=1e-6)


def test_regression_targets_are_scaled_for_training():
    _, y = recipes.load_dataset("diabetes").prepared("train")
    assert abs(y.mean()) < 1e-5
    assert y.std() == pytest.approx(1, abs=1e-5)


def test_constant_columns_are_left_out_and_named():
    x = np.c_[np.full(9, 0.1), np.arange(9), np.full(9, -3)]
    preparation = TablePreparation.fit(x.astype(np.float32), np.arange(9), "classification", ("a", "b", "c"))
    assert preparation.left_out == {"a": "constant", "c": "constant"}
    assert preparation(x).shape == (9, 1)


def test_a_layer_of_an_older_model_has_no_formats():
    layer = custom_layers.TablePreparation(["a"], [0.0], [1.0], formats={"a": {"unit": "kg"}})
    config = layer.get_config()
    assert config.pop("formats") == {"a": {"unit": "kg"}}
    assert custom_layers.TablePreparation.from_config(config).formats == {}


def test_large_offsets_keep_their_variance():
    # Computed in float32, the deviation of these columns would be lost.
    x = (np.random.default_rng(0).normal(size=(10_000, 1)) + 4096).astype(np.float32)
    assert TablePreparation.fit(x, np.arange(10_000), "classification", ("a",)).scale[0] == pytest.approx(
        x.std(dtype=float)
    )


@pytest.mark.parametrize("shape", [(50, 6, 5), (50, 6, 5, 3)])
def test_images_are_scaled_by_channel(shape):
    x = np.random.default_rng(0).integers(0, 256, size=shape).astype(np.uint8)
    preparation = ImagePreparation.fit(x, np.arange(50), "classification")
    prepared = preparation(x)
    assert prepared.shape[1:] == preparation.output_shape == (6, 5, shape[-1] if len(shape) == 4 else 1)
    np.testing.assert_allclose(prepared.mean(axis=(0, 1, 2)), 0, atol=1e-4)


@pytest.mark.backend
def test_the_layer_does_what_the_arrays_went_through():
    generator = np.random.default_rng(0)
    x = np.c_[generator.normal(7, 3, size=(40, 3)), np.ones(40)].astype(np.float32)
    preparation = TablePreparation.fit(x, np.arange(40), "classification", tuple("abcd"))
    layer = custom_layers.TablePreparation(**preparation.constants())
    np.testing.assert_allclose(np.asarray(layer(x)), preparation(x), atol=1e-6)
    assert layer.compute_output_shape((None, 4)) == (None, 3)
    again = custom_layers.TablePreparation.from_config(layer.get_config())
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(layer(x)))


@pytest.mark.backend
def test_the_layer_works_in_float32_under_mixed_precision():
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = custom_layers.TablePreparation(["a"], [1000.0], [1.0])
    finally:
        keras.config.set_dtype_policy(before)
    assert float(np.asarray(layer(np.array([[1001.5]], dtype=np.float32)))[0, 0]) == 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [0.0, 1.0], [1.0]), "must be of one length. Received: {'feature_names': 1, 'mean': 2, 'scale': 1}"),
        ((["a"], [0.0], [0.0]), "`scale` must be more than 0 for at least one column"),
    ],
)
def test_wrong_constants_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        custom_layers.TablePreparation(*arguments)


def test_a_wrong_number_of_columns_is_refused():
    with pytest.raises(ValueError, match="expected 1 columns"):
        custom_layers.TablePreparation(["a"], [0.0], [1.0])(np.ones((2, 3)))
