"""Gradient clipping by a bound that is given: by weight, by the norm of all gradients, or by value."""

import keras
from keras import ops

from recipes.arguments.numbers import require_positive
from recipes.optimizers.gradients import global_norm
from recipes.optimizers.guard import Guard


@keras.saving.register_keras_serializable(package="keras_recipes")
class GradientClipping(Guard):
    """Clips by the bounds that Keras has, but counts, clips on several devices as on one, and survives NaN.

    `clipnorm`: the gradient g of each weight becomes `g * min(1, clipnorm / |g|)`. `global_clipnorm`: one such factor
    for all, from the norm of all gradients together, which keeps their direction (Pascanu et al. 2013,
    arXiv:1211.5063). `clipvalue`: each entry is limited to `[-clipvalue, clipvalue]`. Without a bound, only updates
    that are not finite are skipped.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.
        **kwargs: Further arguments of `Guard`, such as `name` and `learning_rate_factors`.

    Attributes:
        clipped_steps: Number of updates that the bound changed.
        skipped_steps: Number of updates skipped because a gradient was not finite.

    Raises:
        ValueError: For a bound that is not positive, or more than one.
    """

    def __init__(self, optimizer, clipnorm=None, global_clipnorm=None, clipvalue=None, **kwargs):
        bounds = {"clipnorm": clipnorm, "global_clipnorm": global_clipnorm, "clipvalue": clipvalue}
        chosen = {bound: value for bound, value in bounds.items() if value is not None}
        if len(chosen) > 1:
            raise ValueError(f"only one way of clipping can be set. Received: {chosen}")
        for bound, value in chosen.items():
            require_positive(bound, value)
        super().__init__(optimizer, **kwargs)
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.clipvalue = clipvalue

    def clip(self, gradients, variables):
        if self.global_clipnorm is not None:
            return clip_by_global_norm(gradients, self.global_clipnorm)
        if self.clipnorm is not None:
            return clip_by_norm(gradients, self.clipnorm)
        if self.clipvalue is not None:
            return clip_by_value(gradients, self.clipvalue)
        return gradients, False

    def get_config(self):
        bounds = {name: getattr(self, name) for name in ("clipnorm", "global_clipnorm", "clipvalue")}
        return {**super().get_config(), **bounds}


# Each rule takes a list of gradients and a bound, and gives the clipped gradients and whether they differ.


def clip_by_global_norm(gradients, bound):
    """All gradients times min(1, bound / norm), with the norm of all of them together."""
    norm = global_norm(gradients)
    factor = bound / ops.maximum(norm, bound)
    return [gradient * ops.cast(factor, gradient.dtype) for gradient in gradients], norm > bound


def clip_by_norm(gradients, bound):
    """Each gradient times min(1, bound / norm), with its own norm."""
    results = [clip_by_global_norm([gradient], bound) for gradient in gradients]
    return [gradient for (gradient,), _ in results], ops.any(ops.stack([clipped for _, clipped in results]))


def clip_by_value(gradients, bound):
    """Each entry limited to `[-bound, bound]`."""
    clipped = [ops.clip(gradient, -bound, bound) for gradient in gradients]
    return clipped, global_norm([old - new for old, new in zip(gradients, clipped, strict=True)]) > 0
