"""From the numbers of each batch to those of a layer: plain arrays, in float64."""

import numpy as np

SILENT = 1e-6  # largest absolute output of a dead unit


def used_rows(numbers: dict[str, np.ndarray], used: int, size: int) -> dict[str, np.ndarray]:
    """`numbers` of one call in a batch, without what came from the rows that only filled it up to `size`.

    A layer may give several rows, or a part of one, for each row of the batch.
    """
    kept = max(1, len(numbers["mean"]) * used // size)
    # Rows from the start, which are there already, do not change the peaks.
    return {name: values if name == "peak" else values[:kept] for name, values in numbers.items()}


def summary(calls: list[list[dict[str, np.ndarray]]], bins: int, same_units: bool = True) -> dict:
    """What a layer puts out on all rows.

    Args:
        calls: For each call of it in the forward pass, what `ActivationProbe` gives, batch by batch.
        bins: Of the histogram.
        same_units: Whether its calls are those of the same units, which are dead if they are in all of them.

    Returns:
        `mean`, `std`, `dead` and `saturated`, NaN where there is no such thing; `histogram` `(bins,)`, shares of what
        is finite; `range` `(2,)`, its ends.
    """
    parts = [numbers for batches in calls for numbers in batches]
    count, mean, std, saturated, sample = (
        np.concatenate([part[name].ravel() for part in parts if name in part] or [np.zeros(0)]).astype(np.float64)
        for name in ("count", "mean", "std", "saturated", "sample")
    )
    whole, spread = _pooled(count, mean, std)
    shares, ends = _histogram(sample[np.isfinite(sample)], bins)
    return {
        "mean": whole,
        "std": spread,
        "dead": _dead(calls, same_units),
        "saturated": np.average(saturated, weights=count) if len(saturated) and np.isfinite(whole) else np.nan,
        "histogram": shares,
        "range": ends,
    }


def _pooled(count, mean, std) -> tuple[float, float]:
    """Mean and standard deviation of all values, from those of groups."""
    if not count.sum() > 0:
        return np.nan, np.nan
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.average(mean, weights=count)
        return whole, np.sqrt(np.average(np.square(std) + np.square(mean - whole), weights=count))


def _dead(calls, same_units: bool) -> float:
    peaks = [np.max([numbers["peak"][0] for numbers in batches], axis=0) for batches in calls if "peak" in batches[0]]
    if len({len(peak) for peak in peaks}) == 1 and same_units:
        peaks = [np.max(peaks, axis=0)]
    units = np.concatenate(peaks or [np.zeros(0)])
    return np.mean(units <= SILENT) if len(units) and not np.isnan(units).any() else np.nan


def _histogram(values, bins: int) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.full(bins, np.nan), np.full(2, np.nan)
    # Ends that are no more than rounding apart leave no room for bins.
    low, high = values.min(), values.max()
    least = max(abs(low), abs(high)) * 1e-6 or 1.0
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    counts, _ = np.histogram(values, bins, (low, high))
    return counts / len(values), np.array([low, high])
