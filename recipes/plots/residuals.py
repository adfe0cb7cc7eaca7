"""The distribution of the errors of a regression, and predictions over targets."""

from statistics import NormalDist

import numpy as np

from recipes.metrics.regression.report import RegressionReport
from recipes.plots.axes import BLUE, GREY, LABEL_SIZE, NOT_FINITE, ORANGE, axes_or_new, part_of_map, write_title

_SIZE = (5.4, 4.4)
_TICKS = (0.75, 0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999)  # ticks above the middle; those below mirror them
MOST_POINTS = 3000  # most rows that are drawn as points
_CELLS = 80  # cells of the grid along each axis


def residuals(report: RegressionReport, ax=None):
    """Quantiles of the error (target minus prediction) over those of a normal distribution.

    On the line, errors are normal with the mean and standard deviation of these errors. Where the outer points bend
    away from it, a few rows have larger errors than the others suggest. A report keeps five quantiles and its worst
    rows, whose quantiles follow from their order (as if all rows had the same weight).

    Args:
        report: Report of a regression.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: For another kind of report.
    """
    if not isinstance(report, RegressionReport):
        raise ValueError(f"`report` must be a RegressionReport. Received: {type(report).__name__}")
    normal = NormalDist()
    shares = [*map(float, report.error_quantiles)]
    values = [*report.error_quantiles.values()]
    worst_shares, worst = extremes(report)
    ax = axes_or_new(ax, size=_SIZE)
    outermost = max([abs(normal.inv_cdf(share)) for share in (*shares, *worst_shares)])
    x = np.array([-outermost - 0.3, outermost + 0.3])
    deviation = np.sqrt(max(0.0, report.mse - report.mean_error**2))
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.axvline(0, color="#ECECEC", linewidth=0.8, zorder=0)
    label = f"normal: mean {report.mean_error:.3g}, deviation {deviation:.3g}"
    ax.plot(x, report.mean_error + deviation * x, color=ORANGE, linewidth=1.4, label=label)
    places = [normal.inv_cdf(share) for share in shares]
    ax.plot(places, values, "o-", color=BLUE, markersize=6, linewidth=1, zorder=3, label="quantiles of the error")
    if len(worst):
        places = [normal.inv_cdf(share) for share in worst_shares]
        title = f"the {len(worst)} worst rows" if len(worst) > 1 else "the worst row"
        ax.plot(places, worst, "D", color=NOT_FINITE, markersize=4, zorder=3, label=title)
        # Only the worst row of each side is named: more names would cover each other.
        for number in sorted({int(np.argmax(worst > 0)), int(np.argmax(worst <= 0))}):
            lowest = worst[number] <= 0
            ax.annotate(
                f"row {report.worst[number]['row']:,}", (places[number], worst[number]),
                (-3, -6) if lowest else (3, 6), textcoords="offset points", ha="left" if lowest else "right",
                va="top" if lowest else "bottom", fontsize=LABEL_SIZE,
            )  # fmt: skip
    ax.margins(y=0.1)
    ticks = _ticks(x[1])
    labels = [f"{100 * share:.6g}" for share in ticks]
    ax.set_xticks([normal.inv_cdf(share) for share in ticks], labels, fontsize=LABEL_SIZE)
    ax.set_xlim(*x)
    ax.set_xlabel("% of the rows with a lower error (normal scale)")
    ax.set_ylabel("target minus prediction")
    ax.legend(fontsize=LABEL_SIZE, loc="upper left", framealpha=0.85, edgecolor="none")
    write_title(ax, f"errors of {report.rows:,} rows: RMSE {report.rmse:.4g}, R2 {report.r2:.4g}", fontsize=10)
    return ax


def _ticks(outermost: float) -> list[float]:
    """Shares for ticks whose labels fit between the middle and `outermost` standard deviations on both sides."""
    kept, last = [], 0.0
    for share in _TICKS:
        place = NormalDist().inv_cdf(share)
        if place <= outermost and place - last > 0.16 * outermost:
            kept.append(share)
            last = place
    return [*(1 - share for share in reversed(kept)), 0.5, *kept]


def extremes(report: RegressionReport) -> tuple[np.ndarray, np.ndarray]:
    """The share of all rows below each of the worst rows, k - 1/2 of n for the k-th lowest, and their errors `(rows,)`.

    The worst rows are furthest from 0, so that their positive errors are the highest of all, and the others the lowest.
    """
    errors = np.array([row["error"] for row in report.worst])
    rank = np.zeros(len(errors))
    above = np.flatnonzero(errors > 0)
    below = np.flatnonzero(errors <= 0)
    rank[above] = report.rows - np.arange(len(above)) - 0.5
    rank[below] = np.arange(len(below)) + 0.5
    return rank / report.rows, errors


def predicted_values(y_true, y_predicted, ax=None):
    """Predictions over targets, which are equal on the diagonal. More than 3,000 rows are counted in cells of a grid.

    Args:
        y_true: Targets `(rows,)`.
        y_predicted: Predictions `(rows,)`.
        ax: Matplotlib axes. Default: new ones.

    Returns:
        The axes.

    Raises:
        ValueError: If the lengths differ, there are no rows, or a number is not finite.
    """
    targets, predicted = (np.asarray(values, np.float64).reshape(-1) for values in (y_true, y_predicted))
    if len(targets) != len(predicted) or not len(targets):
        raise ValueError(
            f"`y_true` and `y_predicted` must have as many rows, at least one. Received: {len(targets)} and "
            f"{len(predicted)}"
        )
    if not (np.isfinite(targets).all() and np.isfinite(predicted).all()):
        raise ValueError("`y_true` and `y_predicted` must be finite. Received: NaN or infinity")
    ax = axes_or_new(ax, size=_SIZE)
    low, high = min(targets.min(), predicted.min()), max(targets.max(), predicted.max())
    margin = 0.03 * (high - low) or abs(low) or 1.0
    bounds = low - margin, high + margin
    few = len(targets) <= MOST_POINTS
    if few:
        alpha = float(np.clip(30 / np.sqrt(len(targets)), 0.25, 0.9))
        ax.plot(targets, predicted, "o", color=BLUE, markersize=3.5, alpha=alpha, markeredgewidth=0)
    else:
        from matplotlib.colors import LogNorm

        counts, *edges = np.histogram2d(targets, predicted, bins=_CELLS, range=(bounds, bounds))
        colours = part_of_map("Blues", 0.2, 1.0)
        mesh = ax.pcolormesh(
            *edges, np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, max(2, counts.max())), cmap=colours
        )
        mesh.set_rasterized(True)
        bar = ax.figure.colorbar(mesh, ax=ax, label="rows", aspect=30, fraction=0.05, pad=0.03)
        bar.ax.yaxis.set_major_formatter("{x:g}")
    ax.plot(bounds, bounds, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1 if few else 3)
    ax.set(xlim=bounds, ylim=bounds, aspect="equal", xlabel="target", ylabel="prediction")
    write_title(ax, f"predictions of {len(targets):,} rows", fontsize=10)
    return ax
