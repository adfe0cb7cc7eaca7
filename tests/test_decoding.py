import numpy as np
import pytest
from image_writing import pixels, read, write
from PIL import Image, ImageOps

from recipes.data.images import image_files
from recipes.data.images.decoding import Header, header


def test_an_animation_gives_its_first_frame(tmp_path):
    first, second = (Image.fromarray(np.full((6, 5), value, dtype=np.uint8)) for value in (10, 200))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    first.save(tmp_path / "b.tif", save_all=True, append_images=[second])
    assert (read([tmp_path / "a.gif", tmp_path / "b.tif"], 6, 5, 1) == 10).all()


@pytest.mark.parametrize("extension", ["png", "gif", "bmp", "tif"])
def test_a_palette_is_grey_if_all_its_colours_are(tmp_path, extension):
    shades = pixels(6, 5)
    image = Image.fromarray(255 - shades).convert("P")
    image.putpalette([255 - value for value in range(256) for _ in range(3)])
    image.save(tmp_path / f"grey.{extension}")
    assert header(tmp_path / f"grey.{extension}") == Header((6, 5), True)
    np.testing.assert_array_equal(read([tmp_path / f"grey.{extension}"], 6, 5, 1)[0, ..., 0], shades)

    image = Image.fromarray(pixels(6, 5, 3)).quantize(8)
    image.save(tmp_path / f"colour.{extension}")
    assert header(tmp_path / f"colour.{extension}") == Header((6, 5), False)
    x = read([tmp_path / f"colour.{extension}"], 6, 5, 3)
    np.testing.assert_array_equal(x[0], np.asarray(image.convert("RGB")))


SHADES = np.array([[0, 0, 255, 255]], np.uint8)
OPACITY = np.array([[0, 255, 255, 51]], np.uint8)


def transparent(path):
    """Write black and white pixels, the first and the last of which are transparent; the colours read on blue."""
    kind = path.stem.split("-")[0]
    rgba = Image.fromarray(np.dstack([SHADES] * 3 + [OPACITY]))
    if kind == "palette":  # of which one colour is transparent
        image = Image.fromarray(np.array([[2, 0, 1, 2]], np.uint8), "P")
        image.putpalette([0, 0, 0, 255, 255, 255, 9, 9, 9])
        image.save(path, transparency=2)
        return [0, 255]
    if kind == "key":  # a grey value that is transparent
        Image.fromarray(np.array([[7, 0, 255, 7]], np.uint8)).save(path, transparency=7)
        return [0, 255]
    {"rgba": rgba, "grey": rgba.convert("LA")}[kind].save(path, lossless=True)
    return [0, 255]


@pytest.mark.parametrize(
    "name", ["rgba-a.png", "rgba-a.webp", "rgba-a.tif", "grey-a.png", "palette-a.png", "palette-a.gif", "key-a.png"]
)
def test_transparent_pixels_show_the_background(tmp_path, name):
    black, white = transparent(tmp_path / name)
    found = header(tmp_path / name)
    assert found.has_alpha
    assert found.is_grey == (not name.startswith("rgba"))
    assert header(tmp_path / name, (0, 0, 255)).is_grey is False
    for background, behind in (((255, 255, 255), 255), ((0, 0, 0), 0), ((0, 0, 255), 29)):
        (row,) = read([tmp_path / name], 1, 4, 1, background=background)
        assert row[0, :3, 0].tolist() == [behind, black, white]
    (row,) = read([tmp_path / name], 1, 4, 3, background=(0, 0, 255))
    assert row[0, 0].tolist() == [0, 0, 255]
    # As models of before were trained: what lies under the alpha channel.
    dropped = read([tmp_path / name], 1, 4, 1, background=None)[0, 0, 0, 0]
    assert dropped == {"palette": 9, "key": 7}.get(name.split("-")[0], 0)


def test_half_transparent_pixels_are_mixed_before_they_are_resized(tmp_path):
    transparent(tmp_path / "rgba.png")
    assert read([tmp_path / "rgba.png"], 1, 4, 1, background=(0, 0, 0))[0, 0, 3, 0] == 51
    # Black under full transparency must not darken the white around it.
    Image.fromarray(np.dstack([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)])).save(tmp_path / "no.png")
    assert (read([tmp_path / "no.png"], 3, 3, 1) == 255).all()


