import numpy as np
import pytest
from PIL import Image

from recipes.data import store
from recipes.data.images import image_files, image_folder
from recipes.data.images.pixels import fit, fit_all
from recipes.data.preparation import ImagePreparation


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
    folder = folder_of(
        tmp_path / "pets", "cat/1.png", "dog/1.png", ".thumbnails/1.png", "cat/.old.png", "__MACOSX/cat/1.png",
        "cat/@eaDir/1.png", ".ipynb_checkpoints/1.png", "dog/.ipynb_checkpoints/1.png", "cat/._1.png",
    )  # fmt: skip
    for name in ("b.txt", "cat/Thumbs.db", "dog/notes.txt", "dog/more.txt", ".DS_Store", "cat/.DS_Store"):
        (folder / name).write_text("x")
    source = image_folder.read(folder)
    assert len(source.parts["all"][1]) == 2
    assert source.notes == (
        "3 files that are no images were passed over: b.txt, dog/more.txt, dog/notes.txt",
    )  # fmt: skip


def test_images_in_folders_within_a_class_folder_count_to_the_class_in_training_and_prediction(tmp_path):
    folder = folder_of(tmp_path / "pets", "cat/1.png", "cat/kittens/1.png", "cat/kittens/small/2.png", "dog/1.png")
    source = image_folder.read(folder)
    assert source.parts["all"][1].tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(source.parts["all"][0][1], pixels(6, 5, 3, seed=1))
    assert source.notes == (
        "2 images in folders within a class folder counted to the class: cat/kittens/1.png, cat/kittens/small/2.png",
    )
    x, _ = image_files.read_files(image_files.files_in(folder), image_files.Form(6, 5, 3))
    np.testing.assert_array_equal(x, source.parts["all"][0])


def test_images_in_unexpected_places_are_counted(tmp_path):
    folder = folder_of(tmp_path / "all", "cat/1.png", "dog/1.png", "stray.png")
    (folder / "a.txt").write_text("x")
    assert image_folder.read(folder).notes == (
        "1 file that is no image was passed over: a.txt",
        "1 image in an unexpected place was passed over: stray.png",
    )
    files = ["train/cat/1.png", "train/dog/1.png", "extra/cat/1.png", "extra/2.png"]
    assert image_folder.read(folder_of(tmp_path / "parts", *files)).notes == (
        "2 images in unexpected places were passed over: extra/2.png, extra/cat/1.png",
    )


def test_names_of_classes_are_alike_however_accents_are_composed(tmp_path):
    files = ["train/caf\u00e9/1.png", "train/日本/1.png", "test/cafe\u0301/1.png"]
    source = image_folder.read(folder_of(tmp_path, *files))
    assert source.class_names == ("caf\u00e9", "日本")
    assert source.parts["test"][1].tolist() == [0]


def test_black_icons_on_a_transparent_ground_are_seen(tmp_path):
    for name, where in (("left", slice(0, 3)), ("right", slice(3, 6))):
        opacity = np.zeros((6, 6), np.uint8)
        opacity[:, where] = 255
        write(tmp_path / name / "1.png", np.dstack([np.zeros((6, 6, 3), np.uint8), opacity]))
    source = image_folder.read(tmp_path)
    assert source.parts["all"][0][0, 0, :, 0].tolist() == [0, 0, 0, 255, 255, 255]
    assert source.notes == ("2 images have an alpha channel: behind transparent pixels is white (data.background)",)
    black = image_folder.read(tmp_path, background=(0, 0, 0))
    assert not black.parts["all"][0].any()
    with pytest.raises(ValueError, match="every pixel is 0 .* another data.background shows what is on it"):
        ImagePreparation.fit(*black.parts["all"], "classification", background=(0, 0, 0))


def test_deep_images_keep_their_grey_levels_on_one_scale(tmp_path):
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8)
    write(tmp_path / "cat" / "1.png", ramp + 500)
    write(tmp_path / "dog" / "1.png", ramp * 10)
    source = image_folder.read(tmp_path)
    assert source.depth == 16
    np.testing.assert_array_equal(source.parts["all"][0][..., 0], [ramp + 500, ramp * 10])
    assert source.notes == ("2 images hold values of more than 8 bits: all are used as they are stored, from 0 to 630",)
    write(tmp_path / "dog" / "2.png", pixels(8, 8))
    assert (
        image_folder.read(tmp_path)
        .notes[0]
        .startswith(
            "2 images hold values of more than 8 bits: all are used as they are stored, those of 8 bits times 257"
        )
    )
    source = image_folder.read(tmp_path, depth=None)
    assert source.parts["all"][0].dtype == np.uint8
    assert source.notes == ("2 of 3 images have more than 8 bits, which are reduced to 8 (data.depth)",)


