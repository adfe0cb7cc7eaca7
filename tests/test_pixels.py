import numpy as np
import pytest
from PIL import Image

from recipes.data.images.pixels import WHITE, color_of, fit, fit_all


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape).astype(np.uint8)


def test_an_image_that_fits_stays_as_it_is():
    image, x = pixels(6, 5, 3), pixels(2, 6, 5, 3)
    assert fit(image, 6, 5, 3) is image
    assert fit_all(x, 6, 5, 3) is x


@pytest.mark.parametrize("size", [(3, 2), (12, 15), (3, 15)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_colours_change_as_pillow_changes_them(size, channels):
    image = Image.fromarray(pixels(6, 5, 3)).convert("L" if channels == 1 else "RGB")
    expected = np.atleast_3d(np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR)))
    result = fit(pixels(6, 5, 3), *size, channels)
    assert (result.shape, result.dtype) == ((*size, channels), np.uint8)
    np.testing.assert_allclose(result.astype(int), expected, atol=1)


def test_floating_point_images_are_not_rounded():
    x = pixels(4, 6, 5, 3).astype(np.float32) / 255
    result = fit_all(x, 4, 7, 1)
    assert (result.shape, result.dtype) == ((4, 4, 7, 1), np.float32)
    np.testing.assert_allclose(result, fit_all(pixels(4, 6, 5, 3), 4, 7, 1) / 255, atol=1.1 / 255)
    assert len(np.unique(result)) > 100
    np.testing.assert_allclose(fit(x[0], 6, 5, 1)[..., 0], x[0] @ [0.299, 0.587, 0.114], atol=1e-6)


def test_luma_is_rounded_and_grey_is_repeated():
    assert fit(np.array([[[0, 1, 0]]], dtype=np.uint8), 1, 1, 1).tolist() == [[[1]]]
    assert fit(np.full((1, 1, 3), 255, dtype=np.uint8), 1, 1, 1).tolist() == [[[255]]]
    assert fit(np.full((1, 1, 1), 7, dtype=np.uint8), 1, 1, 3).tolist() == [[[7, 7, 7]]]
    assert fit(np.array([[[1, 2, 3, 4]]], dtype=np.uint8), 1, 1, 3).tolist() == [[[1, 2, 3]]]


def test_more_channels_are_resized_but_never_recoloured():
    assert fit(pixels(6, 5, 6), 3, 3, 6).shape == (3, 3, 6)
    with pytest.raises(ValueError, match="an image of 6 channels cannot become one of 3"):
        fit(pixels(6, 5, 6), 3, 3, 3)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_four_channels_are_put_on_a_background_by_the_alpha_of_the_set(dtype):
    x = np.array([[[[10, 20, 30, 0]]], [[[10, 20, 30, 51]]], [[[10, 20, 30, 255]]]], np.uint8)
    unit = 1 if dtype == "uint8" else 255
    x = x.astype(dtype) / unit if dtype == "float32" else x
    result = fit_all(x, 1, 1, 3, color_of("#ff0064")) * unit
    np.testing.assert_allclose(result.reshape(3, 3), [[255, 0, 100], [206, 4, 86], [10, 20, 30]], atol=0.01)
    # The second image alone has no alpha above 1 of 255, but the set has.
    dark = np.array([[[[10, 20, 30, 1]]], [[[10, 20, 30, 255]]]], np.float32)
    np.testing.assert_allclose(fit_all(dark, 1, 1, 1, WHITE)[0], 254, atol=0.2)
    assert fit_all(x, 1, 1, 4, WHITE) is x


def test_colours_are_named_or_written_in_hexadecimal():
    assert [color_of(name) for name in (None, "white", "black", "#0a0B10")] == [
        None, (255, 255, 255), (0, 0, 0), (10, 11, 16),
    ]  # fmt: skip
