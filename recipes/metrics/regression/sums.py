"""Evaluation of a regression batch by batch."""

from typing import Self

import numpy as np
from scipy import special

from recipes.arguments.numbers import require_between, require_whole
from recipes.metrics.accumulator import Accumulator
from recipes.metrics.inputs import as_array
from recipes.metrics.regression.comoments import Comoments
from recipes.metrics.regression.quantiles import MOST_BINS, QuantileSketch, quantiles_of
from recipes.metrics.regression.report import QUANTILES, RegressionReport

# Fourth powers of larger numbers would leave float64.
LARGEST = 1e70
_CHUNK_ROWS = 65_536
_ERROR, _ABSOLUTE, _SQUARED, _TARGET, _TARGET_SQUARED = range(5)
_RANGE = ("centre", "lowest", "highest")
_OLDER_FORMAT = "keras-recipes regression sums 2"  # of files whose plain values were one array


class RegressionSums(Accumulator):
    """Sums over the targets and predictions of a regression, from any number of batches.

    Memory does not grow with the batches. Sums are kept as means and products about the means, so that targets of 1e8
    that differ by 1 lose no digits. Quantiles, and the MAE of a constant prediction, are exact while at most
    `most_values` different errors (and targets) were seen, and beyond that have the relative bound of `QuantileSketch`.

    Args:
        worst: Number of rows of the greatest error that are kept. Default: 10.
        most_values: Number of different errors, and of different targets, that are kept. Default: 65,536.

    Attributes:
        rows: Number of rows with a weight above 0.
        seen: Number of all rows so far.

    >>> sums = RegressionSums().update([1.0, 2.0], [1.5, 2.0]).update([3.0], [4.0])
    >>> sums.result().rows, sums.result().mae
    (3, 0.5)
    """

    def __init__(self, *, worst: int = 10, most_values: int = MOST_BINS):
        require_whole("worst", worst)
        require_whole("most_values", most_values, least=1)
        self.worst = worst
        self.seen = self.rows = 0
        self._centre, self._lowest, self._highest = 0.0, np.inf, -np.inf
        # The second moments are those of squared weights, which the variance of a weighted mean is made of.
        self._moments = [Comoments.none(5), Comoments.none(5)]
        self._errors, self._targets = QuantileSketch(most_values), QuantileSketch(most_values)
        self._worst = np.zeros((0, 3))  # row, target, prediction

    def update(self, y_true, y_predicted, sample_weight=None) -> Self:
        """Add a batch, and return self.

        Args:
            y_true: Targets, `(rows,)` or `(rows, 1)`.
            y_predicted: Predictions, the same.
            sample_weight: Weight of each row `(rows,)`, at least 0. Default: every row counts 1. Rows of weight 0 are
                left out.

        Raises:
            ValueError: If lengths differ, a number is not finite or beyond 1e70, or a weight is below 0; nothing of
                the batch is added.
        """
        targets, predicted, weights = self._checked(y_true, y_predicted, sample_weight)
        for start in range(0, len(targets), _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            self._collect(targets[chunk], predicted[chunk], None if weights is None else weights[chunk])
        return self

    def result(self, confidence: float = 0.95) -> RegressionReport:
        """The report on all rows so far.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.

        Raises:
            ValueError: If there are no rows, or all have a weight of 0.
        """
        require_between("confidence", confidence, 0, 1)
        if not self.rows:
            reason = f"all {self.seen:,} rows have the weight 0" if self.seen else "call `update` first"
            raise ValueError(f"there are no rows to report: {reason}")
        mean = self._moments[0].mean
        variance = self._variance()
        squared = float(mean[_SQUARED])
        values, weights = self._errors.points()
        constant, constant_weights = self._targets.points()
        median = float(self._targets.quantiles(0.5)[0])
        distances = np.abs(constant - median)
        baseline = {
            "mean_error": 0.0,
            "mae": float(np.average(distances, weights=constant_weights)),
            "mse": variance,
            "rmse": float(np.sqrt(variance)),
            "median_absolute_error": _median(distances, constant_weights, self._targets.unit),
            "r2": 0.0 if variance else 1.0,
        }
        quantiles = self._errors.quantiles(QUANTILES)
        return RegressionReport(
            mean_error=float(mean[_ERROR]),
            mae=float(mean[_ABSOLUTE]),
            mse=squared,
            rmse=float(np.sqrt(squared)),
            r2=float(1 - squared / variance) if variance else float(squared == 0),
            rows=self.rows,
            median_absolute_error=_median(np.abs(values), weights, self._errors.unit),
            error_quantiles={f"{share:g}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
            quantile_error=max(self._errors.relative_error, self._targets.relative_error),
            confidence=confidence,
            intervals=self._intervals(variance, confidence),
            baseline=baseline,
            worst=tuple(
                {"row": int(row), "target": target, "predicted": guess, "error": target - guess}
                for row, target, guess in self._worst.tolist()
            ),
        )

    def _merge(self, other: Self) -> None:
        worst = other._worst + np.array([self.seen, 0, 0])
        self._join(other._centre, other._moments)
        self._errors.merge(other._errors)
        self._targets.merge(other._targets)
        self._lowest, self._highest = min(self._lowest, other._lowest), max(self._highest, other._highest)
        self.seen, self.rows = self.seen + other.seen, self.rows + other.rows
        self._keep_worst(worst)

    def _state(self) -> tuple[dict, dict[str, np.ndarray]]:
        meta = {"worst": self.worst, "seen": self.seen, "rows": self.rows}
        meta |= {
            name: float(value) for name, value in zip(_RANGE, (self._centre, self._lowest, self._highest), strict=True)
        }
        arrays = {"worst": self._worst}
        for number, moments in enumerate(self._moments):
            arrays |= {f"moments{number}.{name}": np.asarray(value) for name, value in vars(moments).items()}
        for name, sketch in (("errors", self._errors), ("targets", self._targets)):
            arrays |= {f"{name}.{key}": value for key, value in sketch.state().items()}
        return meta, arrays

    @classmethod
    def _from_state(cls, meta: dict, arrays: dict[str, np.ndarray]) -> Self:
        sums = cls(worst=meta["worst"])
        sums.seen, sums.rows, sums._worst = meta["seen"], meta["rows"], arrays["worst"]
        sums._centre, sums._lowest, sums._highest = (meta[name] for name in _RANGE)
        sums._moments = [
            Comoments(**{name: arrays[f"moments{number}.{name}"] for name in ("weight", "mean", "products")})
            for number in range(2)
        ]
        sums._errors, sums._targets = (
            QuantileSketch.from_state({key: arrays[f"{name}.{key}"] for key in ("numbers", "keys", "weights", "sums")})
            for name in ("errors", "targets")
        )
        return sums

    @classmethod
    def _read_meta(cls, arrays: dict[str, np.ndarray]) -> dict:
        if str(arrays.get("format")) != _OLDER_FORMAT:
            return super()._read_meta(arrays)
        _, worst, seen, rows, *bounds = arrays["numbers"].tolist()
        whole = {"worst": int(worst), "seen": int(seen), "rows": int(rows)}
        return {"kind": cls.__name__, **whole, **dict(zip(_RANGE, bounds, strict=True))}

    def _checked(self, y_true, y_predicted, sample_weight):
        targets, predicted = (self._numbers(*pair) for pair in (("y_true", y_true), ("y_predicted", y_predicted)))
        if len(targets) != len(predicted):
            raise ValueError(f"both must have as many rows. Received: {len(targets)} and {len(predicted)}")
        if sample_weight is None:
            return targets, predicted, None
        weights = self._numbers("sample_weight", sample_weight)
        if len(weights) != len(targets):
            raise ValueError(f"`sample_weight` must be one for each row. Received: {len(weights)} for {len(targets)}")
        below = np.flatnonzero(weights < 0)
        if below.size:
            where = f"{weights[below[0]]:g} at row {self.seen + below[0]}"
            raise ValueError(f"`sample_weight` must be at least 0. Received: {where}, one of {below.size} below 0")
        return targets, predicted, weights

    def _numbers(self, name: str, values) -> np.ndarray:
        values = as_array(values, name)
        if values.dtype.kind not in "buif":
            raise ValueError(f"`{name}` must hold numbers. Received: {values.dtype}")
        if values.ndim == 0 or values.size != len(values):
            raise ValueError(f"`{name}` must have the shape (rows,). Received: {values.shape}")
        values = values.reshape(-1).astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            first = f"the first at row {self.seen + bad[0]}"
            raise ValueError(f"`{name}` has {bad.size} values that are not finite, {first}")
        large = np.flatnonzero(np.abs(values) > LARGEST)
        if large.size:
            where = f"{values[large[0]]:g} at row {self.seen + large[0]}"
            raise ValueError(f"`{name}` must be within {LARGEST:g}. Received: {where}")
        return values

    def _collect(self, targets, predicted, weights) -> None:
        rows = self.seen + np.arange(len(targets))
        self.seen += len(targets)
        if weights is not None:
            counted = weights > 0
            rows, targets, predicted, weights = (values[counted] for values in (rows, targets, predicted, weights))
        if not len(targets):
            return
        self.rows += len(targets)
        errors = targets - predicted
        ones = np.ones(len(targets)) if weights is None else weights
        # Differences from the first target, so that no digits are lost before the mean is known.
        centre = targets[0] + np.average(targets - targets[0], weights=ones)
        centred = targets - centre
        columns = np.stack([errors, np.abs(errors), errors**2, centred, centred**2], axis=1)
        moments = Comoments.of(columns, ones)
        self._join(centre, [moments, moments if weights is None else Comoments.of(columns, weights**2)])
        self._errors.update(errors, weights)
        self._targets.update(targets, weights)
        self._lowest, self._highest = min(self._lowest, targets.min()), max(self._highest, targets.max())
        most = np.argsort(-np.abs(errors), kind="stable")[: self.worst]
        self._keep_worst(np.stack([rows[most], targets[most], predicted[most]], axis=1))

    def _join(self, centre: float, moments: list[Comoments]) -> None:
        """Add moments of targets relative to `centre`; all are then relative to the mean of both."""
        weight, other = self._moments[0].weight, moments[0].weight
        if not other:
            return
        middle = self._centre + (centre - self._centre) * (other / (weight + other)) if weight else centre
        self._moments = [
            _shifted(mine, self._centre - middle).joined(_shifted(more, centre - middle))
            for mine, more in zip(self._moments, moments, strict=True)
        ]
        self._centre = middle

    def _keep_worst(self, candidates: np.ndarray) -> None:
        both = np.concatenate([self._worst, candidates])
        order = np.lexsort((both[:, 0], -np.abs(both[:, 2] - both[:, 1])))
        self._worst = both[order[: self.worst]]

    def _variance(self) -> float:
        """Variance of the targets; exactly 0 if all are equal."""
        if self._lowest == self._highest:
            return 0.0
        moments = self._moments[0]
        return float(moments.products[_TARGET, _TARGET] / moments.weight)

    def _intervals(self, variance: float, confidence: float) -> dict[str, tuple[float, float]]:
        """Intervals by the delta method, from the covariances of errors and targets; see `RegressionReport`."""
        if self.rows < 2:
            return {}
        moments, squared_weights = self._moments
        mean = moments.mean
        covariance = squared_weights.about(mean) / moments.weight**2 * self.rows / (self.rows - 1)
        quantile = float(special.stdtrit(self.rows - 1, (1 + confidence) / 2))

        def reach(gradient: dict[int, float]) -> float:
            along = np.zeros(len(mean))
            along[list(gradient)] = list(gradient.values())
            return quantile * float(np.sqrt(max(0.0, along @ covariance @ along)))

        def factor(score: int) -> float:
            # Divided afterwards, as the reciprocal of a denormal mean is not finite.
            return float(np.exp(reach({score: 1.0}) / mean[score])) if mean[score] else 1.0

        error, absolute, squared = map(float, mean[:3])
        intervals = {
            "mean_error": (error - reach({_ERROR: 1.0}), error + reach({_ERROR: 1.0})),
            "mae": (absolute / factor(_ABSOLUTE), absolute * factor(_ABSOLUTE)),
            "mse": (squared / factor(_SQUARED), squared * factor(_SQUARED)),
        }
        intervals["rmse"] = tuple(float(np.sqrt(end)) for end in intervals["mse"])
        if variance:
            unexplained = squared / variance
            wider = 1.0
            if squared:
                unit = min(squared, variance)
                gradient = {_SQUARED: unit / squared, _TARGET_SQUARED: -unit / variance}
                wider = float(np.exp(reach(gradient) / unit))
            intervals["r2"] = (1 - unexplained * wider, 1 - unexplained / wider)
        return intervals


def _shifted(moments: Comoments, shift: float) -> Comoments:
    """The moments for targets that are larger by `shift`, and their squares."""
    matrix, offset = np.eye(5), np.zeros(5)
    matrix[_TARGET_SQUARED, _TARGET] = 2 * shift
    offset[_TARGET], offset[_TARGET_SQUARED] = shift, shift**2
    return moments.mapped(matrix, offset)


def _median(values: np.ndarray, weights: np.ndarray, unit: bool) -> float:
    order = np.argsort(values, kind="stable")
    return float(quantiles_of(values[order], weights[order], 0.5, unit)[0])
