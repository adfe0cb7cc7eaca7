"""Images in a folder with one sub-folder for each class, and perhaps for each part."""

import unicodedata
from pathlib import Path

import numpy as np

from recipes.arguments.names import shorten
from recipes.data import row_digests
from recipes.data.images import image_files
from recipes.data.images.decoding import Form
from recipes.data.images.pixels import COLORS, WHITE, color_of, common_size
from recipes.data.source import Source
from recipes.data.store import chunks_of

# Part that a folder holds, by its name in lower case.
PARTS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip

# Ends of notes on images that lose something; predictions for such images warn with them.
ALPHA_DROPPED = "an alpha channel, which is dropped"
CUT_TO_BYTES = "more than 8 bits, which are reduced to 8"
LAYOUT = "expected a folder for each class, FOLDER/CLASS/1.png, or FOLDER/train/CLASS/1.png, FOLDER/test/CLASS/2.png"


def is_image_folder(path) -> bool:
    """Whether `path` is an existing folder."""
    return Path(path).is_dir()


def read(
    path,
    size: tuple[int, int] | None = None,
    color: str | None = None,
    background: tuple[int, int, int] | None = WHITE,
    depth: int | str | None = "own",
) -> Source:
    """Read `path/CLASS/*.png`, or `path/PART/CLASS/*.png` with the parts train, validation and test.

    Images in folders within a class folder belong to the class.

    Args:
        path: Path of the folder. Hidden files and folders, and those that other programs leave behind, are skipped.
        size: Height and width of the resulting images. Default: their own if all agree and neither is more than
            `pixels.MOST_OWN_SIDE`; else `pixels.COMMON_SIZE`.
        color: `"grey"` for one channel, `"rgb"` for three. Default: grey if every image is grey.
        background: Red, green and blue of the colour behind transparent pixels, as in `decoding.Form`.
        depth: Bits of a pixel value, as in `decoding.Form`. Default: `"own"`, those of the deepest image.

    Returns:
        A source with the part `"all"`, or with `"train"` and, where they are there, `"validation"` and `"test"`. `x`:
        `(rows, height, width, channels)`, uint8, or float32 of more than 8 bits; `y`: int64 `(rows,)`, numbers of the
        sorted class names.

    Raises:
        OSError: If the folder or a file cannot be read.
        ValueError: If the folder has another layout, files hold no image or one of more than `decoding.MOST_PIXELS`
            (the first ten such files are named), or floating point is mixed with whole numbers.
    """
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"the size of images must be a height and a width of at least 1. Received: {size}")
    if color not in (None, *COLORS):
        raise ValueError(f"the color of images must be {' or '.join(COLORS)}. Received: {color!r}")
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {path}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} is a file: {LAYOUT}")
    found, notes = _find(folder)
    class_names = _class_names(folder, found)
    files = [file for classes in found.values() for files in classes.values() for file in files]
    headers, broken = image_files.headers(files, background)
    if not headers:
        image_files.refuse_broken(broken, len(files), folder)
    depth = _common_depth(headers) if depth == "own" else depth
    image_files.check_depth(headers, depth)
    sizes = {header.size for header in headers.values()}
    height, width = size or common_size(sizes)
    channels = COLORS[color] if color else (1 if all(header.is_grey for header in headers.values()) else 3)
    form = Form(height, width, channels, background, depth)
    parts = {}
    for part, classes in found.items():
        readable = [file for files in classes.values() for file in files if file in headers]
        x = image_files.decode_all(readable, form, broken)
        numbers, counts = map(class_names.index, classes), map(len, classes.values())
        parts[part] = x, np.repeat(np.array([*numbers], dtype=np.int64), [*counts])
    image_files.refuse_broken(broken, len(files), folder)
    digests = _digests(found)
    as_read = (*_resizing(sizes, height, width), *_transparency(headers, background), *_depths(headers, form, parts))
    notes = (*as_read, *notes)
    name = folder.resolve().name
    return Source(name, parts, "classification", class_names, notes=notes, depth=depth, row_digests=digests)


def digests(path) -> dict[str, np.ndarray]:
    """Digests of the files that `read` reads, uint64 `(rows,)`, by part and in the same order.

    Raises:
        OSError, ValueError: As `read`.
    """
    found, _ = _find(Path(path))
    return _digests(found)


def _digests(found) -> dict[str, np.ndarray]:
    return {
        part: np.array(
            [row_digests.of_file(file, label) for label, files in classes.items() for file in files], np.uint64
        )
        for part, classes in found.items()
    }


