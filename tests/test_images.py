import numpy as np
import pytest
from PIL import Image, ImageOps

from recipes.data import images

EXTENSIONS = ("bmp", "gif", "jpeg", "jpg", "pgm", "png", "ppm", "tif", "tiff", "webp")


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape).astype(np.uint8)


def write(path, array=None, **kwargs):
    """Write uint8 `(height, width[, channels])`, by default of 6 x 5 colours, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = pixels(6, 5, 3) if array is None else array
    Image.fromarray(array).save(path, **kwargs)
    return array


def folder_of(path, *files):
    for number, file in enumerate(files):
        write(path / file, pixels(6, 5, 3, seed=number))
    return path


def test_every_format_is_read_whatever_the_case_of_its_name(tmp_path):
    for number, extension in enumerate(EXTENSIONS):
        name = extension.upper() if number % 2 else extension
        write(tmp_path / f"{number}.{name}", np.full((6, 5), 100, dtype=np.uint8))
    x = images.read_files(images.files_in(tmp_path), 6, 5, 1)
    assert len(x) == len(EXTENSIONS)
    assert np.abs(x.astype(int) - 100).max() <= 1


def test_an_animation_gives_its_first_frame(tmp_path):
    first, second = (Image.fromarray(np.full((6, 5), value, dtype=np.uint8)) for value in (10, 200))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    first.save(tmp_path / "b.tif", save_all=True, append_images=[second])
    assert (images.read_files([tmp_path / "a.gif", tmp_path / "b.tif"], 6, 5, 1) == 10).all()


@pytest.mark.parametrize("extension", ["png", "gif", "bmp", "tif"])
def test_a_palette_is_grey_if_all_its_colours_are(tmp_path, extension):
    shades = pixels(6, 5)
    image = Image.fromarray(255 - shades).convert("P")
    image.putpalette([255 - value for value in range(256) for _ in range(3)])
    image.save(tmp_path / f"grey.{extension}")
    assert images.header(tmp_path / f"grey.{extension}") == ((6, 5), True)
    np.testing.assert_array_equal(images.read_files([tmp_path / f"grey.{extension}"], 6, 5, 1)[0, ..., 0], shades)

    image = Image.fromarray(pixels(6, 5, 3)).quantize(8)
    image.save(tmp_path / f"colour.{extension}")
    assert images.header(tmp_path / f"colour.{extension}") == ((6, 5), False)
    x = images.read_files([tmp_path / f"colour.{extension}"], 6, 5, 3)
    np.testing.assert_array_equal(x[0], np.asarray(image.convert("RGB")))


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path):
    image = Image.fromarray(pixels(6, 5, 3)).quantize(4)
    image.save(tmp_path / "a.png", transparency=bytes([0, 100, 255, 255]))
    np.testing.assert_array_equal(images.read_files([tmp_path / "a.png"], 6, 5, 3)[0], np.asarray(image.convert("RGB")))


def test_black_and_white_becomes_0_and_255(tmp_path):
    write(tmp_path / "a.png", np.eye(5, dtype=bool))
    np.testing.assert_array_equal(images.read_files([tmp_path / "a.png"], 5, 5, 1)[0, ..., 0], np.eye(5) * 255)


@pytest.mark.parametrize("extension", ["png", "tif", "pgm"])
def test_16_bits_are_scaled_to_8(tmp_path, extension):
    shades = np.arange(256, dtype=np.uint16).reshape(16, 16)
    write(tmp_path / f"a.{extension}", shades * 257)
    write(tmp_path / f"b.{extension}", shades * 257 // 2)
    x = images.read_files([tmp_path / f"a.{extension}", tmp_path / f"b.{extension}"], 16, 16, 1)
    np.testing.assert_array_equal(x[0, ..., 0], shades)
    np.testing.assert_allclose(x[1, ..., 0], shades / 2, atol=0.51)


def test_floating_point_goes_from_0_to_1_or_to_255(tmp_path):
    shades = np.arange(256, dtype=np.float32).reshape(16, 16)
    write(tmp_path / "a.tif", shades)
    write(tmp_path / "b.tif", shades / 255)
    for row in images.read_files([tmp_path / "a.tif", tmp_path / "b.tif"], 16, 16, 1):
        np.testing.assert_array_equal(row[..., 0], shades)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0, 70000]], dtype=np.int32), "its values go from 0 to 70000, where 0 to 65535 is allowed"),
        (np.array([[-1, 5]], dtype=np.int32), "its values go from -1 to 5, where 0 to 65535 is allowed"),
        (np.array([[0, 300]], dtype=np.float32), "its values go from 0.0 to 300.0, where 0 to 255 is allowed"),
        (np.array([[0, np.nan]], dtype=np.float32), "its values go from nan to nan"),
    ],
)
def test_values_that_mean_no_grey_are_refused(tmp_path, values, message):
    write(tmp_path / "a.tif", values)
    with pytest.raises(ValueError, match=rf"a\.tif holds no image that can be read: {message}"):
        images.read_files([tmp_path / "a.tif"], 1, 2, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_pictures_are_turned_as_they_were_taken(tmp_path, orientation, extension):
    exif = Image.Exif()
    exif[274] = orientation
    write(tmp_path / f"a.{extension}", pixels(6, 9, 3), exif=exif)
    size = (9, 6) if orientation > 4 else (6, 9)
    assert images.header(tmp_path / f"a.{extension}")[0] == size
    with Image.open(tmp_path / f"a.{extension}") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(images.read_files([tmp_path / f"a.{extension}"], *size, 3)[0], expected)


def test_damaged_metadata_leave_the_picture_readable(tmp_path):
    array = write(tmp_path / "a.png", exif=b"Exif\x00\x00nonsense")
    np.testing.assert_array_equal(images.read_files([tmp_path / "a.png"], 6, 5, 3)[0], array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: expected an image"),
        (b"no image at all", "holds no image that can be read: it is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "it is none of BMP, GIF, JPEG, PNG"),
        (b"P5 12000 9000 255\n", r"its 9000 x 12000 pixels \(height x width\) are more than 50,000,000"),
        # Pillow itself would warn of the one before, and refuse this one without naming the file.
        (b"P5 60000 60000 255\n", r"its 60000 x 60000 pixels \(height x width\) are more than 50,000,000"),
    ],
)
def test_files_without_a_readable_image_are_named_before_any_is_decoded(tmp_path, content, message, monkeypatch):
    write(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(content)
    monkeypatch.setattr(images, "_decoded", None)
    with pytest.raises(ValueError, match=rf"bad\.png .*{message}") as caught:
        images.read_files(images.files_in(tmp_path), 4, 4, 1)
    assert "\n" not in str(caught.value)


def test_the_limit_of_pillow_is_left_as_it_was(tmp_path):
    (tmp_path / "a.png").write_bytes(b"P5 60000 60000 255\n")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ValueError, match="more than 50,000,000"):
        images.read_files([tmp_path / "a.png"], 4, 4, 1)
    assert before is not None
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_a_truncated_file_is_named(tmp_path, extension):
    path = tmp_path / f"a.{extension}"
    write(path, pixels(60, 50, 3))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=rf"a\.{extension} holds no image that can be read: \w") as caught:
        images.read_files([path], 6, 5, 3)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        images.read_files([tmp_path / "nowhere.png"], 6, 5, 3)
    with pytest.raises(ValueError, match="at least one image file. Received: none"):
        images.read_files([], 6, 5, 3)


def test_files_to_predict_are_found_in_sorted_order(tmp_path):
    folder = folder_of(tmp_path, "b.png", "a/2.JPG", "a/1.png", ".hidden/1.png", "a/.hidden.png")
    (folder / "notes.txt").write_text("x")
    assert images.files_in(folder) == [folder / "a" / "1.png", folder / "a" / "2.JPG", folder / "b.png"]
    assert images.files_in(str(folder / "b.png")) == [folder / "b.png"]
    with pytest.raises(ValueError, match=r"notes\.txt is no image file: its name must end with \.bmp, .*\.webp"):
        images.files_in(folder / "notes.txt")
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        images.files_in(folder / "nowhere")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no image files"):
        images.files_in(folder / "empty")


def test_files_are_read_in_the_order_given(tmp_path):
    folder = folder_of(tmp_path, "a.png", "b.png")
    x = images.read_files([folder / "b.png", str(folder / "a.png")], 6, 5, 3)
    np.testing.assert_array_equal(x, [pixels(6, 5, 3, seed=1), pixels(6, 5, 3, seed=0)])
    x = images.read_files([folder / "a.png"], 3, 4, 1)
    np.testing.assert_array_equal(x[0], images.fit(pixels(6, 5, 3), 3, 4, 1))


def test_an_image_that_fits_stays_as_it_is():
    image, x = pixels(6, 5, 3), pixels(2, 6, 5, 3)
    assert images.fit(image, 6, 5, 3) is image
    assert images.fit_all(x, 6, 5, 3) is x


@pytest.mark.parametrize("size", [(3, 2), (12, 15), (3, 15)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_colours_change_as_pillow_changes_them(size, channels):
    image = Image.fromarray(pixels(6, 5, 3)).convert("L" if channels == 1 else "RGB")
    expected = np.atleast_3d(np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR)))
    result = images.fit(pixels(6, 5, 3), *size, channels)
    assert (result.shape, result.dtype) == ((*size, channels), np.uint8)
    np.testing.assert_allclose(result.astype(int), expected, atol=1)


def test_floating_point_images_are_not_rounded():
    x = pixels(4, 6, 5, 3).astype(np.float32) / 255
    result = images.fit_all(x, 4, 7, 1)
    assert (result.shape, result.dtype) == ((4, 4, 7, 1), np.float32)
    np.testing.assert_allclose(result, images.fit_all(pixels(4, 6, 5, 3), 4, 7, 1) / 255, atol=1.1 / 255)
    assert len(np.unique(result)) > 100
    np.testing.assert_allclose(images.fit(x[0], 6, 5, 1)[..., 0], x[0] @ [0.299, 0.587, 0.114], atol=1e-6)


def test_luma_is_rounded_and_grey_is_repeated():
    assert images.fit(np.array([[[0, 1, 0]]], dtype=np.uint8), 1, 1, 1).tolist() == [[[1]]]
    assert images.fit(np.full((1, 1, 3), 255, dtype=np.uint8), 1, 1, 1).tolist() == [[[255]]]
    assert images.fit(np.full((1, 1, 1), 7, dtype=np.uint8), 1, 1, 3).tolist() == [[[7, 7, 7]]]
    assert images.fit(np.array([[[1, 2, 3, 4]]], dtype=np.uint8), 1, 1, 3).tolist() == [[[1, 2, 3]]]


def test_more_channels_are_resized_but_never_recoloured():
    assert images.fit(pixels(6, 5, 6), 3, 3, 6).shape == (3, 3, 6)
    with pytest.raises(ValueError, match="an image of 6 channels cannot become one of 3"):
        images.fit(pixels(6, 5, 6), 3, 3, 3)
