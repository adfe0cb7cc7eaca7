"""Image files: which files are images, what their headers say, and their pixels in one size, colour and depth."""

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.data.images import pixels as images
from recipes.data.store import RowStore, chunks

EXTENSIONS = (
    ".apng", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff",
    ".webp",
)  # fmt: skip
# Nothing else is tried on a file, whatever it claims to be: for some formats, Pillow starts other programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

# Files and folders that other programs leave among images, in lower case; those whose names begin with a dot are more.
LEFT_BEHIND = {
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db",
    "desktop.ini",
}  # fmt: skip

# Pixels of one image: a small file can claim billions of them, and decoding it would fill the memory.
MOST_PIXELS = 50_000_000

_MOST_NAMED = 10


@dataclass(frozen=True)
class Form:
    """What images of every size, colour and depth become.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        background: Red, green and blue from 0 to 255 of what is behind transparent pixels; `None` drops the alpha
            channel, and with it the transparency.
        depth: Bits of a pixel value: 8 gives uint8, to which 16 bits are divided by 257; 16 gives float32 of the stored
            values, and 8 bits times 257; 32 gives the stored floating-point values. `None`: uint8 whatever is stored,
            floating point being taken for 0 to 1, or to 255 if any value of the file is above 1.
    """

    height: int
    width: int
    channels: int
    background: tuple[int, int, int] | None = images.WHITE
    depth: int | None = 8


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of an image before it is decoded.

    Attributes:
        size: Height and width as the image is seen.
        is_grey: Whether all its colours are shades of grey.
        has_alpha: Whether its pixels may be transparent.
        depth: 8; 16 for whole numbers of more bits; 32 for floating point.
        is_cut: Whether it stores 16 bits of each colour, of which Pillow reads the upper 8.
    """

    size: tuple[int, int]
    is_grey: bool
    has_alpha: bool = False
    depth: int = 8
    is_cut: bool = False


class UnreadableImageError(ValueError):
    """A file that holds no image, a damaged one or one that is too large."""

    def __init__(self, file, reason: str):
        super().__init__(f"{file} holds no image that can be read: {reason}")
        self.reason = reason


def is_image_file(path: Path) -> bool:
    """Whether `path` has the name of an image, and is no folder."""
    return path.suffix.lower() in EXTENSIONS and not path.is_dir()


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or left behind by another program."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def files_below(folder, _above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All files below `folder` in sorted order, through links too; without those that are passed over."""
    real = os.path.realpath(folder)
    if real in _above:  # a link that leads back
        return
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not is_passed_over(entry.name)), key=lambda entry: entry.name)
    for entry in visible:
        if entry.is_dir():
            yield from files_below(entry.path, (*_above, real))
        else:
            yield Path(entry.path)


def files_in(path) -> list[Path]:
    """The image file `path` itself, or all image files below the folder `path`, sorted, as training finds them.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is no image file, or a folder without any.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if not path.is_dir():
        if not is_image_file(path):
            raise ValueError(f"{path} is no image file: its name must end with {', '.join(EXTENSIONS)}")
        return [path]
    files = [file for file in files_below(path) if is_image_file(file)]
    if not files:
        raise ValueError(f"{path} holds no image files: their names must end with {', '.join(EXTENSIONS)}")
    return files


def read_files(paths, form: Form) -> tuple[np.ndarray, list[Header]]:
    """Image files, in the order given, as `(files, height, width, channels)`, and their headers.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If no file is given, files hold no image, or one of more than `MOST_PIXELS` (the first ten such
            files are named), or their depth does not fit that of `form`.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise ValueError("expected at least one image file. Received: none")
    found, broken = headers(files, form.background)
    check_depth(found, form.depth)
    x = decode_all(list(found), form, broken)
    refuse_broken(broken, len(files))
    return x, list(found.values())


def headers(files: list[Path], background=images.WHITE) -> tuple[dict[Path, Header], dict[Path, Exception]]:
    """The headers of all files that have one, and why the others have none; nothing is decoded.

    Args:
        files: Image files.
        background: As in `Form`: a grey image before a coloured background is not grey.
    """
    found, broken = {}, {}
    for file in files:
        with _noted(file, broken):
            found[file] = header(file, background)
    return found, broken


def header(file: Path, background=images.WHITE) -> Header:
    """What is known of an image without decoding it.

    Raises:
        OSError, ValueError: As `read_files`.
    """
    with _opened(file) as image:
        width, height = image.size
        alpha = image.has_transparency_data
        return Header(
            (width, height) if _orientation(image) > 4 else (height, width),
            _is_grey(image) and (not alpha or background is None or len(set(background)) == 1),
            alpha,
            _depth(image),
            _is_cut(image),
        )


def check_depth(found: dict[Path, Header], depth: int | None) -> None:
    """Refuse floating point among whole numbers: no scale is common to both.

    Raises:
        ValueError: If images do not fit `depth` (see `Form`).
    """
    if depth is None:
        return
    wrong = [file for file, its in found.items() if (its.depth == 32) != (depth == 32)]
    if wrong:
        theirs, ours = ("whole numbers", "floating-point values") if depth == 32 else ("floating-point values", "bytes")
        ours = "whole numbers of 16 bits" if depth == 16 else ours
        raise ValueError(
            f"{wrong[0]} holds {theirs}{f' (and {len(wrong) - 1:,} more do)' if len(wrong) > 1 else ''}, where images "
            f"of {ours} are expected: no scale is common to both"
        )