def _find(folder):
    """Files of each class, by part, and notes on files and folders that do not fit the layout."""
    part_folders = _part_folders(folder)
    found, others, strays, nested, empty = {}, [], [], [], []
    if "all" not in part_folders:
        for entry in _visible(folder):
            if entry not in part_folders.values():
                for file in image_files.files_below(entry) if entry.is_dir() else [entry]:
                    (strays if image_files.is_image_file(file) else others).append(file)
    for part, part_folder in part_folders.items():
        classes = {_name(entry.name): [] for entry in _visible(part_folder) if entry.is_dir()}
        for file in image_files.files_below(part_folder):
            place = file.relative_to(part_folder).parts
            if not image_files.is_image_file(file):
                others.append(file)
            elif len(place) == 1:
                strays.append(file)
            else:
                classes[_name(place[0])].append(file)
                nested += [file] if len(place) > 2 else []
        if not any(classes.values()):
            raise ValueError(f"{part_folder} has no folders with images: {LAYOUT}")
        empty += [part_folder / name for name, files in classes.items() if not files]
        found[part] = {name: files for name, files in classes.items() if files}
    notes = [
        *_passing_over(folder, "class folder without images", "class folders without images", empty),
        *_passing_over(folder, "file that is no image", "files that are no images", others),
        *_passing_over(folder, "image in an unexpected place", "images in unexpected places", strays),
    ]
    if nested:
        count = "1 image in a folder" if len(nested) == 1 else f"{len(nested):,} images in folders"
        notes.append(f"{count} within a class folder counted to the class: {_names(folder, nested)}")
    return found, notes


def _part_folders(folder):
    parts = {}
    for entry in _visible(folder):
        part = PARTS.get(entry.name.lower())
        if part is None or not entry.is_dir():
            continue
        if part in parts:
            raise ValueError(f"{folder} has two folders for {part}: {parts[part].name} and {entry.name}")
        parts[part] = entry
    # A class may be called train, too: then its folder holds images rather than folders.
    if "train" in parts and any(entry.is_dir() for entry in _visible(parts["train"])):
        return {part: parts[part] for part in ("train", "validation", "test") if part in parts}
    return {"all": folder}


def _visible(folder):
    return sorted(entry for entry in folder.iterdir() if not image_files.is_passed_over(entry.name))


def _name(folder_name):
    """Class name of a folder, in one Unicode form: file systems compose accents differently."""
    return unicodedata.normalize("NFC", folder_name)


def _class_names(folder, found):
    known = sorted(found.get("all") or found["train"])
    if len(known) < 2:
        inside = [entry for entry in _visible(folder) if entry.is_dir() and _name(entry.name) == known[0]]
        inner = [entry.name for entry in _visible(inside[0]) if entry.is_dir()] if inside else []
        hint = f"; if its folders ({shorten(inner, 3)}) are the classes, give {inside[0]}" if inner else ""
        raise ValueError(f"{folder} has only one class folder, {known[0]!r}: a classifier needs at least two{hint}")
    for part, classes in found.items():
        strangers = sorted(set(classes) - set(known))
        if strangers:
            raise ValueError(f"{folder} has the class {strangers[0]!r} in {part} and not in train")
    return tuple(known)


def _common_depth(headers):
    """Depth of the deepest image, to which all others can be converted."""
    depths = {}
    for file, header in headers.items():
        depths.setdefault(header.depth, []).append(file)
    floating = depths.pop(32, [])
    if floating and depths:
        whole = next(iter(depths.values()))[0]
        raise ValueError(
            f"{len(floating):,} of {len(headers):,} images hold floating-point values ({floating[0]}) and the others "
            f"whole numbers ({whole}): no scale is common to both; write them in one kind, or set data.depth to 8"
        )
    return 32 if floating else max(depths)


def _resizing(sizes, height, width):
    """A note if any image is resized."""
    if sizes == {(height, width)}:
        return []
    found = f"{len(sizes)} sizes" if len(sizes) > 1 else "{} x {} (height x width)".format(*next(iter(sizes)))
    return [f"images of {found}, resized to {height} x {width}"]


def _transparency(headers, background):
    """A note if pixels may be transparent."""
    count = sum(header.has_alpha for header in headers.values())
    if not count:
        return []
    what = "1 image has" if count == 1 else f"{count:,} images have"
    if background is None:
        return [f"{what} {ALPHA_DROPPED} (data.background)"]
    color = next((name for name in ("white", "black") if color_of(name) == background), None)
    color = color or "#{:02x}{:02x}{:02x}".format(*background)
    return [f"{what} an alpha channel: behind transparent pixels is {color} (data.background)"]


def _depths(headers, form, parts):
    """Notes on images of more than 8 bits."""
    deep = sum(header.depth > 8 for header in headers.values())
    cut = sum(header.is_cut for header in headers.values())
    notes = []
    if deep and form.depth in (None, 8):
        notes.append(f"{deep:,} of {len(headers):,} images have {CUT_TO_BYTES} (data.depth)")
    elif deep:
        least, most = np.inf, -np.inf
        for x, _ in parts.values():
            for rows in chunks_of(x):
                least, most = min(least, rows.min()), max(most, rows.max())
        kind = "floating-point values" if form.depth == 32 else "values of more than 8 bits"
        others = ", those of 8 bits times 257" if deep < len(headers) else ""
        count = "1 image holds" if deep == 1 else f"{deep:,} images hold"
        notes.append(f"{count} {kind}: all are used as they are stored{others}, from {least:g} to {most:g}")
    if cut:
        notes.append(f"{cut:,} colour images store 16 bits, of which the upper 8 are read")
    return notes


def _passing_over(folder, one, many, paths):
    """A note on paths that are skipped."""
    if not paths:
        return []
    count = f"1 {one} was" if len(paths) == 1 else f"{len(paths):,} {many} were"
    return [f"{count} passed over: {_names(folder, paths)}"]


def _names(folder, paths):
    names = [str(path.relative_to(folder)) for path in paths]
    return f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
