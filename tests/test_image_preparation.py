import keras
import numpy as np
import pytest

from custom_layers import ImagePreparation
from recipes.data.images.pixels import WHITE, fit, fit_all

pytestmark = pytest.mark.backend

PLAIN = [0.0], [1.0]
PLAIN_RGB = [0.0] * 3, [1.0] * 3


@pytest.fixture(scope="module")
def photo():
    """A real picture, uint8 `(107, 160, 3)`."""
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")[::4, ::4].copy()


def prepared(x, *arguments, **kwargs):
    return np.asarray(ImagePreparation(*arguments, **kwargs)(x))


def random_images(*shape):
    return np.random.default_rng(0).integers(0, 256, size=shape).astype(np.uint8)


def test_channels_are_centred_and_scaled():
    x = random_images(4, 6, 5, 3)
    mean, scale = [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]
    expected = (x.astype(np.float32) - np.array(mean)) / np.array(scale)
    for raw in (x, x.astype(np.float32), x.astype(np.float64), x.astype(np.int32)):
        outputs = ImagePreparation(6, 5, mean, scale)(raw)
        assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
        np.testing.assert_allclose(np.asarray(outputs), expected, atol=1e-4)


def test_a_missing_axis_of_channels_is_added():
    x = random_images(4, 6, 5)
    np.testing.assert_array_equal(prepared(x, 6, 5, *PLAIN)[..., 0], x)
    np.testing.assert_array_equal(prepared(x, 6, 5, *PLAIN, data_format="channels_first")[..., 0], x)
    np.testing.assert_array_equal(prepared(x, 6, 5, *PLAIN_RGB), np.repeat(x[..., None], 3, axis=-1))


def test_leading_channels_go_to_the_end():
    x = random_images(4, 6, 5, 3)
    first = np.moveaxis(x, -1, 1)
    np.testing.assert_array_equal(prepared(first, 6, 5, *PLAIN_RGB, data_format="channels_first"), x)


@pytest.mark.parametrize(("raw", "channels"), [(1, 3), (3, 1), (4, 1), (4, 3), (2, 2), (5, 5)])
def test_colours_become_what_is_wanted_as_for_files(raw, channels):
    x = random_images(4, 6, 5, raw)
    expected = fit_all(x, 6, 5, channels)
    np.testing.assert_allclose(prepared(x, 6, 5, [0.0] * channels, [1.0] * channels), expected, atol=0.51)


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_pixels_show_the_background(channels):
    x = random_images(4, 6, 5, 4)
    expected = fit_all(x, 6, 5, channels, WHITE)
    outputs = prepared(x, 6, 5, [0.0] * channels, [1.0] * channels, background=WHITE)
    np.testing.assert_allclose(outputs, expected, atol=1.01)  # luma of rounded colours is rounded twice


def test_a_repeated_grey_is_scaled_channel_by_channel():
    x = np.full((1, 2, 2, 1), 10, dtype=np.uint8)
    assert prepared(x, 2, 2, [0.0, 4.0, 10.0], [1.0, 2.0, 3.0])[0, 0, 0].tolist() == [10, 3, 0]


