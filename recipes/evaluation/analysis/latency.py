"""How long a prediction takes, and how large the model is."""

import time
from collections.abc import Callable

import keras
import numpy as np

from recipes.data.store import take
from recipes.models.layer_costs import bytes_of

ROWS = 1000
# Time within which a measurement is repeated, and how often at most.
_SECONDS, _REPEATS = 0.1, 9


def cost_of_prediction(model: keras.Model, x: np.ndarray, batch_size: int) -> dict:
    """Median time of a prediction on this machine, and the memory of the parameters.

    Args:
        model: Model that takes raw rows.
        x: Raw rows, at least one; they are repeated where they are few.
        batch_size: Number of rows for one step, for which the model is compiled already.

    Returns:
        `one_row_ms`, milliseconds of `model.predict_on_batch` on a row; `thousand_rows_ms`, those of as many whole
        batches as hold 1,000 rows, divided by their rows and multiplied by 1,000, while `model.predict` takes about a
        tenth of a second more; `parameters`, their number; `memory_bytes`, the memory of the parameters alone, without
        that of the rows and of what the layers compute.
    """
    one, batch = np.asarray(x[:1]), np.asarray(take(x, np.arange(batch_size) % len(x)))
    count = -(-ROWS // batch_size)
    batches = median_seconds(lambda: [model.predict_on_batch(batch) for _ in range(count)])
    return {
        "one_row_ms": 1000 * median_seconds(lambda: model.predict_on_batch(one)),
        "thousand_rows_ms": 1000 * batches * ROWS / (count * batch_size),
        "parameters": model.count_params(),
        "memory_bytes": sum(int(np.prod(weight.shape)) * bytes_of(weight.dtype) for weight in model.weights),
    }


def median_seconds(call: Callable[[], object]) -> float:
    """Median time of a call, after one that compiles what it needs."""
    call()
    started, times = time.perf_counter(), []
    while not times or (len(times) < _REPEATS and time.perf_counter() - started < _SECONDS):
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return float(np.median(times))
