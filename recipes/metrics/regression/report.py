"""The report on a regression."""

from dataclasses import dataclass, field

from recipes.arguments.text_table import table_lines, text_of
from recipes.metrics import plain_values
from recipes.metrics.plain_values import number, numbers, plain, reading

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TITLES = {
    "mean_error": "mean error",
    "mae": "MAE",
    "median_absolute_error": "median absolute error",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R2",
}
_MOST_PRINTED_ROWS = 3


@dataclass(frozen=True)
class RegressionReport:
    """Scores of a regression, in the units of its targets. Print it, or take `to_dict()`.

    Intervals are made from means and covariances by the delta method, with Student's t: those of MAE, MSE, RMSE and
    1 - R2 on a logarithmic scale, where they are less skewed. They describe how much the scores would change with other
    test rows like these, not with another training. Few rows with errors of heavy tails make them too narrow. With
    weights they are those of a weighted mean of independent rows, not of repeated rows.

    Attributes:
        mean_error: Mean of target minus prediction (the residual): above 0 where predictions are too low.
        mae: Mean absolute error.
        mse: Mean squared error.
        rmse: Root of the mean squared error.
        r2: Share of the targets' variance that is explained: 1 is perfect, 0 is no better than their mean. If all
            targets are equal: 1 for perfect predictions, otherwise 0, as in scikit-learn.
        rows: Number of rows with a weight above 0.
        median_absolute_error: Median of the absolute error.
        error_quantiles: Quantiles of target minus prediction, by share of the rows: `"0.05"`, `"0.25"`, `"0.5"`,
            `"0.75"`, `"0.95"`.
        quantile_error: Bound of the relative error of medians and quantiles; 0 if they are exact.
        confidence: Confidence level of the intervals.
        intervals: Lower and upper bound of each score but the median, by name; empty for a single row.
        baseline: Scores of the best constant prediction on these rows, by name: the mean of their targets, for MAE
            and median absolute error their median.
        worst: Rows of greatest absolute error, the greatest first: `row` (counted from 0), `target`, `predicted`,
            `error` (target minus prediction).
    """

    mean_error: float
    mae: float
    mse: float
    rmse: float
    r2: float
    rows: int
    median_absolute_error: float
    error_quantiles: dict[str, float]
    quantile_error: float = 0.0
    confidence: float = 0.95
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)
    worst: tuple[dict, ...] = ()

    def to_dict(self) -> dict:
        """Everything as plain numbers, ready for JSON."""
        return plain(dict(vars(self)))

    @classmethod
    def from_dict(cls, content: dict) -> "RegressionReport":
        """The report that `to_dict` made `content` of.

        Raises:
            ValueError: If `content` is no such report, or is damaged.
        """
        with reading("report on a regression"):
            values = {name: number(content[name]) for name in (*_TITLES, "rows")}
            values |= {name: number(content[name]) for name in ("quantile_error", "confidence") if name in content}
            report = cls(
                **values,
                error_quantiles=numbers(content["error_quantiles"]),
                intervals=plain_values.intervals(content.get("intervals", {})),
                baseline=numbers(content.get("baseline", {})),
                worst=tuple(numbers(row) for row in content.get("worst", ())),
            )
            str(report)  # whatever is printed must be there
        return report

    def __str__(self) -> str:
        table = [("", "", f"{self.confidence:.0%} interval".replace("%", " %"), "best constant")]
        for name, title in _TITLES.items():
            ends = self.intervals.get(name)
            constant = _short(self.baseline[name]) if name in self.baseline else ""
            interval = f"{_short(ends[0])} to {_short(ends[1])}" if ends else ""
            table.append((title, _short(getattr(self, name)), interval, constant))
        shares = ", ".join(f"{float(share) * 100:g}" for share in self.error_quantiles)
        values = ", ".join(map(_short, self.error_quantiles.values()))
        about = f" (each within {self.quantile_error:.2g} of itself)" if self.quantile_error else ""
        worst = "; ".join(
            f"row {row['row']} by {_short(row['error'])} ({_short(row['predicted'])} for {_short(row['target'])})"
            for row in self.worst[:_MOST_PRINTED_ROWS]
        )
        return text_of(
            [
                *table_lines(table),
                "",
                f"target minus prediction at {shares} % of the rows: {values}{about}",
                *([f"furthest off: {worst}"] if worst else []),
                f"on {self.rows:,} rows; best constant: the mean of their targets, of absolute errors their median",
            ]
        )


def _short(value: float) -> str:
    """Five digits, and no exponent for numbers of everyday size."""
    return f"{value:.5g}" if not value or not 1e5 <= abs(value) < 1e9 else f"{value:,.0f}"
