"""Adaptive gradient clipping of Brock et al. (2021): a bound for each unit that grows with its weights."""

import keras
from keras import ops

from recipes.arguments.numbers import require_positive
from recipes.optimizers.guard import Guard


@keras.saving.register_keras_serializable(package="keras_recipes")
class AdaptiveGradientClipping(Guard):
    """Bounds each unit's gradient by a fraction of the norm of its weights (NFNets, arXiv:2102.06171, equation 3).

    `g_u` becomes `g_u * min(1, clip_factor * max(|w_u|, epsilon) / |g_u|)` for each unit u: the weights that give one
    number of the output, which in Keras's kernels are those with one index in the last axis. A vector (biases, scales)
    is one unit.

    Args:
        optimizer: Any Keras optimizer without clipping of its own.
        clip_factor: Largest norm of a unit's gradient relative to the norm of its weights.
        epsilon: Least norm of weights that the bound assumes, so that weights initialized to 0 can move.
        exclude: Texts in the paths of weights that are not clipped. The paper excludes the last layer, which is
            `("logits",)` in the builders' networks.
        **kwargs: Further arguments of `Guard`, such as `name` and `learning_rate_factors`.

    Attributes:
        clipped_steps: Number of updates in which at least one unit was clipped.
        skipped_steps: Number of updates skipped because a gradient was not finite.

    Raises:
        ValueError: For a factor or epsilon that is not positive.
    """

    def __init__(self, optimizer, clip_factor=0.01, epsilon=1e-3, exclude=(), **kwargs):
        require_positive("clip_factor", clip_factor)
        require_positive("epsilon", epsilon)
        if isinstance(exclude, str):
            raise ValueError(f"`exclude` must be a list of texts. Received: {exclude!r}")
        super().__init__(optimizer, **kwargs)
        self.clip_factor = clip_factor
        self.epsilon = epsilon
        self.exclude = tuple(exclude)

    def clip(self, gradients, variables):
        results = [
            (gradient, False)
            if any(text in getattr(variable, "path", variable.name) for text in self.exclude)
            else clip_by_weights(gradient, ops.convert_to_tensor(variable), self.clip_factor, self.epsilon)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]
        return [gradient for gradient, _ in results], ops.any(ops.stack([clipped for _, clipped in results]))

    def get_config(self):
        own = {"clip_factor": self.clip_factor, "epsilon": self.epsilon, "exclude": list(self.exclude)}
        return {**super().get_config(), **own}


def clip_by_weights(gradient, weights, clip_factor: float, epsilon: float):
    """Bound the norm of each unit's gradient by `clip_factor * max(norm of its weights, epsilon)`.

    Args:
        gradient: Tensor with the units in its last axis, or a vector, which is one unit.
        weights: Tensor of the same shape.
        clip_factor: Largest relative norm.
        epsilon: Least norm of weights.

    Returns:
        The gradient, and whether a unit was clipped, a scalar truth value.
    """
    norm = _unit_norm(gradient)
    bound = clip_factor * ops.maximum(_unit_norm(weights), epsilon)
    return gradient * (bound / ops.maximum(norm, bound)), ops.any(norm > bound)


def _unit_norm(tensor):
    axes = tuple(range(len(tensor.shape) - 1)) or None
    return ops.sqrt(ops.sum(ops.square(tensor), axis=axes, keepdims=True))
