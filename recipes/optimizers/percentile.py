"""AutoClip of Seetharaman et al. (2020): the bound follows the gradients that were seen."""

import keras
from keras import ops

from recipes.optimizers.clipping import scaled
from recipes.optimizers.gradients import global_norm
from recipes.optimizers.guard import Guard


@keras.saving.register_keras_serializable(package="keras_recipes")
class PercentileClipping(Guard):
    """Bounds the norm of all gradients by a percentile of those seen so far (AutoClip, arXiv:2007.14469).

    The norm joins the history first, so that the first update is never clipped. With a percentile of 10, as published,
    nine updates of ten come out with the same norm. The paper keeps every norm; here the latest ones are kept, so that
    the bound follows a training that calms down, and its cost does not grow.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        percentile: More than 0, at most 100, where nothing is clipped.
        history: How many of the latest norms are kept.
        **kwargs: Further arguments of `Guard`: `name`, `learning_rate_factors`, `decay_kernels_only`.

    Attributes:
        clipped_steps: Number of updates that the bound changed.
        skipped_steps: Number of updates left out because a gradient was not finite.

    Raises:
        ValueError: For a percentile or a history out of range.
    """

    def __init__(self, optimizer, percentile=10.0, history=1000, **kwargs):
        if isinstance(percentile, bool) or not isinstance(percentile, int | float) or not 0 < percentile <= 100:
            raise ValueError(f"`percentile` must be more than 0 and at most 100. Received: {percentile!r}")
        if isinstance(history, bool) or not isinstance(history, int) or history < 2:
            raise ValueError(f"`history` must be a whole number of at least 2. Received: {history!r}")
        super().__init__(optimizer, **kwargs)
        self.percentile = percentile
        self.history = history

    def build(self, variables):
        self._norms = self.add_state((self.history,), "float32", "norms")
        self._seen = self.add_state((), "int32", "seen")
        super().build(variables)

    def clip(self, gradients, variables):
        norm = global_norm(gradients)
        places = ops.arange(self.history, dtype="int32")
        norms = ops.where(places == self._seen % self.history, norm, self._norms.value)
        seen = self._seen + 1
        bound = _percentile(norms, ops.minimum(seen, self.history), self.percentile, places)
        self._norms.assign(norms)
        self._seen.assign(seen)
        return scaled(gradients, norm, bound)

    def get_config(self):
        return {**super().get_config(), "percentile": self.percentile, "history": self.history}


def _percentile(norms, count, percentile, places):
    """Of the first `count` of `norms`, with linear interpolation, as NumPy has it."""
    ascending = ops.sort(ops.where(places < count, norms, float("inf")))
    position = percentile / 100 * ops.cast(count - 1, "float32")
    lower = ops.cast(ops.floor(position), "int32")
    upper = ops.minimum(lower + 1, count - 1)
    fraction = position - ops.cast(lower, "float32")
    return (1 - fraction) * ops.take(ascending, lower) + fraction * ops.take(ascending, upper)
