"""Whether the rows of every part stay within float32 once they are prepared; a single huge value may not."""

import numpy as np

from recipes.data.preparation.preparation import Preparation
from recipes.data.store import chunks_of

# Largest prepared value, in standard deviations: its square is within float32.
LARGEST_PREPARED = 1e18


def refuse_extremes(parts: dict[str, tuple[np.ndarray, np.ndarray]], preparation: Preparation) -> None:
    """Refuse rows with values that are too far from those of the training rows to compute with.

    Args:
        parts: Raw rows and targets `(x, y)`, by part.
        preparation: Preparation that was fitted to the training part.

    Raises:
        ValueError: With the part, and the column of a table.
    """
    for part, (x, _) in parts.items():
        if x.dtype == np.uint8:
            continue
        least, most = zip(*((np.fmin.reduce(rows), np.fmax.reduce(rows)) for rows in chunks_of(x)), strict=True)
        with np.errstate(over="ignore", invalid="ignore"):
            prepared = np.fmax.reduce(np.abs(preparation(np.stack([np.fmin.reduce(least), np.fmax.reduce(most)]))))
        largest = np.fmax.reduce(prepared, axis=None)
        if largest > LARGEST_PREPARED:
            numbers = np.flatnonzero(preparation.scale)  # a prepared row of a table begins with its scaled numbers
            place = int(np.nanargmax(prepared))
            names = getattr(preparation, "feature_names", None)
            where = f" in column {names[numbers[place]]!r}" if names and place < len(numbers) else ""
            raise ValueError(
                f"values must be within {LARGEST_PREPARED:g} standard deviations of the mean of the training rows. "
                f"Received: {'more' if np.isinf(largest) else f'{largest:.3g}'}{where} of the {part} part"
            )
