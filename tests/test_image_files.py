import numpy as np
import pytest
from image_writing import EXTENSIONS, pixels, read, write

from recipes.data.images import image_files
from recipes.data.images.pixels import fit


def folder_of(path, *files):
    for number, file in enumerate(files):
        write(path / file, pixels(6, 5, 3, seed=number))
    return path


def test_every_format_is_read_whatever_the_case_of_its_name(tmp_path):
    for number, extension in enumerate(EXTENSIONS):
        name = extension.upper() if number % 2 else extension
        write(tmp_path / f"{number}.{name}", np.full((6, 5), 100, dtype=np.uint8))
    (tmp_path / "12.heic").write_bytes(b"x")
    x = read(image_files.files_in(tmp_path), 6, 5, 1)
    assert len(x) == len(EXTENSIONS)
    assert np.abs(x.astype(int) - 100).max() <= 1


def test_floating_point_is_refused_among_whole_numbers(tmp_path):
    write(tmp_path / "a.tif", np.ones((1, 2), np.float32))
    write(tmp_path / "b.tif", np.ones((1, 2), np.float32))
    with pytest.raises(
        ValueError, match=r"a\.tif holds floating-point values \(and 1 more do\), where .* of bytes are"
    ):
        read(image_files.files_in(tmp_path), 1, 2, 1, depth=8)
    write(tmp_path / "c.png", pixels(1, 2))
    with pytest.raises(ValueError, match=r"c\.png holds whole numbers, where images of floating-point values are exp"):
        read(image_files.files_in(tmp_path), 1, 2, 1, depth=32)


def test_all_files_that_cannot_be_read_are_named_together(tmp_path):
    folder = folder_of(tmp_path / "photos", *(f"{number:02}.png" for number in range(14)))
    for number in range(12):
        content = (folder / f"{number:02}.png").read_bytes()
        (folder / f"{number:02}.png").write_bytes(content[:60] if number % 2 else b"<html>")
    (folder / "00.png").unlink()
    (folder / "00.png").symlink_to("nowhere")
    with pytest.raises(ValueError, match=r"^12 of 14 image files cannot be read: \S+00\.png \(No such file") as caught:
        read(image_files.files_in(folder), 6, 5, 3)
    assert "01.png (image file is truncated" in str(caught.value)
    assert "02.png (it is none of BMP" in str(caught.value)
    assert str(caught.value).endswith("09.png (image file is truncated) and 2 more")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        read([tmp_path / "nowhere.png"], 6, 5, 3)
    with pytest.raises(ValueError, match="at least one image file. Received: none"):
        read([], 6, 5, 3)


def test_files_to_predict_are_found_in_sorted_order(tmp_path):
    folder = folder_of(
        tmp_path, "b.png", "a/2.JPG", "a/1.png", ".hidden/1.png", "a/.hidden.png", "__MACOSX/a/1.png", "a/@eaDir/1.png",
        "a/.ipynb_checkpoints/1.png", "a/._1.png",
    )  # fmt: skip
    (folder / "notes.txt").write_text("x")
    assert image_files.files_in(folder) == [folder / "a" / "1.png", folder / "a" / "2.JPG", folder / "b.png"]
    assert image_files.files_in(str(folder / "b.png")) == [folder / "b.png"]
    with pytest.raises(ValueError, match=r"notes\.txt is no image file: its name must end with \.apng, .*\.webp"):
        image_files.files_in(folder / "notes.txt")
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        image_files.files_in(folder / "nowhere")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no image files"):
        image_files.files_in(folder / "empty")


def test_files_are_read_in_the_order_given(tmp_path):
    folder = folder_of(tmp_path, "a.png", "b.png")
    x = read([folder / "b.png", str(folder / "a.png")], 6, 5, 3)
    np.testing.assert_array_equal(x, [pixels(6, 5, 3, seed=1), pixels(6, 5, 3, seed=0)])
    x = read([folder / "a.png"], 3, 4, 1)
    np.testing.assert_array_equal(x[0], fit(pixels(6, 5, 3), 3, 4, 1))


def test_links_are_followed_and_those_that_lead_back_are_not(tmp_path):
    folder = folder_of(tmp_path / "photos", "a/1.png")
    folder_of(tmp_path / "elsewhere", "2.png")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "back").symlink_to(folder)
    assert image_files.files_in(folder) == [folder / "a" / "1.png", folder / "b" / "2.png"]