@pytest.mark.parametrize("size", [(32, 32), (16, 61), (107, 160), (214, 320), (300, 40), (108, 159), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_resized_as_files_are(photo, size, channels):
    outputs = prepared(photo[None], *size, [0.0] * channels, [1.0] * channels)
    expected = fit(photo, *size, channels).astype(np.float32)
    assert np.abs(outputs[0] - expected).max() < 1.6


def test_digits_are_resized_as_files_are():
    from sklearn.datasets import load_digits

    digits = (load_digits().images[:20] * 15).astype(np.uint8)
    for size in ((28, 28), (5, 4)):
        outputs = prepared(digits, *size, *PLAIN)
        assert np.abs(outputs - fit_all(digits[..., None], *size, 1)).max() < 1.6


def test_an_even_image_stays_even():
    x = np.full((1, 37, 11, 1), 200, dtype=np.uint8)
    np.testing.assert_allclose(prepared(x, 13, 40, *PLAIN), 200, rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_model_takes_images_of_any_size_in_turn(photo, jit_compile):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, ImagePreparation(32, 40, *PLAIN_RGB)(inputs))
    model.compile("sgd", "mse", jit_compile=jit_compile)
    assert model.output_shape == (None, 32, 40, 3)
    fitting = fit(photo, 32, 40, 3)
    for image in (photo, photo[:20, :30], fitting, photo):
        outputs = model.predict(np.stack([image] * 3), verbose=0)
        assert np.abs(outputs - fit(image, 32, 40, 3).astype(np.float32)).max() < 1.6
    # Where the size was known to be right, nothing would be computed; where it is not, next to nothing changes.
    np.testing.assert_allclose(model.predict(fitting[None], verbose=0)[0], fitting, atol=1e-3)


def test_images_without_channels_may_have_any_size():
    inputs = keras.Input((None, None))
    model = keras.Model(inputs, ImagePreparation(8, 8, *PLAIN)(inputs))
    for size in ((8, 8), (12, 9)):
        x = random_images(2, *size)
        assert np.abs(model.predict(x, verbose=0) - fit_all(x[..., None], 8, 8, 1)).max() < 1.6


def test_gradients_pass_through():
    model = keras.Sequential([
        keras.Input((6, 6, 3)), keras.layers.Conv2D(3, 1), ImagePreparation(4, 4, *PLAIN_RGB), keras.layers.Flatten(),
        keras.layers.Dense(1),
    ])  # fmt: skip
    before = model.layers[0].get_weights()[0]
    model.compile("sgd", "mse", jit_compile=keras.backend.backend() != "torch")
    model.fit(random_images(4, 6, 6, 3) / 255, np.ones(4), verbose=0)
    assert not np.array_equal(model.layers[0].get_weights()[0], before)


def test_the_output_shape_is_known_before_the_call():
    layer = ImagePreparation(8, 9, *PLAIN_RGB, data_format="channels_first")
    assert layer.compute_output_shape((None, 1, None, None)) == (None, 8, 9, 3)
    assert layer.compute_output_shape((7, 20, 20)) == (7, 8, 9, 3)
    symbolic = layer(keras.Input((1, None, None), dtype="uint8"))
    assert (symbolic.shape, symbolic.dtype) == ((None, 8, 9, 3), "float32")


def test_its_configuration_makes_it_again():
    layer = ImagePreparation(
        4, 3, np.array([1.0]), np.array([2.0]), "channels_first", (0, 9, 255), 16, name="preparation"
    )
    config = layer.get_config()
    settings = {"background": [0, 9, 255], "depth": 16}
    assert settings.items() <= config.items()
    settings = {"height": 4, "width": 3, "mean": [1.0], "scale": [2.0], "data_format": "channels_first"}
    assert settings.items() <= config.items()
    again = ImagePreparation.from_config(config)
    x = random_images(2, 3, 5, 6)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(layer(x)))


def test_it_is_saved_inside_a_model(tmp_path):
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(2, 3)(ImagePreparation(8, 8, [100.0] * 3, [50.0] * 3)(inputs))
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = random_images(2, 10, 7, 3)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_it_works_in_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = ImagePreparation(1, 1, [254.0], [1.0])
    finally:
        keras.config.set_dtype_policy(before)
    outputs = layer(np.array([[[[254.5]]]], dtype=np.float32))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    assert float(np.asarray(outputs)[0, 0, 0, 0]) == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, [0.0], [1.0]), "`height` and `width` must be at least 1. Received: 0 and 5"),
        ((5, 5, [0.0], [1.0, 1.0]), "of one length, at least 1. Received: {'mean': 1, 'scale': 2}"),
        ((5, 5, [], []), "of one length, at least 1. Received: {'mean': 0, 'scale': 0}"),
        ((5, 5, [0.0, 0.0], [1.0, 0.0]), r"`scale` must be more than 0. Received: \[1.0, 0.0\]"),
        ((5, 5, [0.0], [float("nan")]), r"`scale` must be more than 0. Received: \[nan\]"),
        ((5, 5, *PLAIN, "channels_last", (0, 300, 0)), r"three values from 0 to 255, or None. Received: \(0, 300, 0\)"),
        ((5, 5, *PLAIN, "channels_last", None, 12), "`depth` must be 8, 16, 32 or None. Received: 12"),
        ((5, 5, *PLAIN, "first"), "`data_format` must be channels_last or channels_first. Received: 'first'"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImagePreparation(*arguments)


@pytest.mark.parametrize(
    ("channels", "data_format", "shape", "message"),
    [
        (1, "channels_last", (6, 5), r"expected \(batch, height, width\) or \(batch, height, width, channels\)\. Rec"),
        (
            1,
            "channels_first",
            (2, 6, 5, 1, 1),
            r"or \(batch, channels, height, width\)\. Received: .*\(2, 6, 5, 1, 1\)",
        ),
        (
            3,
            "channels_last",
            (2, 3, 6, 5),
            r"expected 1 or 3 or 4 channels, channels_last\. Received: .*\(2, 3, 6, 5\)",
        ),
        (1, "channels_first", (2, 6, 5, 3), r"expected 1 or 3 or 4 channels, channels_first\. Received: .*6, 5, 3\)"),
        (2, "channels_last", (2, 6, 5), r"expected 2 channels, channels_last\. Received: input of shape \(2, 6, 5\)"),
    ],
)
def test_images_of_a_wrong_shape_are_refused(channels, data_format, shape, message):
    layer = ImagePreparation(6, 5, [0.0] * channels, [1.0] * channels, data_format=data_format)
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape, dtype=np.uint8))
