"""Images of random pixels in files, and read again: what the tests of image files share."""

import numpy as np
from PIL import Image

from recipes.data.images import image_files
from recipes.data.images.decoding import Form

EXTENSIONS = ("bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pgm", "png", "ppm", "tif", "tiff", "webp")


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape).astype(np.uint8)


def write(path, array=None, **kwargs):
    """Write uint8 `(height, width[, channels])`, by default of 6 x 5 colours, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = pixels(6, 5, 3) if array is None else array
    Image.fromarray(array).save(path, **kwargs)
    return array


def read(paths, *shape, **kwargs):
    x, _ = image_files.read_files(paths, Form(*shape, **kwargs))
    return x
