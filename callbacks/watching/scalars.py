"""The values of an epoch's logs as plain numbers, on every backend."""

import numpy as np
from keras import ops


def as_number(value) -> float | None:
    """A value of an epoch's logs as a `float`, if it is one number or an array or tensor of one; otherwise `None`.

    >>> as_number(np.array([0.5])), as_number(np.array([0.5, 1.0])), as_number("0.5")
    (0.5, None, None)
    """
    try:
        values = np.asarray(ops.convert_to_numpy(value))
        return float(values.reshape(())) if values.size == 1 and values.dtype.kind not in "OSUMm" else None
    except (TypeError, ValueError):  # dicts, texts
        return None
