"""Parts of dates in arrays, as the layer `custom_layers.DateParts` computes them in a saved model."""

import math

import numpy as np

PARTS = ("year", "month", "weekday", "hour")


def date_parts(values: np.ndarray, rescaling: tuple[float, float] = (0.0, 1.0)) -> dict[str, np.ndarray]:
    """Each part of dates, `(rows,)`, float32, NaN where the date is missing.

    Months count from 1, weekdays from Monday (0 to 6), hours from midnight (0 to 23). Hours begin up to 2 minutes
    early, since float32 resolves today's dates to about 3 minutes only.

    Args:
        values: Dates as days since 1970, or as `(days - offset) / unit`, `(rows,)`, float32.
        rescaling: Offset and unit.
    """
    offset, unit = rescaling
    whole, missing = math.floor(offset), np.isnan(values)
    values = np.where(missing, 0, values).astype(np.float32)
    # The arithmetic of the layer, in the same precision; the comments stand there.
    days = values * np.float32(unit) + np.float32(offset - whole)
    day = np.floor(days)
    halves = 1 if offset == whole else 2
    hours = 24 * (days - day) + np.float32(24 * halves * 2.0**-24) * np.abs(days)
    late = hours >= 24
    day = (day + late).astype(np.int64) + whole
    dates = day.astype("datetime64[D]")
    found = {
        "year": dates.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": dates.astype("datetime64[M]").astype(np.int64) % 12 + 1,
        "weekday": (day + 3) % 7,
        "hour": np.floor(hours - 24 * late),
    }
    return {part: np.where(missing, np.nan, numbers).astype(np.float32) for part, numbers in found.items()}
