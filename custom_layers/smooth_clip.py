"""Smooth clipping: numbers near 0 as they are, and outliers at a bound that they approach."""

import keras
from keras import ops

# Multiple of the bound beyond which a number is replaced by that multiple. The result is the bound in float32 either
# way, and without it the square of a huge number would overflow and the quotient would be 0.
_FAR = 1e4


@keras.saving.register_keras_serializable(package="keras_recipes")
class SmoothClip(keras.layers.Layer):
    """Smooth clipping, `x / sqrt(1 + (x / bound)**2)`, as in RealMLP (Holzmüller et al. 2024, arXiv:2407.04491).

    Numbers that are small against `bound` are hardly changed, and outliers approach `bound` or `-bound`. The order of
    the numbers is kept. A missing number (NaN) stays missing.

    Args:
        bound: Bound of the absolute value of the outputs, more than 0. Default: 3, the value of the paper.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input and output shape: the same, any.

    Raises:
        ValueError: If `bound` is not a number above 0.
    """

    def __init__(self, bound=3.0, **kwargs):
        kwargs.setdefault("dtype", "float32")  # squares of outliers overflow in half precision
        super().__init__(**kwargs)
        if not 0 < bound < float("inf"):
            raise ValueError(f"`bound` must be more than 0 and finite. Received: {bound}")
        self.bound = float(bound)

    def call(self, inputs):
        return smooth_clip(ops.cast(inputs, self.compute_dtype), self.bound)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "bound": self.bound}


def smooth_clip(x, bound):
    """`x` of any shape, clipped smoothly to numbers between `-bound` and `bound`."""
    ratio = ops.clip(x / bound, -_FAR, _FAR)
    return bound * ratio / ops.sqrt(1 + ops.square(ratio))
