"""Bins of probabilities, finest near 0 and 1, whose counts replace the scores themselves in bounded memory."""

import numpy as np

from recipes.arguments.numbers import is_whole

BINS = 2048
# Between 2^-33 and 1/2 each octave has equally many bins, and the upper half of the bins mirrors the lower one.
_OCTAVES = 32


def check_bins(bins: int) -> int:
    """`bins`, refused unless it is a power of two that the octaves share evenly."""
    if not is_whole(bins) or int(bins).bit_count() != 1 or not 64 <= bins <= 65536:
        raise ValueError(f"`bins` must be a power of two from 64 to 65536. Received: {bins!r}")
    return int(bins)


def bin_numbers(scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The number of the bin of each probability, int32 from 0 to `bins` - 1, in ascending order.

    Near 0 and near 1 the width of a bin is a 32nd (for 2,048 bins) of its distance from 0 or 1, so that the scores of a
    confident classifier are ranked as finely as those of another.
    """
    half = bins // 2
    mantissa_bits = (half // _OCTAVES).bit_length() - 1
    distance = np.minimum(scores, 1 - scores).astype(np.float32, copy=False)
    # The bits of a positive float are ordered as it is: octave first, then the place in it.
    numbers = distance.view(np.int32) >> (23 - mantissa_bits)
    numbers -= (127 - 1 - _OCTAVES) << mantissa_bits
    np.clip(numbers, 0, half - 1, out=numbers)
    # For the upper half, bins - 1 - number: the complement of the bits.
    numbers ^= -(scores >= 0.5).astype(np.int32)
    numbers &= bins - 1
    return numbers


def bin_edges(bins: int = BINS) -> np.ndarray:
    """Edges of the bins `(bins + 1,)`, from 0 to 1. A bin below 1/2 contains its lower edge, another its upper one."""
    steps = bins // 2 // _OCTAVES
    number = np.arange(bins // 2 + 1)
    lower = (1 + (number % steps) / steps) * 2.0 ** (number // steps - _OCTAVES - 1)
    lower[0] = 0
    return np.concatenate([lower, 1 - lower[-2::-1]])
