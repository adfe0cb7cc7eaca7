"""Arrays of images in one size and colour."""

import re

import numpy as np

from recipes.data.store import RowStore, chunks, chunks_of

# Images of one size keep it up to this height and width; all others are resized to the common size.
MOST_OWN_SIDE = 256
COMMON_SIZE = (128, 128)

COLORS = {"grey": 1, "rgb": 3}

# Weights of red, green and blue in the brightness of a colour (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)

WHITE = (255, 255, 255)
_NAMED_COLORS = {"white": WHITE, "black": (0, 0, 0)}


def color_of(background: str | None) -> tuple[int, int, int] | None:
    """Red, green and blue, 0 to 255, of `"white"`, `"black"` or `"#rrggbb"`; `None` of `None`.

    >>> color_of("#ff8000")
    (255, 128, 0)
    """
    if background is None:
        return None
    if background in _NAMED_COLORS:
        return _NAMED_COLORS[background]
    return tuple(int(pair, 16) for pair in re.findall("..", background.removeprefix("#")))


def common_size(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    """Height and width for images of `sizes`: their own if all are alike and not large, else `COMMON_SIZE`."""
    size = next(iter(sizes)) if len(sizes) == 1 else COMMON_SIZE
    return size if max(size) <= MOST_OWN_SIDE else COMMON_SIZE


def fit(image: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """One image in another size and colour: `(height, width, channels)`, of the same dtype.

    Images are resized bilinearly, with antialiasing where they shrink. Colours become grey by their luma (ITU-R
    BT.601); grey is repeated for three channels; a fourth channel is alpha, which is dropped (`fit_all` composes it).

    Args:
        image: Image `(any, any, channels)`, float32, or uint8, whose results are rounded.
        height: Height in pixels.
        width: Width in pixels.
        channels: Number of channels: that of `image`, or 1 or 3.

    Raises:
        ValueError: If the channels of `image` cannot be converted.
    """
    raw = image.shape[-1]
    if raw != channels and (raw, channels) not in {(1, 3), (3, 1), (4, 1), (4, 3)}:
        raise ValueError(f"an image of {raw} channels cannot become one of {channels}")
    if raw not in (1, channels):
        image = image[..., :3]
    if image.shape[:2] != (height, width):
        image = _resized(image, height, width)
    if image.shape[-1] > channels:  # after resizing, since this needs four times the memory of the image
        luma = image @ np.array(LUMA, dtype=np.float32)
        image = (luma if image.dtype.kind == "f" else np.rint(luma)).astype(image.dtype)[..., None]
    return image if image.shape[-1] == channels else np.repeat(image, channels, axis=-1)


def fit_all(x: np.ndarray, height: int, width: int, channels: int, background=None) -> np.ndarray:
    """`fit` for many images; returns `x` itself if it has that size and colour already.

    Where four channels become fewer, the fourth is alpha, from 0 to 255, or to 1 in floating point if no alpha of `x`
    is above 1.

    Args:
        x: Images `(rows, any, any, any)`, uint8 or float32, of which only some are in memory at a time.
        height: Height in pixels.
        width: Width in pixels.
        channels: Number of channels: that of `x`, or 1 or 3.
        background: Red, green and blue, from 0 to 255, of the colour behind transparent pixels. Default: alpha is
            dropped.

    Raises:
        ValueError: As `fit`.
    """
    shape = (height, width, channels)
    if x.shape[1:] == shape:
        return x
    is_composed = background is not None and x.shape[-1] == 4 and channels in (1, 3)
    opaque = 1 if is_composed and x.dtype.kind == "f" and max(rows[..., 3].max() for rows in chunks_of(x)) <= 1 else 255
    store = RowStore()
    for chosen in chunks(len(x), int(np.prod(shape)) * x.dtype.itemsize):
        rows = np.empty((chosen.stop - chosen.start, *shape), x.dtype)
        for row, image in zip(rows, x[chosen], strict=True):
            row[:] = fit(_on_background(image, background, opaque) if is_composed else image, *shape)
        store.append(rows)
    return store.finish()


def _on_background(image, background, opaque):
    """An image of red, green, blue and alpha (from 0 to `opaque`) in front of a plain colour."""
    alpha = image[..., 3:].astype(np.float32) / opaque
    colors = image[..., :3] * alpha + np.array(background, np.float32) * (opaque / 255) * (1 - alpha)
    return (colors if image.dtype.kind == "f" else np.rint(colors)).astype(image.dtype)


def _resized(image, height, width):
    from PIL import Image

    # Channel by channel, because Pillow resizes floating point only so; the result for 8 bits is the same.
    planes = (Image.fromarray(np.ascontiguousarray(image[..., channel])) for channel in range(image.shape[-1]))
    return np.stack([plane.resize((width, height), Image.Resampling.BILINEAR) for plane in planes], axis=-1)
