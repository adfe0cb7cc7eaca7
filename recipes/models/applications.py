"""Networks of `keras.applications` as bodies: their weights from local files, and their own preprocessing.

Nothing is downloaded: where there are no weights, the error says where to put them.
"""

import importlib
import os
from pathlib import Path

import keras
import numpy as np

from custom_layers import ImagePreparation
from recipes.models.untrusted import check_weights_file

_KERNELS = "weights_tf_dim_ordering_tf_kernels"
# Name of a network -> module of `keras.applications` with its preprocessing, and its file of weights in Keras's cache.
NETWORKS = {
    **{
        f"ConvNeXt{size}": ("convnext", f"convnext_{size.lower()}_notop.h5")
        for size in ("Tiny", "Small", "Base", "Large", "XLarge")
    },
    **{f"DenseNet{depth}": ("densenet", f"densenet{depth}_{_KERNELS}_notop.h5") for depth in (121, 169, 201)},
    **{f"EfficientNetB{size}": ("efficientnet", f"efficientnetb{size}_notop.h5") for size in range(8)},
    **{
        f"EfficientNetV2{size}": ("efficientnet_v2", f"efficientnetv2-{size.lower()}_notop.h5")
        for size in ("B0", "B1", "B2", "B3", "S", "M", "L")
    },
    "InceptionResNetV2": ("inception_resnet_v2", f"inception_resnet_v2_{_KERNELS}_notop.h5"),
    "InceptionV3": ("inception_v3", f"inception_v3_{_KERNELS}_notop.h5"),
    "MobileNet": ("mobilenet", "mobilenet_1_0_224_tf_no_top.h5"),
    "MobileNetV2": ("mobilenet_v2", f"mobilenet_v2_{_KERNELS}_1.0_224_no_top.h5"),
    "MobileNetV3Large": ("mobilenet_v3", "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"),
    "MobileNetV3Small": ("mobilenet_v3", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
    "NASNetLarge": ("nasnet", "nasnet_large_no_top.h5"),
    "NASNetMobile": ("nasnet", "nasnet_mobile_no_top.h5"),
    **{f"ResNet{depth}": ("resnet", f"resnet{depth}_{_KERNELS}_notop.h5") for depth in (50, 101, 152)},
    **{f"ResNet{depth}V2": ("resnet_v2", f"resnet{depth}v2_{_KERNELS}_notop.h5") for depth in (50, 101, 152)},
    "VGG16": ("vgg16", f"vgg16_{_KERNELS}_notop.h5"),
    "VGG19": ("vgg19", f"vgg19_{_KERNELS}_notop.h5"),
    "Xception": ("xception", f"xception_{_KERNELS}_notop.h5"),
}

# Mean and standard deviation of the pixels of ImageNet, from 0 to 255, in red, green and blue.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION = (58.395, 57.12, 57.375)


def weights_file(name: str, weights: str | None = None) -> Path:
    """The file with the weights of the network `name`.

    Args:
        name: Name in `keras.applications`.
        weights: Path of a file of weights. Default: the one in Keras's cache.

    Raises:
        FileNotFoundError: If there is no such file; the message says where to put it.
    """
    if weights is not None:
        if not Path(weights).is_file():
            raise FileNotFoundError(f"there is no file of weights {weights} (model.weights)")
        return Path(weights)
    _, file = NETWORKS[name]
    cached = _cache() / file
    if not cached.is_file():
        raise FileNotFoundError(
            f"the weights of {name} are not here: put {file} into {cached.parent} (where there is a connection, "
            f"keras.applications.{name}(include_top=False) downloads it), or name a file of them with model.weights"
        )
    return cached


def network(
    name: str,
    input_shape: tuple[int, ...],
    weights: str | None = None,
    pixels: tuple | None = None,
) -> keras.Model:
    """The network `name` without its head, for prepared images, with its own preprocessing inside.

    Args:
        name: Name in `keras.applications`.
        input_shape: Height, width and channels of the images; a single channel is repeated.
        weights: Path of a file of weights without those of the head. Default: the one in Keras's cache.
        pixels: Mean and standard deviation of each channel, of pixels from 0 to 255, by which the images were scaled;
            the network then receives these pixels. Default: mean and standard deviation of ImageNet.

    Raises:
        FileNotFoundError: If there is no file of weights; the message says where to put it.
        ValueError: If the network does not take images of this size, or the file does not hold its weights.
    """
    if len(input_shape) != 3 or input_shape[2] not in (1, 3):
        raise ValueError(f"{name} takes images of 1 or 3 channels: set data.color. Received: rows {input_shape}")
    height, width, _ = input_shape
    file = weights_file(name, weights)
    inputs = keras.Input(input_shape, name="prepared")
    mean, deviation = pixels or (IMAGENET_MEAN, IMAGENET_DEVIATION)
    factor, offset, is_reversed = preprocessing(name)
    # Pixels are prepared rows times `deviation` plus `mean`; the network takes pixels times `factor` plus `offset`.
    factor, offset = factor * np.array(deviation), factor * np.array(mean) + offset
    x = ImagePreparation(height, width, -offset / factor, 1 / factor, name="preprocessing")(inputs)
    if is_reversed:
        x = keras.ops.flip(x, axis=-1)
    build = getattr(keras.applications, name)
    try:
        # On top of the preprocessing, rather than as a model within a model, so that any of its layers can end a body.
        model = build(include_top=False, weights=None, input_tensor=x, input_shape=(height, width, 3))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{name} does not take images of {height} x {width}: set data.image_size ({reason})") from None
    try:
        check_weights_file(file)
        model.load_weights(file)
    except Exception as error:  # whatever h5py and Keras make of another file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{file} does not hold the weights of {name} without its head: {reason}") from error
    return model


def preprocessing(name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Keras's preprocessing of pixels from 0 to 255 for the network `name`: a factor and an offset for each colour.

    Returns:
        Factors and offsets of red, green and blue, `(3,)`, and whether the colours are then reversed.
    """
    module = importlib.import_module(f"keras.applications.{NETWORKS[name][0]}")
    # Black, and each colour alone: all of Keras's preprocessing is linear.
    probes = np.vstack([np.zeros((1, 3)), 255 * np.eye(3)]).astype(np.float32)
    seen = np.asarray(module.preprocess_input(probes.reshape(4, 1, 1, 3))).reshape(4, 3)
    matrix = (seen[1:] - seen[0]) / 255
    is_reversed = matrix[0, 0] == 0
    if is_reversed:
        return matrix[:, ::-1].diagonal().astype(np.float64), seen[0, ::-1].astype(np.float64), True
    return matrix.diagonal().astype(np.float64), seen[0].astype(np.float64), False


def _cache() -> Path:
    """The folder in which Keras keeps downloaded weights."""
    home = os.path.expanduser("~")
    home = home if os.access(home, os.W_OK) else "/tmp"
    return Path(os.environ.get("KERAS_HOME") or Path(home, ".keras")).expanduser() / "models"
