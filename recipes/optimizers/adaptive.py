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
        clip_factor: Largest norm of a gradient relative to that of its weights.
        epsilon: Least norm of the weights that counts, so that weights which begin at 0 can move.
        exclude: Weights to leave alone: those with one of these texts in their path. The paper leaves out the last
            layer, which is `("logits",)` in the builders' networks.
        **kwargs: Further arguments of `Guard`: `name`, `learning_rate_factors`, `decay_kernels_only`.

    Attributes:
        clipped_steps: Number of updates in which at least one unit was clipped.
        skipped_steps: Number of updates left out because a gradient was not finite.

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
        clipped, touched = [], []
        for gradient, variable in zip(gradients, variables, strict=True):
            path = getattr(variable, "path", variable.name)
            if any(text in path for text in self.exclude):
                clipped.append(gradient)
                continue
            norm = _unit_norm(gradient)
            bound = self.clip_factor * ops.maximum(_unit_norm(ops.convert_to_tensor(variable)), self.epsilon)
            clipped.append(gradient * (bound / ops.maximum(norm, bound)))
            touched.append(ops.any(norm > bound))
        return clipped, ops.any(ops.stack(touched)) if touched else False

    def get_config(self):
        own = {"clip_factor": self.clip_factor, "epsilon": self.epsilon, "exclude": list(self.exclude)}
        return {**super().get_config(), **own}


def _unit_norm(tensor):
    axes = tuple(range(len(tensor.shape) - 1)) or None
    return ops.sqrt(ops.sum(ops.square(tensor), axis=axes, keepdims=True))
