import numpy as np
import pytest
from PIL import Image

from recipes.data import image_folder, images, store


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape).astype(np.uint8)


def write(path, array):
    """Write uint8 `(height, width[, channels])`, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return array


def folder_of(path, *files):
    for number, file in enumerate(files):
        write(path / file, pixels(6, 5, 3, seed=number))
    return path


def test_folders_are_classes_and_their_files_rows(tmp_path):
    folder = folder_of(tmp_path / "pets", "dog/b.png", "dog/a.png", "cat/1.png", "cat/10.png", "cat/2.png")
    source = image_folder.read(folder)
    x, y = source.parts["all"]
    assert (source.name, source.task, source.class_names) == ("pets", "classification", ("cat", "dog"))
    assert (x.shape, x.dtype, y.tolist(), y.dtype) == ((5, 6, 5, 3), np.uint8, [0, 0, 0, 1, 1], np.int64)
    # Sorted by class, then by name: the seeds are those of the order of writing.
    for row, seed in zip(x, (2, 3, 4, 1, 0), strict=True):
        np.testing.assert_array_equal(row, pixels(6, 5, 3, seed=seed))
    assert source.notes == ()


def test_the_name_is_that_of_the_folder_however_it_is_reached(tmp_path, monkeypatch):
    monkeypatch.chdir(folder_of(tmp_path / "pets", "cat/1.png", "dog/1.png"))
    assert image_folder.read(".").name == "pets"
    assert image_folder.is_image_folder(".")
    assert not image_folder.is_image_folder("cat/1.png")
    assert not image_folder.is_image_folder("nowhere")


@pytest.mark.parametrize("validation", ["validation", "val", "valid", "Val"])
def test_folders_called_as_the_parts_are_the_parts(tmp_path, validation):
    files = ["train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "test/dog/1.png", f"{validation}/cat/1.png"]
    source = image_folder.read(folder_of(tmp_path, *files))
    assert {part: y.tolist() for part, (_, y) in source.parts.items()} == {
        "train": [0, 1, 1], "validation": [0], "test": [1],
    }  # fmt: skip
    np.testing.assert_array_equal(source.parts["test"][0][0], pixels(6, 5, 3, seed=3))
    assert source.class_names == ("cat", "dog")


def test_a_class_may_be_called_train(tmp_path):
    source = image_folder.read(folder_of(tmp_path, "train/1.png", "plane/1.png"))
    assert (source.class_names, list(source.parts)) == (("plane", "train"), ["all"])


def test_what_is_hidden_or_no_image_is_passed_over(tmp_path):
    folder = folder_of(tmp_path / "pets", "cat/1.png", "dog/1.png", ".thumbnails/1.png", "cat/.old.png")
    for name in ("b.txt", "cat/Thumbs.db", "dog/notes.txt", "dog/more.txt", ".DS_Store", "cat/.DS_Store"):
        (folder / name).write_text("x")
    source = image_folder.read(folder)
    assert len(source.parts["all"][1]) == 2
    assert source.notes == (
        "4 files that are no images were passed over: b.txt, cat/Thumbs.db, dog/more.txt, ...",
    )  # fmt: skip


def test_images_in_unexpected_places_are_mentioned(tmp_path):
    folder = folder_of(tmp_path, "cat/1.png", "dog/1.png", "stray.png", "cat/kittens/1.png")
    (folder / "a.txt").write_text("x")
    assert image_folder.read(folder).notes == (
        "1 file that is no image was passed over: a.txt",
        "2 images or folders in unexpected places were passed over: cat/kittens, stray.png",
    )
    parts = folder_of(tmp_path / "parts", "train/cat/1.png", "train/dog/1.png", "extra/cat/1.png")
    assert image_folder.read(parts).notes == ("1 image or folder in an unexpected place was passed over: extra",)


def test_images_of_one_size_keep_it_while_it_is_small(tmp_path):
    for name in ("cat/1.png", "dog/1.png"):
        write(tmp_path / "small" / name, pixels(256, 3))
        write(tmp_path / "large" / name, pixels(257, 300))
    assert image_folder.read(tmp_path / "small").parts["all"][0].shape == (2, 256, 3, 1)
    source = image_folder.read(tmp_path / "large")
    assert source.parts["all"][0].shape == (2, 128, 128, 1)
    assert source.notes == ("images of 257 x 300 (height x width), resized to 128 x 128",)


def test_images_of_several_sizes_get_the_common_one_or_that_asked_for(tmp_path):
    for number, size in enumerate([(6, 5), (5, 6), (6, 5)]):
        write(tmp_path / "cat" / f"{number}.png", pixels(*size))
    write(tmp_path / "dog" / "1.png", pixels(40, 30))
    source = image_folder.read(tmp_path)
    assert source.parts["all"][0].shape == (4, 128, 128, 1)
    assert source.notes == ("images of 3 sizes, resized to 128 x 128",)
    x, _ = image_folder.read(tmp_path, size=(6, 5)).parts["all"]
    assert x.shape == (4, 6, 5, 1)
    np.testing.assert_array_equal(x[0, ..., 0], pixels(6, 5))
    np.testing.assert_array_equal(x[3], images.fit(pixels(40, 30)[..., None], 6, 5, 1))


def test_one_picture_in_colour_makes_all_of_them_colour(tmp_path):
    grey = write(tmp_path / "cat" / "1.png", pixels(6, 5))
    write(tmp_path / "cat" / "2.png", pixels(6, 5, 2))  # grey with alpha
    write(tmp_path / "dog" / "1.png", pixels(6, 5))
    assert image_folder.read(tmp_path).parts["all"][0].shape == (3, 6, 5, 1)
    assert image_folder.read(tmp_path, color="rgb").parts["all"][0].shape == (3, 6, 5, 3)
    write(tmp_path / "dog" / "2.png", pixels(6, 5, 4))
    x, _ = image_folder.read(tmp_path).parts["all"]
    np.testing.assert_array_equal(x[0], np.repeat(grey[..., None], 3, axis=-1))
    np.testing.assert_array_equal(x[1], np.repeat(pixels(6, 5, 2)[..., :1], 3, axis=-1))
    np.testing.assert_array_equal(x[3], pixels(6, 5, 4)[..., :3])
    assert image_folder.read(tmp_path, color="grey").parts["all"][0].shape == (4, 6, 5, 1)


def test_many_images_go_to_the_disk_and_are_never_in_memory_together(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, *[f"{name}/{number}.png" for name in ("cat", "dog") for number in range(8)])
    expected, _ = image_folder.read(folder).parts["all"]
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 200)
    monkeypatch.setattr(store, "CHUNK_BYTES", 300)
    appended = []
    append = store.RowStore.append
    monkeypatch.setattr(store.RowStore, "append", lambda self, rows: (appended.append(len(rows)), append(self, rows)))
    x, _ = image_folder.read(folder).parts["all"]
    assert store.is_on_disk(x)
    assert appended == [3, 3, 3, 3, 3, 1]
    np.testing.assert_array_equal(x, expected)
    assert store.is_on_disk(images.fit_all(x, 4, 4, 3))


def test_a_layout_that_cannot_be_read_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        image_folder.read(tmp_path / "nowhere")
    write(tmp_path / "flat" / "1.png", pixels(6, 5))
    with pytest.raises(NotADirectoryError, match=r"1\.png is a file: expected a folder for each class"):
        image_folder.read(tmp_path / "flat" / "1.png")
    with pytest.raises(ValueError, match=r"flat has no folders with images: expected a folder .* FOLDER/CLASS/1\.png"):
        image_folder.read(tmp_path / "flat")
    nested = folder_of(tmp_path / "nested", "images/cat/1.png", "images/dog/1.png")
    with pytest.raises(ValueError, match="nested has no folders with images"):
        image_folder.read(nested)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["cat/1.png"], "has only one class folder, 'cat': a classifier needs at least two"),
        (["train/cat/1.png", "test/cat/1.png", "test/dog/1.png"], "has only one class folder, 'cat'"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], "has the class 'c' in test and not in train"),
        (["train/a/1.png", "train/b/1.png", "val/a/1.png", "valid/a/1.png"], "two folders for validation: val and val"),
        (["train/a/1.png", "train/b/1.png", "test/1.png"], r"test has no folders with images: expected"),
    ],
)
def test_classes_and_parts_that_do_not_fit_are_named(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        image_folder.read(folder_of(tmp_path, *files))


def test_a_class_without_images_is_named(tmp_path):
    folder = folder_of(tmp_path, "cat/1.png", "dog/1.png")
    (folder / "emu").mkdir()
    (folder / "emu" / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"the class folder .*emu holds no images"):
        image_folder.read(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": (0, 5)}, r"a height and a width of at least 1. Received: \(0, 5\)"),
        ({"size": (5,)}, r"a height and a width of at least 1. Received: \(5,\)"),
        ({"color": "blue"}, "the color of images must be grey or rgb. Received: 'blue'"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        image_folder.read(tmp_path, **arguments)


def test_a_file_without_an_image_is_named_before_any_is_decoded(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, "cat/1.png", "dog/1.png")
    (folder / "dog" / "bad.png").write_bytes(b"no image at all")
    monkeypatch.setattr(images, "_decoded", None)
    with pytest.raises(
        ValueError, match=r"bad\.png holds no image that can be read: it is none of BMP, GIF, JPEG, PNG"
    ):
        image_folder.read(folder)
