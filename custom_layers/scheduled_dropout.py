"""Dropout whose rate can be lowered in the course of a training, without compiling its step again."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class ScheduledDropout(keras.layers.Dropout):
    """Dropout at `share * rate`, where `share`, 1 at the start, is a weight that is not trained, but set.

    The rate of Keras's own layer is a constant of the compiled step. RealMLP (Holzmüller et al. 2024, arXiv:2407.04491)
    lowers dropout to 0 in the second half of a training. Between epochs, `layer.share.assign(0.5)` halves the rate. The
    share is of the training alone: it is not saved with a model, so that a loaded layer drops at its full rate.

    Args:
        rate: Fraction of the inputs that is dropped in training while `share` is 1, at least 0 and less than 1.
        seed: Seed of the random choice.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Attributes:
        share: Variable between 0 and 1, by which the rate is multiplied.

    Input shape: any. Output shape: the same. Masks are passed on.

    Raises:
        ValueError: For a rate that is not at least 0 and less than 1.
    """

    def __init__(self, rate, seed=None, **kwargs):
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise ValueError(f"`rate` must be at least 0 and less than 1. Received: {rate!r}")
        super().__init__(rate, seed=seed, **kwargs)

    def build(self, input_shape):
        self.share = self.add_weight(shape=(), initializer="ones", dtype="float32", trainable=False, name="share")

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        kept = 1.0 - self.rate * self.share
        is_kept = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator) < kept
        return ops.where(is_kept, inputs / ops.cast(kept, inputs.dtype), ops.zeros_like(inputs))

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass

    def get_config(self):
        config = super().get_config()
        return {name: config[name] for name in config if name != "noise_shape"}