def test_floating_point_images_keep_their_values_and_are_not_mixed_with_others(tmp_path):
    dark, bright = np.full((4, 4), 0.5, np.float32), np.arange(16, dtype=np.float32).reshape(4, 4)
    write(tmp_path / "cat" / "1.tif", dark)
    write(tmp_path / "dog" / "1.tif", bright)
    source = image_folder.read(tmp_path)
    np.testing.assert_array_equal(source.parts["all"][0][..., 0], [dark, bright])
    assert source.notes == ("2 images hold floating-point values: all are used as they are stored, from 0 to 15",)
    write(tmp_path / "dog" / "2.png", pixels(4, 4))
    with pytest.raises(
        ValueError, match=r"2 of 3 images hold floating-point values .*1\.tif.*2\.png.* set data\.depth"
    ):
        image_folder.read(tmp_path)
    assert image_folder.read(tmp_path, depth=None).parts["all"][0].dtype == np.uint8


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
    np.testing.assert_array_equal(x[3], fit(pixels(40, 30)[..., None], 6, 5, 1))


def test_one_picture_in_colour_makes_all_of_them_colour(tmp_path):
    grey = write(tmp_path / "cat" / "1.png", pixels(6, 5))
    write(tmp_path / "cat" / "2.png", pixels(6, 5, 2))  # grey with alpha
    write(tmp_path / "dog" / "1.png", pixels(6, 5))
    assert image_folder.read(tmp_path).parts["all"][0].shape == (3, 6, 5, 1)
    assert image_folder.read(tmp_path, color="rgb").parts["all"][0].shape == (3, 6, 5, 3)
    write(tmp_path / "dog" / "2.png", pixels(6, 5, 4))
    x, _ = image_folder.read(tmp_path).parts["all"]
    np.testing.assert_array_equal(x[0], np.repeat(grey[..., None], 3, axis=-1))
    mixed = Image.alpha_composite(Image.new("RGBA", (5, 6), "white"), Image.fromarray(pixels(6, 5, 4)))
    np.testing.assert_array_equal(x[3], np.asarray(mixed)[..., :3])
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
    assert store.is_on_disk(fit_all(x, 4, 4, 3))


def test_a_layout_that_cannot_be_read_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        image_folder.read(tmp_path / "nowhere")
    write(tmp_path / "flat" / "1.png", pixels(6, 5))
    with pytest.raises(NotADirectoryError, match=r"1\.png is a file: expected a folder for each class"):
        image_folder.read(tmp_path / "flat" / "1.png")
    with pytest.raises(ValueError, match=r"flat has no folders with images: expected a folder .* FOLDER/CLASS/1\.png"):
        image_folder.read(tmp_path / "flat")
    nested = folder_of(tmp_path / "nested", "images/cat/1.png", "images/dog/1.png")
    with pytest.raises(ValueError, match=r"if its folders \(cat, dog\) are the classes, give \S+nested/images$"):
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


def test_a_class_folder_without_images_is_no_class(tmp_path):
    folder = folder_of(tmp_path, "cat/1.png", "dog/1.png")
    (folder / "emu").mkdir()
    (folder / "emu" / "a.txt").write_text("x")
    source = image_folder.read(folder)
    assert source.class_names == ("cat", "dog")
    assert source.notes == (
        "1 class folder without images was passed over: emu",
        "1 file that is no image was passed over: emu/a.txt",
    )


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


def test_all_files_that_cannot_be_read_are_named_in_one_go(tmp_path):
    folder = folder_of(tmp_path, "train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "test/dog/1.png")
    (folder / "train" / "dog" / "2.png").write_bytes(b"")
    content = (folder / "test" / "dog" / "1.png").read_bytes()
    (folder / "test" / "dog" / "1.png").write_bytes(content[:80])
    with pytest.raises(
        ValueError, match=r"^2 of 4 image files in \S+ cannot be read: test/dog/1\.png \(image file is tr"
    ) as e:
        image_folder.read(folder)
    assert str(e.value).endswith("train/dog/2.png (the file is empty)")
    (folder / "train" / "dog" / "2.png").unlink()
    with pytest.raises(ValueError, match=r"test/dog/1\.png holds no image that can be read: image file is truncated"):
        image_folder.read(folder)
