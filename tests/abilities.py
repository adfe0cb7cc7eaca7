"""What the backend can do on this machine, found by trying: no test depends on the kind of processor."""

import functools

import keras
from keras import ops


@functools.cache
def convolves_channels_first(dtype: str = "float32") -> bool:
    """Whether there is a convolution of images with channels first; TensorFlow has it on some processors only."""
    images, kernel = (ops.cast(ops.ones(shape), dtype) for shape in ((1, 1, 2, 2), (1, 1, 1, 1)))
    try:
        ops.conv(images, kernel, data_format="channels_first")
    except Exception as error:
        if "NHWC tensor format" not in str(error):
            raise
        return False
    return True


NO_CHANNELS_FIRST = f"{keras.backend.backend()} has no convolution with channels first on this machine"