def test_opaque_images_with_alpha_are_as_without(tmp_path):
    opaque = np.dstack([pixels(6, 5, 3), np.full((6, 5), 255, np.uint8)])
    write(tmp_path / "a.png", opaque)
    np.testing.assert_array_equal(read([tmp_path / "a.png"], 6, 5, 3)[0], opaque[..., :3])


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path):
    image = Image.fromarray(pixels(6, 5, 3)).quantize(4)
    image.save(tmp_path / "a.png", transparency=bytes([0, 100, 255, 255]))
    x = read([tmp_path / "a.png"], 6, 5, 3, background=None)
    np.testing.assert_array_equal(x[0], np.asarray(image.convert("RGB")))


def test_black_and_white_becomes_0_and_255(tmp_path):
    write(tmp_path / "a.png", np.eye(5, dtype=bool))
    np.testing.assert_array_equal(read([tmp_path / "a.png"], 5, 5, 1)[0, ..., 0], np.eye(5) * 255)


@pytest.mark.parametrize("extension", ["png", "tif", "pgm"])
def test_16_bits_stay_as_they_are_stored_or_become_8(tmp_path, extension):
    shades = np.arange(256, dtype=np.uint16).reshape(16, 16)
    files = [tmp_path / f"a.{extension}", tmp_path / f"b.{extension}", tmp_path / "c.png"]
    write(files[0], shades * 257)
    write(files[1], shades + 1000)  # of 8-bit values, these would be two
    write(files[2], pixels(16, 16))
    assert [header(file).depth for file in files] == [16, 16, 8]
    x = read(files, 16, 16, 1, depth=16)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[:, ..., 0], [shades * 257, shades + 1000, pixels(16, 16) * 257.0])
    for depth in (8, None):
        x = read(files, 16, 16, 1, depth=depth)
        assert x.dtype == np.uint8
        np.testing.assert_array_equal(x[[0, 2], ..., 0], [shades, pixels(16, 16)])
        assert len(np.unique(x[1])) == 2


def test_the_one_transparent_value_of_a_deep_file_shows_the_background(tmp_path):
    Image.fromarray(np.array([[300, 301]], np.uint16)).save(tmp_path / "a.png", transparency=301)
    assert read([tmp_path / "a.png"], 1, 2, 1, depth=16)[0, 0, :, 0].tolist() == [300, 65535]


def test_floating_point_stays_or_goes_from_0_to_1_or_to_255_file_by_file(tmp_path):
    shades = np.arange(256, dtype=np.float32).reshape(16, 16)
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    write(files[0], shades)
    write(files[1], shades / 255)
    np.testing.assert_array_equal(read(files, 16, 16, 1, depth=32)[..., 0], [shades, shades / 255])
    for row in read(files, 16, 16, 1, depth=None):
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
        read([tmp_path / "a.tif"], 1, 2, 1, depth=None)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_pictures_are_turned_as_they_were_taken(tmp_path, orientation, extension):
    exif = Image.Exif()
    exif[274] = orientation
    write(tmp_path / f"a.{extension}", pixels(6, 9, 3), exif=exif)
    size = (9, 6) if orientation > 4 else (6, 9)
    assert header(tmp_path / f"a.{extension}").size == size
    with Image.open(tmp_path / f"a.{extension}") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read([tmp_path / f"a.{extension}"], *size, 3)[0], expected)


def test_damaged_metadata_leave_the_picture_readable(tmp_path):
    array = write(tmp_path / "a.png", exif=b"Exif\x00\x00nonsense")
    np.testing.assert_array_equal(read([tmp_path / "a.png"], 6, 5, 3)[0], array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"no image at all", "holds no image that can be read: it is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "it is none of BMP, GIF, JPEG, PNG"),
        (b"P5 12000 9000 255\n", r"its 9000 x 12000 pixels \(height x width\) are more than 50,000,000"),
        # Pillow itself would warn of the one before, and refuse this one without naming the file.
        (b"P5 60000 60000 255\n", r"its 60000 x 60000 pixels \(height x width\) are more than 50,000,000"),
    ],
)
def test_a_file_without_a_readable_image_is_named(tmp_path, content, message):
    write(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.png .*{message}") as caught:
        read(image_files.files_in(tmp_path), 4, 4, 1)
    assert "\n" not in str(caught.value)


def test_the_limit_of_pillow_is_left_as_it_was(tmp_path):
    (tmp_path / "a.png").write_bytes(b"P5 60000 60000 255\n")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ValueError, match="more than 50,000,000"):
        read([tmp_path / "a.png"], 4, 4, 1)
    assert before is not None
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_a_truncated_file_is_named(tmp_path, extension):
    path = tmp_path / f"a.{extension}"
    write(path, pixels(60, 50, 3))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=rf"a\.{extension} holds no image that can be read: \w") as caught:
        read([path], 6, 5, 3)
    assert "\n" not in str(caught.value)
