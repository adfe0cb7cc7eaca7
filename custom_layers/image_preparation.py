"""The first layer of a saved image model: raw images of any size in, scaled images of one size out."""

import keras
from keras import ops

# Weights of red, green and blue in the perceived brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)

# Possible changes of the number of channels, from raw to prepared. Four channels are red, green, blue and alpha.
CONVERSIONS = {(1, 3), (3, 1), (4, 1), (4, 3)}


@keras.saving.register_keras_serializable(package="keras_recipes")
class ImagePreparation(keras.layers.Layer):
    """Convert raw images to one size and number of channels, and standardize each channel: `(x - mean) / scale`.

    Images are resized bilinearly, with antialiasing where they shrink, as Pillow does it. Unlike
    `keras.ops.image.resize`, this compiles with XLA under TensorFlow. Grey images are repeated for three channels;
    colours are converted to grey by their luma (ITU-R BT.601). Where four channels become fewer, the fourth one is
    alpha, from 0 to 255, and the background shows through transparent pixels.

    Args:
        height: Height of the prepared images, in pixels.
        width: Width of the prepared images, in pixels.
        mean: Mean of each channel of the prepared images.
        scale: Standard deviation of each channel of the prepared images, more than 0.
        data_format: Order of the axes of raw images: `"channels_last"` or `"channels_first"`.
        background: Red, green and blue behind transparent pixels, from 0 to 255. Default: none, and alpha is dropped.
        depth: Number of bits of the pixel values in the image files that the model was trained on: 8, 16, or 32 for
            floating point. It changes no values here, but `recipes.predict` reads files in the same depth. Default:
            unknown.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width)`, `(batch, height, width, channels)` or, with `"channels_first"`,
        `(batch, channels, height, width)`, of any dtype. Height and width may be unknown and differ from call to call.
    Output shape: `(batch, height, width, len(mean))`.

    Raises:
        ValueError: For arguments out of range, and for inputs of a shape that cannot be converted.
    """

    def __init__(self, height, width, mean, scale, data_format="channels_last", background=None, depth=None, **kwargs):
        # In float32 by default, whatever the precision of the network: half precision would round the pixel values.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if height < 1 or width < 1:
            raise ValueError(f"`height` and `width` must be at least 1. Received: {height} and {width}")
        sizes = {"mean": len(mean), "scale": len(scale)}
        if len(set(sizes.values())) > 1 or not len(mean):
            raise ValueError(f"`mean` and `scale` must be of one length, at least 1. Received: {sizes}")
        if not all(value > 0 for value in scale):
            raise ValueError(f"`scale` must be more than 0. Received: {[float(value) for value in scale]}")
        if data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"`data_format` must be channels_last or channels_first. Received: {data_format!r}")
        if background is not None and (len(background) != 3 or not all(0 <= value <= 255 for value in background)):
            raise ValueError(f"`background` must be three values from 0 to 255, or None. Received: {background!r}")
        if depth not in (None, 8, 16, 32):
            raise ValueError(f"`depth` must be 8, 16, 32 or None. Received: {depth!r}")
        self.height = int(height)
        self.width = int(width)
        self.mean = [float(value) for value in mean]
        self.scale = [float(value) for value in scale]
        self.data_format = data_format
        self.background = None if background is None else [int(value) for value in background]
        self.depth = depth

    def build(self, input_shape):
        self._check(input_shape)

    def call(self, inputs):
        self._check(inputs.shape)
        images = ops.cast(inputs, self.compute_dtype)
        if len(images.shape) == 3:
            images = ops.expand_dims(images, -1)
        elif self.data_format == "channels_first":
            images = ops.transpose(images, (0, 2, 3, 1))
        images = resize(self._recolour(images), self.height, self.width)
        mean = ops.convert_to_tensor(self.mean, dtype=self.compute_dtype)
        scale = ops.convert_to_tensor(self.scale, dtype=self.compute_dtype)
        # Broadcasting repeats a grey image, if mean and scale have three channels.
        return (images - mean) / scale

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, len(self.mean))

    def get_config(self):
        size = {"height": self.height, "width": self.width}
        constants = {"mean": self.mean, "scale": self.scale, "data_format": self.data_format}
        files = {"background": self.background, "depth": self.depth}
        return {**super().get_config(), **size, **constants, **files}

    def _check(self, shape):
        """Refuse raw images whose shape, including the batch, cannot be converted."""
        shape = tuple(shape)
        if len(shape) not in (3, 4):
            layout = "channels, height, width" if self.data_format == "channels_first" else "height, width, channels"
            raise ValueError(f"expected (batch, height, width) or (batch, {layout}). Received: input of shape {shape}")
        channels = 1 if len(shape) == 3 else shape[1 if self.data_format == "channels_first" else 3]
        if channels != len(self.mean) and (channels, len(self.mean)) not in CONVERSIONS:
            allowed = [str(raw) for raw, prepared in sorted(CONVERSIONS) if prepared == len(self.mean)]
            raise ValueError(
                f"expected {' or '.join(sorted([str(len(self.mean)), *allowed]))} channels, {self.data_format}. "
                f"Received: input of shape {shape}"
            )

    def _recolour(self, images):
        """Blend images that have an alpha channel with the background, and convert to grey for one channel."""
        channels = len(self.mean)
        if images.shape[-1] == channels or images.shape[-1] == 1:
            return images
        images, alpha = images[..., :3], images[..., 3:]
        if alpha.shape[-1] and self.background is not None:
            opacity = alpha / 255.0
            behind = ops.convert_to_tensor(self.background, dtype=self.compute_dtype)
            images = images * opacity + behind * (1.0 - opacity)
        if channels == 3:
            return images
        luma = ops.convert_to_tensor(LUMA, dtype=self.compute_dtype)
        return ops.sum(images * luma, axis=-1, keepdims=True)


def resize(images, height, width):
    """Resize images bilinearly, with antialiasing where they shrink.

    Written as two matrix products, because TensorFlow's own antialiased resizing has no kernel for XLA.

    Args:
        images: Floating-point images `(batch, any, any, channels)`.
        height: New height, in pixels.
        width: New width, in pixels.

    Returns:
        Images `(batch, height, width, channels)`.
    """
    if images.shape[1] != height:
        images = ops.einsum("bhwc,oh->bowc", images, _weights(ops.shape(images)[1], height, images.dtype))
    if images.shape[2] != width:
        images = ops.einsum("bhwc,ow->bhoc", images, _weights(ops.shape(images)[2], width, images.dtype))
    return images


def _weights(size, target, dtype):
    """The weight of each of `size` pixels in each of `target` new pixels, `(target, size)`. `size` may be a tensor.

    The weights are a triangle around the middle of each new pixel, as wide on each side as the larger pixels.
    """
    ratio = ops.cast(size, dtype) / target
    middles = (ops.arange(target, dtype=dtype) + 0.5) * ratio
    distances = ops.abs(ops.arange(size, dtype=dtype) + 0.5 - ops.expand_dims(middles, -1))
    weights = ops.relu(1.0 - distances / ops.maximum(ratio, 1.0))
    # At the edges, a part of the triangle lies outside of the image: the rest must sum to 1 nevertheless.
    return weights / ops.sum(weights, axis=-1, keepdims=True)