def decode_all(files: list[Path], form: Form, broken: dict[Path, Exception]) -> np.ndarray | None:
    """`read_files` for files whose headers are known; only some of the images are in memory at a time.

    Args:
        files: Image files.
        form: What the images become.
        broken: Files that cannot be read. Those that are found are added; if there are any, nothing is kept.
    """
    shape, dtype = (
        (form.height, form.width, form.channels),
        np.dtype(np.float32 if form.depth in (16, 32) else np.uint8),
    )
    store = RowStore()
    for chosen in chunks(len(files), int(np.prod(shape)) * dtype.itemsize):
        rows = np.empty((chosen.stop - chosen.start, *shape), dtype)
        for row, file in zip(rows, files[chosen], strict=True):
            with _noted(file, broken):
                row[:] = images.fit(_decoded(file, form), *shape)
        if not broken:
            store.append(rows)
    return None if broken else store.finish()


def refuse_broken(broken: dict[Path, Exception], total: int, folder: Path | None = None) -> None:
    """Raise an error that names the first ten of the `broken` files, and how many there are among `total`."""
    if not broken:
        return
    if len(broken) == 1:
        raise next(iter(broken.values()))
    named = [
        f"{file if folder is None else file.relative_to(folder)} ({getattr(error, 'reason', None) or error.strerror})"
        for file, error in sorted(broken.items())[:_MOST_NAMED]
    ]
    more = f" and {len(broken) - len(named):,} more" if len(broken) > len(named) else ""
    where = "" if folder is None else f" in {folder}"
    raise ValueError(f"{len(broken):,} of {total:,} image files{where} cannot be read: {', '.join(named)}{more}")


@contextlib.contextmanager
def _noted(file, broken):
    """Keep the error of a file that cannot be read, and go on."""
    try:
        yield
    except (UnreadableImageError, OSError) as error:
        broken[file] = error


def _decoded(file, form):
    """One image as it is seen, `(height, width, 1)` if it is grey, or `(height, width, 3)`."""
    with _opened(file) as image:
        orientation = _orientation(image)
        if _depth(image) > 8:
            pixels = _deep(image, form)
        else:
            if form.background is not None and image.has_transparency_data:
                image = _on_background(image, form.background)
            pixels = np.asarray(image.convert("L" if _is_grey(image) else "RGB"))
            if form.depth == 16:
                pixels = pixels * np.float32(257)
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    down, across = (-1 if orientation in turned else 1 for turned in ((3, 4, 7, 8), (2, 3, 6, 7)))
    return np.atleast_3d(pixels[::down, ::across])


def _on_background(image, background):
    """An opaque image of the same mode family: what shows where `image` lies on a plain colour."""
    from PIL import Image

    is_grey = _is_grey(image) and len(set(background)) == 1
    behind = Image.new("RGBA", image.size, (*background, 255))
    return Image.alpha_composite(behind, image.convert("RGBA")).convert("L" if is_grey else "RGB")


@contextlib.contextmanager
def _opened(file):
    """`file`, opened by Pillow, which has read its header; an error inside names the file."""
    from PIL import UnidentifiedImageError

    if file.stat().st_size == 0:
        raise UnreadableImageError(file, "the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        try:
            with _open(file) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ValueError(
                        f"its {image.height} x {image.width} pixels (height x width) are more than {MOST_PIXELS:,}"
                    )
                yield image
        except UnidentifiedImageError:
            raise UnreadableImageError(file, f"it is none of {', '.join(FORMATS)}") from None
        except Exception as error:  # decoders of damaged files raise whatever they stumble over
            if isinstance(error, OSError) and error.errno:
                raise
            raise UnreadableImageError(file, " ".join(str(error).split()) or type(error).__name__) from None


def _open(file):
    from PIL import Image

    # Pillow's own limit is above ours, and its error does not name the file.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=FORMATS)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _orientation(image):
    """How the camera was held: 1 to 8, of which 5 to 8 lie on the side (EXIF 2.3, tag 274)."""
    from PIL import Image

    if image.format == "TIFF":
        return 1  # these are turned by Pillow
    try:
        # Not the method of the PNG class, which decodes the image.
        orientation = Image.Image.getexif(image).get(274, 1)
    except Exception:  # damaged metadata do not make the image unreadable
        return 1
    return orientation if orientation in range(1, 9) else 1


def _is_grey(image):
    if image.mode != "P":
        return image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")
    layout, colors = image.palette.getdata()
    colors = np.frombuffer(colors, dtype=np.uint8)
    # One colour after the other, or first all reds.
    colors = colors.reshape(3, -1).T if layout.endswith(";L") else colors.reshape(-1, len(layout))[:, :3]
    return bool((colors == colors[:, :1]).all())


def _depth(image):
    return 32 if image.mode == "F" else 16 if image.mode.startswith("I") else 8


def _is_cut(image):
    """Whether the pixels are stored in 16 bits, though Pillow has no mode for them."""
    return _depth(image) == 8 and any(re.search(r"[A-Z];16", str(tile)) for tile in getattr(image, "tile", ()))


def _deep(image, form):
    """Grey values of more than 8 bits, in the depth of `form`."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError(f"its values go from {values.min()} to {values.max()}")
    if form.depth in (16, 32):
        values = values.astype(np.float32)
        key = image.info.get("transparency")
        if form.background is not None and isinstance(key, int):  # the one value that is transparent, of a PNG file
            values[values == key] = np.dot(form.background, images.LUMA) * 257
        return values
    return _eight_bits(values)


def _eight_bits(values):
    """Deeper greys as uint8: integers are taken for 16 bits; floating point for 0 to 1, or to 255 if any is above 1."""
    top = 65535 if values.dtype.kind in "iu" else (1 if values.max() <= 1 else 255)
    if not (values.min() >= 0 and values.max() <= top):
        raise ValueError(f"its values go from {values.min()} to {values.max()}, where 0 to {top} is allowed")
    return np.rint(values * (255 / top)).astype(np.uint8)
