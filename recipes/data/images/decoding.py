"""Decoding of one image file: its header, and its pixels in the requested colours and depth."""

import contextlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.arguments.names import printable
from recipes.arguments.regular_files import require_regular
from recipes.data.images.pixels import LUMA, WHITE
from recipes.settings.data import MOST_PIXELS

# The only formats that Pillow may try on a file: for some others, it starts external programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


@dataclass(frozen=True)
class Form:
    """Common form to which images of any size, colour and depth are converted.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        channels: Number of channels: 1 for grey, 3 for red, green and blue.
        background: Red, green and blue, from 0 to 255, of the colour behind transparent pixels; `None` drops the alpha
            channel, and with it the transparency.
        depth: Bits of a pixel value. 8 gives uint8, for which values of 16 bits are divided by 257; 16 gives the stored
            values as float32, and those of 8 bits times 257; 32 gives the stored floating-point values. `None` gives
            uint8 for all: floating point is assumed to be from 0 to 1, or to 255 if a value of the file is above 1.
    """

    height: int
    width: int
    channels: int
    background: tuple[int, int, int] | None = WHITE
    depth: int | None = 8


@dataclass(frozen=True, slots=True)
class Header:
    """Properties of an image that are known before it is decoded.

    Attributes:
        size: Height and width, after the rotation that the camera noted.
        is_grey: Whether all colours are shades of grey.
        has_alpha: Whether pixels may be transparent.
        depth: Bits of a pixel value: 8; 16 for whole numbers of more bits; 32 for floating point.
        is_cut: Whether the file stores 16 bits of each colour, of which Pillow reads the upper 8.
    """

    size: tuple[int, int]
    is_grey: bool
    has_alpha: bool = False
    depth: int = 8
    is_cut: bool = False


class UnreadableImageError(ValueError):
    """The error for a file without an image, or with one that is damaged or too large."""

    def __init__(self, file, reason: str):
        super().__init__(f"{printable(file)} holds no image that can be read: {reason}")
        self.reason = reason


def header(file: Path, background=WHITE) -> Header:
    """The header of an image file, read without decoding the image.

    Args:
        file: Path of the file.
        background: Background as in `Form`: a grey image before a coloured background is not grey.

    Raises:
        OSError: If the file cannot be read.
        UnreadableImageError: If the file holds no image, or one of more than `MOST_PIXELS`.
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


def decode(file: Path, form: Form) -> np.ndarray:
    """The pixels of an image file, rotated as the camera noted, in its own size and the depth of `form`.

    Returns:
        Array `(height, width, 1)` of a grey image, otherwise `(height, width, 3)`.

    Raises:
        OSError, UnreadableImageError: As `header`, and for damaged files.
    """
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
    """The opaque image that results from `image` in front of a plain colour."""
    from PIL import Image

    is_grey = _is_grey(image) and len(set(background)) == 1
    behind = Image.new("RGBA", image.size, (*background, 255))
    return Image.alpha_composite(behind, image.convert("RGBA")).convert("L" if is_grey else "RGB")


@contextlib.contextmanager
def _opened(file):
    """`file`, opened by Pillow, which reads its header; every error inside becomes one that names the file."""
    from PIL import UnidentifiedImageError

    if require_regular(file).stat().st_size == 0:
        raise UnreadableImageError(file, "the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata
        try:
            with _open(file) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ValueError(
                        f"its {image.height} x {image.width} pixels (height x width) are more than {MOST_PIXELS:,}"
                    )
                yield image
        except UnidentifiedImageError:
            raise UnreadableImageError(file, f"it is none of {', '.join(FORMATS)}") from None
        except Exception as error:  # decoders of damaged files raise errors of any kind
            if isinstance(error, OSError) and error.errno:
                raise
            raise UnreadableImageError(file, " ".join(str(error).split()) or type(error).__name__) from None


def _open(file):
    from PIL import Image

    # Pillow's own limit warns or raises without the name of the file; ours is checked by the caller.
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        return Image.open(file, formats=FORMATS)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _orientation(image):
    """Orientation that the camera noted, from 1 to 8; 5 to 8 are turned by a quarter (EXIF 2.3, tag 274)."""
    from PIL import Image

    if image.format == "TIFF":
        return 1  # Pillow itself turns these
    try:
        # The method of the base class, because that of the PNG class decodes the image.
        orientation = Image.Image.getexif(image).get(274, 1)
    except Exception:  # damaged metadata do not make the image unreadable
        return 1
    return orientation if orientation in range(1, 9) else 1


def _is_grey(image):
    if image.mode != "P":
        return image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I")
    layout, colors = image.palette.getdata()
    colors = np.frombuffer(colors, dtype=np.uint8)
    # Colour by colour, or all values of red first.
    colors = colors.reshape(3, -1).T if layout.endswith(";L") else colors.reshape(-1, len(layout))[:, :3]
    return bool((colors == colors[:, :1]).all())


def _depth(image):
    return 32 if image.mode == "F" else 16 if image.mode.startswith("I") else 8


def _is_cut(image):
    """Whether the file stores 16 bits of each colour, for which Pillow has no mode."""
    return _depth(image) == 8 and any(re.search(r"[A-Z];16", str(tile)) for tile in getattr(image, "tile", ()))


def _deep(image, form):
    """Grey values of more than 8 bits, in the depth of `form`."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError(f"its values go from {values.min()} to {values.max()}")
    if form.depth in (16, 32):
        values = values.astype(np.float32)
        key = image.info.get("transparency")
        if form.background is not None and isinstance(key, int):  # the transparent value of a PNG file
            values[values == key] = np.dot(form.background, LUMA) * 257
        return values
    return _eight_bits(values)


def _eight_bits(values):
    """Greys as uint8, from integers of 16 bits, or floating point from 0 to 1, or to 255 if a value is above 1."""
    top = 65535 if values.dtype.kind in "iu" else (1 if values.max() <= 1 else 255)
    if not (values.min() >= 0 and values.max() <= top):
        raise ValueError(f"its values go from {values.min()} to {values.max()}, where 0 to {top} is allowed")
    return np.rint(values * (255 / top)).astype(np.uint8)
