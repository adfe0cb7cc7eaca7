"""The randomized leaky ReLU of Xu et al. (2015): random slopes against overfitting."""

import math
import numbers

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class RandomizedLeakyReLU(keras.layers.Layer):
    """`f(x) = x` where x > 0, otherwise `slope * x`, with a random slope for each value in training, else a fixed one.

    Two definitions are in use. The default, as in PyTorch, draws the slope itself, uniformly between 1/8 and 1/3, and
    uses its mean at inference, 11/48 = 0.229. With `uniform="divisor"`, the layer follows the publication (Xu et al.
    2015, arXiv:1505.00853): x / d with d uniform between 3 and 8, and x / 5.5 at inference, a slope of 2/11 = 0.182.

    Args:
        lower: Smallest slope, at least 0. Default: 1/8.
        upper: Largest slope. Default: 1/3.
        uniform: Quantity that is drawn uniformly: `"slope"`, or `"divisor"`, between `1 / upper` and `1 / lower`.
            Default: `"slope"`.
        seed: Seed of the random slopes.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Attributes:
        inference_slope: Slope at inference: the mean slope, or 1 divided by the mean divisor.
        slope_mean_square: Mean of the squared slope in training.

    Input shape: any. Output shape: the same. Masks are passed on.

    Raises:
        ValueError: Unless `0 <= lower <= upper`, both finite (`0 < lower` for divisors), and for an unknown `uniform`.
    """

    def __init__(self, lower=1 / 8, upper=1 / 3, uniform="slope", seed=None, **kwargs):
        super().__init__(**kwargs)
        if uniform not in ("slope", "divisor"):
            raise ValueError(f"`uniform` must be slope or divisor. Received: {uniform!r}")
        for name, slope in (("lower", lower), ("upper", upper)):
            if not isinstance(slope, numbers.Real) or isinstance(slope, bool) or not math.isfinite(slope):
                raise ValueError(f"`{name}` must be a finite number. Received: {slope!r}")
        if not 0 <= lower <= upper:
            raise ValueError(f"slopes must be in order, 0 <= lower <= upper. Received: lower={lower}, upper={upper}")
        if uniform == "divisor" and lower == 0:
            raise ValueError(f"`lower` must be more than 0 for a divisor. Received: {lower}")
        self.lower = lower
        self.upper = upper
        self.uniform = uniform
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    @property
    def inference_slope(self):
        if self.uniform == "slope":
            return (self.lower + self.upper) / 2
        return 2 / (1 / self.lower + 1 / self.upper)

    @property
    def slope_mean_square(self):
        if self.uniform == "slope":
            return (self.lower**2 + self.lower * self.upper + self.upper**2) / 3
        return self.lower * self.upper

    def call(self, inputs, training=False):
        if not training:
            return ops.leaky_relu(inputs, self.inference_slope)
        shape, dtype, seed = ops.shape(inputs), self.compute_dtype, self.seed_generator
        if self.uniform == "slope":
            slope = keras.random.uniform(shape, self.lower, self.upper, dtype=dtype, seed=seed)
        else:
            slope = 1 / keras.random.uniform(shape, 1 / self.upper, 1 / self.lower, dtype=dtype, seed=seed)
        return ops.where(inputs > 0, inputs, slope * inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"lower": self.lower, "upper": self.upper, "uniform": self.uniform, "seed": self.seed}
        return {**super().get_config(), **own}
