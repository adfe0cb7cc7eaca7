"""Pictures, in files and in arrays, brought to one size and colour. What files hold becomes 8 bits."""

import contextlib
import warnings
from pathlib import Path

import numpy as np

from recipes.data.store import RowStore, chunks

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Nothing else is tried on a file, whatever it claims to be: for some formats, Pillow starts other programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

# Pixels of one image: a small file can claim billions of them, and decoding it would fill the memory.
MOST_PIXELS = 50_000_000

# Images that are all of one size keep it up to this height and width; others are brought to the common size.
MOST_OWN_SIDE = 256
COMMON_SIZE = (128, 128)

COLORS = {"grey": 1, "rgb": 3}

# ITU-R BT.601: how bright red, green and blue look.
LUMA = (0.299, 0.587, 0.114)


def is_image_file(path: Path) -> bool:
    """Whether `path` has the name of an image, and is no folder."""
    return path.suffix.lower() in EXTENSIONS and not path.is_dir()


def files_in(path) -> list[Path]:
    """The image file `path` itself, or all image files below the folder `path`, sorted; hidden ones are passed over.

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
    files = sorted(
        file
        for file in path.rglob("*")
        if is_image_file(file) and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise ValueError(f"{path} holds no image files: their names must end with {', '.join(EXTENSIONS)}")
    return files


def read_files(paths, height: int, width: int, channels: int) -> np.ndarray:
    """Image files, in the order given, as uint8 `(files, height, width, channels)`.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If no file is given, or one holds no image, or one of more than `MOST_PIXELS`.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise ValueError("expected at least one image file. Received: none")
    for file in files:
        header(file)
    return decode_all(files, height, width, channels)


def header(file: Path) -> tuple[tuple[int, int], bool]:
    """Height and width of an image as it is seen, and whether it is grey, without decoding it.

    Raises:
        OSError, ValueError: As `read_files`.
    """
    with _opened(file) as image:
        width, height = image.size
        return (width, height) if _orientation(image) > 4 else (height, width), _is_grey(image)


def decode_all(files: list[Path], height: int, width: int, channels: int) -> np.ndarray:
    """`read_files` for files whose headers have been looked at."""
    shape = (height, width, channels)
    return _collected(files, lambda file: fit(_decoded(file), *shape), shape, np.dtype(np.uint8))


def common_size(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    """Height and width for images of `sizes`: their own, if they are all alike and not large."""
    size = next(iter(sizes)) if len(sizes) == 1 else COMMON_SIZE
    return size if max(size) <= MOST_OWN_SIDE else COMMON_SIZE


def fit(image: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """One image in the size and colour asked for: `(height, width, channels)`, of the same dtype.

    Sizes change bilinearly, antialiased where they shrink. Colours become grey by their luma (ITU-R BT.601); grey is
    repeated for three channels; a fourth channel is alpha, which is dropped.

    Args:
        image: `(any, any, channels)`, uint8, whose results are rounded, or float32.
        height: In pixels.
        width: In pixels.
        channels: As many as `image` has, or 1 or 3.

    Raises:
        ValueError: If the channels of `image` cannot become `channels` ones.
    """
    raw = image.shape[-1]
    if raw != channels and (raw, channels) not in {(1, 3), (3, 1), (4, 1), (4, 3)}:
        raise ValueError(f"an image of {raw} channels cannot become one of {channels}")
    if raw not in (1, channels):
        image = image[..., :3]
    if image.shape[:2] != (height, width):
        image = _resized(image, height, width)
    if image.shape[-1] > channels:  # after the size, since this needs four times the memory of the image
        luma = image @ np.array(LUMA, dtype=np.float32)
        image = (luma if image.dtype.kind == "f" else np.rint(luma)).astype(image.dtype)[..., None]
    return image if image.shape[-1] == channels else np.repeat(image, channels, axis=-1)


def fit_all(x: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """`fit` for images `(rows, any, any, any)`, uint8 or float32: of the same dtype, and `x` itself where it fits.

    Raises:
        ValueError: As `fit`.
    """
    if x.shape[1:] == (height, width, channels):
        return x
    return _collected(x, lambda image: fit(image, height, width, channels), (height, width, channels), x.dtype)


def _collected(items, decode, shape, dtype):
    """`decode(item)` of all items, `(items, *shape)`; only some of them are in memory at a time."""
    store = RowStore()
    for chosen in chunks(len(items), int(np.prod(shape)) * dtype.itemsize):
        rows = np.empty((chosen.stop - chosen.start, *shape), dtype)
        for row, item in zip(rows, items[chosen], strict=True):
            row[:] = decode(item)
        store.append(rows)
    return store.finish()


def _resized(image, height, width):
    from PIL import Image

    # Pillow knows one channel of 8 bits, and one of floating point. Three of 8 bits would be the same, one by one.
    planes = (Image.fromarray(np.ascontiguousarray(image[..., channel])) for channel in range(image.shape[-1]))
    return np.stack([plane.resize((width, height), Image.Resampling.BILINEAR) for plane in planes], axis=-1)


def _decoded(file):
    """One image as it is seen, uint8 `(height, width, 1)` if it is grey, or `(height, width, 3)`."""
    with _opened(file) as image:
        orientation = _orientation(image)
        if image.mode.startswith(("I", "F")):
            pixels = _eight_bits(np.asarray(image))
        else:
            pixels = np.asarray(image.convert("L" if _is_grey(image) else "RGB"))
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    down, across = (-1 if orientation in turned else 1 for turned in ((3, 4, 7, 8), (2, 3, 6, 7)))
    return np.atleast_3d(pixels[::down, ::across])


@contextlib.contextmanager
def _opened(file):
    """`file`, opened by Pillow, which has read its header; an error inside names the file."""
    from PIL import UnidentifiedImageError

    if file.stat().st_size == 0:
        raise ValueError(f"{file} is empty: expected an image")
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
            raise ValueError(f"{file} holds no image that can be read: it is none of {', '.join(FORMATS)}") from None
        except Exception as error:  # decoders of damaged files raise whatever they stumble over
            if isinstance(error, OSError) and error.errno:
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{file} holds no image that can be read: {reason}") from None


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


def _eight_bits(values):
    """Deeper greys as uint8: integers are taken for 16 bits; floating point for 0 to 1, or to 255 if any is above 1."""
    top = 65535 if values.dtype.kind in "iu" else (1 if values.max() <= 1 else 255)
    if not (values.min() >= 0 and values.max() <= top):
        raise ValueError(f"its values go from {values.min()} to {values.max()}, where 0 to {top} is allowed")
    return np.rint(values * (255 / top)).astype(np.uint8)
