"""The confusion matrix as a picture, in counts or shares, for 2 to a hundred classes."""

import numpy as np

from recipes.metrics.classes.decision_scores import ratio
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import LABEL_SIZE, MISSING, axes_or_new, height_in_points, width_in_points, write_title
from recipes.plots.classes import names_of_classes, require_classes

NORMALIZATIONS = (None, "true", "predicted", "all")
_WHOLE = {None: "the true class", "true": "the true class", "predicted": "the predicted class", "all": "all rows"}
_SMALLEST_NUMBER, _LARGEST_NUMBER = 5.0, 10.0  # points
_MOST_NUMBERS = 400  # each takes a millisecond to draw
_MOST_LINEAR = 5  # largest number of classes with a linear colour scale
_CHARACTER = 0.6  # width of a character as a share of the font size


def confusion_matrix(report: ClassificationReport, ax=None, *, normalize: str | None = None):
    """Predicted classes by true class. Numbers are written into the cells if there is room; else there is a colour bar.

    For more than five classes, colours follow the square root of the share, so that errors of a percent are visible
    beside a diagonal near 100 %.

    Args:
        report: Report of a single-label classifier.
        ax: Matplotlib axes. Default: new ones, as large as the classes need.
        normalize: Meaning of the numbers. `None`: counts of rows, coloured by their share of the true class, so that
            errors of rare classes are as visible as those of common ones. `"true"`, `"predicted"`, `"all"`: shares of
            the true class, of the predicted class, or of all rows; scikit-learn calls the second one `"pred"`.

    Returns:
        The axes.

    Raises:
        ValueError: For another kind of report, and for an unknown `normalize`.
    """
    require_classes(report, several_labels=False)
    if normalize not in NORMALIZATIONS:
        raise ValueError(f"`normalize` must be 'true', 'predicted', 'all' or None. Received: normalize={normalize!r}")
    counts, names = report.confusion_matrix, names_of_classes(report)
    ax = axes_or_new(ax, size=matrix_size(len(names)))
    total = {"predicted": counts.sum(axis=0), "all": counts.sum()}.get(normalize, counts.sum(axis=1, keepdims=True))
    shares = ratio(counts, total)
    room = min(height_in_points(ax), width_in_points(ax)) / len(names)
    texts = _texts(counts if normalize is None else shares, normalize is not None)
    power = 1.0 if len(names) <= _MOST_LINEAR else 0.5
    written = _write(ax, texts, (shares / np.nanmax(shares)) ** power, room)
    _colour(ax, shares, power, None if written else f"share of {_WHOLE[normalize]}")
    step = max(1, int(np.ceil(1.2 * LABEL_SIZE / room)))
    ticks = np.arange(0, len(names), step)
    shown = [names[tick] for tick in ticks]
    some = "" if step == 1 else f", {len(ticks)} of {len(names)} named"
    fits = sum(map(len, names)) * _CHARACTER * LABEL_SIZE < 0.8 * width_in_points(ax)
    ax.set_xticks(ticks, shown, rotation=0 if fits else 90, fontsize=LABEL_SIZE, parse_math=False)
    ax.set_yticks(ticks, shown, fontsize=LABEL_SIZE, parse_math=False)
    empty = np.isnan(shares)
    ax.set_xlabel("predicted class" + some + (" (grey: never predicted)" if empty.all(axis=0).any() else ""))
    ax.set_ylabel("true class" + some + (" (grey: no rows)" if empty.all(axis=1).any() else ""))
    kind = "" if normalize is None else f"% of {_WHOLE[normalize]}; "
    write_title(ax, f"{kind}accuracy {report.accuracy:.4f} on {report.rows:,} rows", fontsize=10)
    return ax


def matrix_size(num_classes: int) -> tuple[float, float]:
    """Width and height in inches of a picture of `num_classes` classes."""
    side = min(12.0, max(4.0, 2 + 0.4 * num_classes))
    return side * (1.12 if num_classes > 25 else 1), side  # with room for a colour bar


def _texts(values: np.ndarray, are_shares: bool) -> dict[tuple[int, int], str]:
    """Texts for the cells that are not empty, by row and column."""
    filled = {cell: values[cell].item() for cell in zip(*np.nonzero(np.nan_to_num(values)), strict=True)}
    if are_shares:
        return {cell: _percent(share) for cell, share in filled.items()}
    return {cell: f"{count:,}" if isinstance(count, int) else f"{count:,.4g}" for cell, count in filled.items()}


def _percent(share: float) -> str:
    """A share in percent with two digits, or three near 100 %, so that it is not rounded to all or nothing."""
    percent = 100 * share
    if percent < 0.1:
        return "<0.1"
    return f"{percent:.1f}" if percent < 10 or 99 < percent < 100 else f"{percent:.0f}"


def _write(ax, texts: dict[tuple[int, int], str], depth: np.ndarray, room: float) -> bool:
    """Write texts into the cells, if they fit.

    Args:
        ax: Matplotlib axes.
        texts: Texts by row and column.
        depth: Depth of the colour of each cell, from 0 to 1.
        room: Width and height of a cell in points.

    Returns:
        Whether they fit.
    """
    longest = max(map(len, texts.values()))
    size = min(_LARGEST_NUMBER, room / (_CHARACTER * (longest + 0.5)), 0.8 * room)
    if size < _SMALLEST_NUMBER or len(texts) > _MOST_NUMBERS:
        return False
    for (true, predicted), text in texts.items():
        colour = "white" if depth[true, predicted] > 0.55 else "black"
        ax.text(predicted, true, text, ha="center", va="center", color=colour, fontsize=size)
    return True


def _colour(ax, shares: np.ndarray, power: float, label: str | None) -> None:
    """Colour the cells, with a colour bar if there is a `label` for it."""
    import matplotlib
    from matplotlib.colors import PowerNorm

    highest = np.nanmax(shares)
    colours = matplotlib.colormaps["Blues"].with_extremes(bad=MISSING)
    image = ax.imshow(np.ma.masked_invalid(shares), cmap=colours, norm=PowerNorm(power, 0, highest))
    if label is not None:
        bar = ax.figure.colorbar(image, ax=ax, label=label, aspect=35, fraction=0.05, pad=0.02)
        ticks = highest * np.array([0, 0.01, 0.05, 0.2, 0.5, 1])
        bar.set_ticks(ticks, labels=[f"{100 * tick:.3g} %" for tick in ticks])
