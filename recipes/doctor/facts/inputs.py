"""Facts of the inputs: kind, scale, offset and constant columns."""

import numpy as np

from recipes.doctor.facts.blocks import Moments, bounded, finite_rows, flat_blocks
from recipes.doctor.seen import InputFacts

KINDS = {0: "table", 1: "table", 2: "sequence", 3: "image"}


def input_facts(x: np.ndarray, *, tokens: bool = False, normalized_inside: bool = False) -> InputFacts:
    """The facts of inputs, in float64 whatever their dtype. Values that are not finite are left out of the moments.

    Args:
        x: Inputs, numbers `(rows, ...)`.
        tokens: Whether they are whole numbers that go into an embedding; their scale says nothing.
        normalized_inside: Whether the model scales its inputs itself.
    """
    x = np.asarray(x)
    shape = x.shape[1:]
    places = max(1, int(np.prod(shape)))
    by_channel = len(shape) > 1 and not tokens
    columns = 1 if tokens else (shape[-1] if by_channel else places)
    moments, extremes = Moments(columns), Moments(places)
    for block in flat_blocks(bounded(x)):
        moments.add(block.reshape(-1, columns))
        if by_channel or tokens:
            extremes.add(block)
    low, high = (extremes.low, extremes.high) if by_channel or tokens else (moments.low, moments.high)
    share, first = finite_rows(x)
    return InputFacts(
        shape=shape,
        kind="tokens" if tokens else KINDS.get(len(shape), "other"),
        mean=moments.mean,
        std=moments.std,
        low=moments.low,
        high=moments.high,
        constant=low >= high,
        is_normalized_inside=normalized_inside,
        finite=share,
        first_bad=first,
    )
