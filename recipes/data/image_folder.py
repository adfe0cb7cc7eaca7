"""Pictures in a folder with one sub-folder for each class: the layout tells the labels, and perhaps the parts."""

from pathlib import Path

import numpy as np

from recipes.data import images
from recipes.data.source import Source

# Names of folders, in lower case, that hold one part each.
PARTS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip

LAYOUT = "expected a folder for each class, FOLDER/CLASS/1.png, or FOLDER/train/CLASS/1.png, FOLDER/test/CLASS/2.png"


def is_image_folder(path) -> bool:
    """Whether `path` is a folder that exists."""
    return Path(path).is_dir()


def read(path, size: tuple[int, int] | None = None, color: str | None = None) -> Source:
    """Read `path/CLASS/*.png`, or `path/PART/CLASS/*.png` with the parts train, validation and test.

    Args:
        path: Of the folder. Hidden files and folders in it are passed over.
        size: Height and width of the images that come out. Default: their own if all agree and neither is more than
            `images.MOST_OWN_SIDE`; else `images.COMMON_SIZE`.
        color: `"grey"` for one channel, `"rgb"` for three. Default: one if every image is grey.

    Returns:
        A source with the part `"all"`, or `"train"` and those that are there of `"validation"` and `"test"`. `x`:
        uint8 `(rows, height, width, channels)`; `y`: int64 `(rows,)`, the numbers of the sorted class names.

    Raises:
        OSError: If the folder or a file cannot be read.
        ValueError: If the folder is not laid out so, or a file holds no image, or one of more than
            `images.MOST_PIXELS`.
    """
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"the size of images must be a height and a width of at least 1. Received: {size}")
    if color not in (None, *images.COLORS):
        raise ValueError(f"the color of images must be {' or '.join(images.COLORS)}. Received: {color!r}")
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} is a file: {LAYOUT}")
    found, passed_over = _find(folder)
    class_names = _class_names(folder, found)
    headers = [images.header(file) for classes in found.values() for files in classes.values() for file in files]
    sizes = {its_size for its_size, _ in headers}
    height, width = size or images.common_size(sizes)
    channels = images.COLORS[color] if color else (1 if all(is_grey for _, is_grey in headers) else 3)
    parts = {}
    for part, classes in found.items():
        x = images.decode_all([file for files in classes.values() for file in files], height, width, channels)
        numbers, counts = map(class_names.index, classes), map(len, classes.values())
        parts[part] = x, np.repeat(np.array([*numbers], dtype=np.int64), [*counts])
    notes = (*_resizing(sizes, height, width), *_passing_over(folder, passed_over))
    return Source(folder.resolve().name, parts, "classification", class_names, notes=notes)


def _find(folder):
    """What is below `folder`: `{class name: files}` for each part, and a list of all that is passed over."""
    part_folders = _part_folders(folder)
    found, passed_over = {}, []
    if "all" not in part_folders:
        passed_over += [entry for entry in _visible(folder) if entry not in part_folders.values()]
    for part, part_folder in part_folders.items():
        found[part] = {}
        for entry in _visible(part_folder):
            if not entry.is_dir():
                passed_over.append(entry)
                continue
            inside = _visible(entry)
            found[part][entry.name] = [file for file in inside if images.is_image_file(file)]
            passed_over += [other for other in inside if not images.is_image_file(other)]
        _check_layout(part_folder, found[part])
    return found, passed_over


def _part_folders(folder):
    parts = {}
    for entry in _visible(folder):
        part = PARTS.get(entry.name.lower())
        if part is None or not entry.is_dir():
            continue
        if part in parts:
            raise ValueError(f"{folder} has two folders for {part}: {parts[part].name} and {entry.name}")
        parts[part] = entry
    # A class may be called train, too: its folder holds images, and no folders.
    if "train" in parts and any(entry.is_dir() for entry in _visible(parts["train"])):
        return {part: parts[part] for part in ("train", "validation", "test") if part in parts}
    return {"all": folder}


def _visible(folder):
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _check_layout(folder, classes):
    empty = [name for name, files in classes.items() if not files]
    if len(empty) == len(classes):
        raise ValueError(f"{folder} has no folders with images: {LAYOUT}")
    if empty:
        raise ValueError(f"the class folder {folder / empty[0]} holds no images; remove it or fill it")


def _class_names(folder, found):
    known = sorted(found.get("all") or found["train"])
    if len(known) < 2:
        raise ValueError(f"{folder} has only one class folder, {known[0]!r}: a classifier needs at least two")
    for part, classes in found.items():
        strangers = sorted(set(classes) - set(known))
        if strangers:
            raise ValueError(f"{folder} has the class {strangers[0]!r} in {part} and not in train")
    return tuple(known)


def _resizing(sizes, height, width):
    """A note, if any image changes its size."""
    if sizes == {(height, width)}:
        return []
    found = f"{len(sizes)} sizes" if len(sizes) > 1 else "{} x {} (height x width)".format(*next(iter(sizes)))
    return [f"images of {found}, resized to {height} x {width}"]


def _passing_over(folder, entries):
    """Notes on what is not read."""
    kinds = {
        ("file that is no image", "files that are no images"): False,
        ("image or folder in an unexpected place", "images or folders in unexpected places"): True,
    }
    notes = []
    for (one, many), is_strange in kinds.items():
        chosen = [entry for entry in entries if (entry.is_dir() or images.is_image_file(entry)) == is_strange]
        names = [str(entry.relative_to(folder)) for entry in chosen]
        if names:
            count = f"1 {one} was" if len(names) == 1 else f"{len(names)} {many} were"
            notes.append(f"{count} passed over: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}")
    return notes
