"""Learning-rate schedules by name, sized by the number of steps."""

import keras

from recipes.lookup import normalize, unknown

NAMES = ("constant", "cosine")


def get(name: str, learning_rate: float, total_steps: int, *, warmup_fraction: float = 0.05):
    """What a Keras optimizer takes as its learning rate.

    Args:
        name: `constant`, or `cosine`: a linear warm-up from a tenth of the peak, then half a cosine down to 0
            (arXiv:1608.03983, without restarts).
        learning_rate: The peak.
        total_steps: Updates of the whole training, warm-up included.
        warmup_fraction: Share of the steps spent warming up.

    Raises:
        ValueError: For an unknown name, or without steps.
    """
    if normalize(name) not in NAMES:
        raise unknown("schedule", name, NAMES)
    if total_steps < 1:
        raise ValueError(f"`total_steps` must be at least 1. Received: {total_steps}")
    if normalize(name) == "constant":
        return learning_rate
    warmup_steps = round(warmup_fraction * total_steps)
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(learning_rate, total_steps)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(1, total_steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )
