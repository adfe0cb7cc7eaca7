"""AutoClip of Seetharaman et al. (2020): clipping by a bound that follows the norms of the gradients so far."""

import keras
from keras import ops

from recipes.arguments.numbers import is_number, require_whole
from recipes.optimizers.clipping import clip_by_global_norm
from recipes.optimizers.gradients import global_norm
from recipes.optimizers.guard import Guard


@keras.saving.register_keras_serializable(package="keras_recipes")
class PercentileClipping(Guard):
    """Bounds the norm of all gradients by a percentile of the norms so far (AutoClip, arXiv:2007.14469).

    The norm of an update joins the history first, so that the first update is never clipped. With a percentile of 10,
    as published, nine updates of ten are clipped. The paper keeps every norm; here the latest ones are kept, so that
    the bound follows a training whose gradients shrink, and its cost does not grow.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        percentile: Percentile of the norms that is the bound, more than 0; at 100, nothing is clipped.
        history: Number of the latest norms that are kept, at least 2.
        **kwargs: Further arguments of `Guard`, such as `name` and `learning_rate_factors`.

    Attributes:
        clipped_steps: Number of updates that the bound changed.
        skipped_steps: Number of updates skipped because a gradient was not finite.

    Raises:
        ValueError: For a percentile or a history out of range.
    """

    def __init__(self, optimizer, percentile=10.0, history=1000, **kwargs):
        if not is_number(percentile) or not 0 < percentile <= 100:
            raise ValueError(f"`percentile` must be more than 0 and at most 100. Received: {percentile!r}")
        require_whole("history", history, least=2)
        super().__init__(optimizer, **kwargs)
        self.percentile = percentile
        self.history = history

    def build(self, variables):
        self._norms = self.add_state((self.history,), "float32", "norms")
        self._seen = self.add_state((), "int32", "seen")
        super().build(variables)

    def clip(self, gradients, variables):
        norms = with_norm(self._norms.value, self._seen.value, global_norm(gradients))
        bound = percentile_of(norms, ops.minimum(self._seen + 1, self.history), self.percentile)
        self._norms.assign(norms)
        self._seen.assign(self._seen + 1)
        return clip_by_global_norm(gradients, bound)

    def get_config(self):
        return {**super().get_config(), "percentile": self.percentile, "history": self.history}


def with_norm(norms, seen, norm):
    """The latest `norms` with one more, in place of the oldest.

    Args:
        norms: Tensor of the latest norms, `(history,)`, in the order of a ring.
        seen: Number of norms so far.
        norm: The next norm.
    """
    history = norms.shape[0]
    return ops.where(ops.arange(history, dtype="int32") == seen % history, norm, norms)


def percentile_of(norms, count, percentile: float):
    """The percentile of the first `count` of `norms`, linearly interpolated as in NumPy."""
    places = ops.arange(norms.shape[0], dtype="int32")
    ascending = ops.sort(ops.where(places < count, norms, float("inf")))
    position = percentile / 100 * ops.cast(count - 1, "float32")
    lower = ops.cast(ops.floor(position), "int32")
    upper = ops.minimum(lower + 1, count - 1)
    fraction = position - ops.cast(lower, "float32")
    return (1 - fraction) * ops.take(ascending, lower) + fraction * ops.take(ascending, upper)
