"""PReLU of He et al. (2015): a ReLU with a learned negative slope, for images of any size."""

import math

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class PReLU(keras.layers.PReLU):
    """`f(x) = x` where x > 0, otherwise `alpha * x`, with a learned `alpha` for each channel.

    Keras's own layer initializes the slopes to 0, which makes it a ReLU, and learns one for each pixel, so that the
    size of the images is fixed. This one initializes them to 0.25 and shares them over space, as He et al. 2015
    (arXiv:1502.01852) do. Weight decay would pull the slopes towards 0, back to the ReLU. Recipes exclude them from it;
    without a recipe, call `optimizer.exclude_from_weight_decay(var_names=["alpha"])` before `compile`.

    Args:
        alpha_initializer: Initializer of the slopes, or their initial value as a number. Default: 0.25.
        alpha_regularizer: Regularizer of the slopes.
        alpha_constraint: Constraint of the slopes, such as `keras.constraints.NonNeg()`.
        shared_axes: Axes along which slopes are shared: `"spatial"` for all axes between batch and channels; `None` or
            a list of axes as in Keras. Default: `"spatial"`.
        data_format: Position of the channels for `"spatial"`: `"channels_last"` or `"channels_first"`. Default: Keras's
            setting.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, ..., channels)`, or `(batch, channels, ...)`. Output shape: the same. Masks are passed on.

    Raises:
        ValueError: For an initial value that is not finite, and for unknown `shared_axes` or `data_format`.
    """

    def __init__(
        self,
        alpha_initializer=0.25,
        alpha_regularizer=None,
        alpha_constraint=None,
        shared_axes="spatial",
        data_format=None,
        **kwargs,
    ):
        check_axes(shared_axes)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(f"`data_format` must be channels_last or channels_first. Received: {data_format!r}")
        if isinstance(alpha_initializer, int | float) and not isinstance(alpha_initializer, bool):
            if not math.isfinite(alpha_initializer):
                raise ValueError(
                    f"`alpha_initializer` must be a finite slope or an initializer. Received: {alpha_initializer}"
                )
            alpha_initializer = keras.initializers.Constant(alpha_initializer)
        self._spatial = shared_axes == "spatial"
        super().__init__(
            alpha_initializer, alpha_regularizer, alpha_constraint, None if self._spatial else shared_axes, **kwargs
        )
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape):
        if self._spatial:
            first = self.data_format == "channels_first"
            axes = range(1, len(input_shape))
            self.shared_axes = list(axes[1:] if first else axes[:-1])
        if self.shared_axes and max(self.shared_axes) >= len(input_shape):
            raise ValueError(
                f"`shared_axes` must be among the {len(input_shape)} axes of the input. Received: {self.shared_axes}"
            )
        super().build(input_shape)

    def get_config(self):
        shared_axes = "spatial" if self._spatial else self.shared_axes
        return {**super().get_config(), "shared_axes": shared_axes, "data_format": self.data_format}


def check_axes(shared_axes) -> None:
    """Refuse anything but `"spatial"`, `None`, and one or several axes other than that of the batch."""
    if shared_axes is None or (isinstance(shared_axes, str) and shared_axes == "spatial"):
        return
    axes = shared_axes if isinstance(shared_axes, list | tuple) else [shared_axes]
    if not all(isinstance(axis, int) and not isinstance(axis, bool) and axis >= 1 for axis in axes):
        raise ValueError(f"`shared_axes` must be spatial, a list of axes from 1 on, or None. Received: {shared_axes!r}")
