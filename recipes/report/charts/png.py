"""Images as PNG in the page itself: photographs and digits as they are, a large matrix as shades of one colour."""

import base64
import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by the number of channels
_BLUE = (0x1F, 0x7F, 0xC0)


def address_of(image: np.ndarray) -> str:
    """An image as a `data:` address.

    Args:
        image: uint8, or numbers from 0 to 1; `(height, width)` or `(height, width, channels)` with 1 to 4 channels.
    """
    if image.dtype != np.uint8:
        image = np.round(255 * np.clip(np.nan_to_num(image.astype(np.float64)), 0, 1)).astype(np.uint8)
    image = image if image.ndim == 3 else image[..., None]
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    # Each line of pixels begins with the number of its filter: 0 for none.
    lines = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, width * channels)], axis=1)
    return _address([(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")])


def shades(shares: np.ndarray) -> str:
    """A matrix of numbers from 0 to 1 as a `data:` address: one colour, the more opaque the greater.

    The background stays visible, so that the picture fits a light page and a dark one.
    """
    height, width = shares.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette, opacity = bytes(_BLUE) * 256, bytes(range(256))
    # Square roots, so that an error of a percent is visible beside a diagonal near 1.
    levels = np.ceil(255 * np.sqrt(np.clip(shares, 0, 1))).astype(np.uint8)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), levels], axis=1)
    content = zlib.compress(lines.tobytes(), 9)
    return _address([(b"IHDR", header), (b"PLTE", palette), (b"tRNS", opacity), (b"IDAT", content), (b"IEND", b"")])


def _address(chunks: list[tuple[bytes, bytes]]) -> str:
    parts = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    ]
    return "data:image/png;base64," + base64.b64encode(_SIGNATURE + b"".join(parts)).decode()
