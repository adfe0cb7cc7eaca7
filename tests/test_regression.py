import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

import recipes
from recipes.metrics.regression.quantiles import QuantileSketch

draws = settings(derandomize=True, deadline=None, max_examples=60)
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
# Weights whose sums are exact: a median between two rows is then one on both sides.
rows = st.lists(st.tuples(numbers, numbers, st.integers(1, 800)), min_size=2, max_size=40)


def collected(y_true, y_predicted, weights=None, pieces=3, **options):
    """The report on rows that came in pieces, to several accumulators."""
    total = recipes.RegressionSums(**options)
    for chosen in np.array_split(np.arange(len(y_true)), pieces):
        part = recipes.RegressionSums(**options)
        part.update(y_true[chosen], y_predicted[chosen], None if weights is None else weights[chosen])
        total.merge(part)
    return total.result()


@draws
@given(rows, st.booleans())
def test_numbers_are_scored_as_by_scikit_learn(rows, weighted):
    y_true, y_pred, weights = np.array(rows).T
    weights = weights / 8 if weighted else None
    options = {"sample_weight": weights}
    for report in (recipes.regression_report(y_true, y_pred[:, None], weights), collected(y_true, y_pred, weights)):
        assert report.mean_error == pytest.approx(np.average(y_true - y_pred, weights=weights), rel=1e-9, abs=1e-9)
        assert report.mae == pytest.approx(metrics.mean_absolute_error(y_true, y_pred, **options), rel=1e-9)
        assert report.mse == pytest.approx(metrics.mean_squared_error(y_true, y_pred, **options), rel=1e-9)
        assert report.rmse == pytest.approx(metrics.root_mean_squared_error(y_true, y_pred, **options), rel=1e-9)
        if np.ptp(y_true) > 1e-3:
            assert 1 - report.r2 == pytest.approx(1 - metrics.r2_score(y_true, y_pred, **options), rel=1e-6)
        median = metrics.median_absolute_error(y_true, y_pred, **options)
        assert report.median_absolute_error == pytest.approx(median, rel=1e-12)
        if weights is None:
            expected = np.quantile(y_true - y_pred, [0.05, 0.25, 0.5, 0.75, 0.95])
            assert list(report.error_quantiles.values()) == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-9)


def test_errors_whose_squares_are_denormal_have_intervals():
    report = recipes.regression_report(np.array([0.0, 1.4630012561222932e-159]), np.zeros(2))
    assert report.intervals["mse"] == (report.mse, report.mse)
    assert np.isfinite(report.intervals["r2"]).all()


@draws
@given(rows)
def test_the_best_constant_is_scored_like_any_prediction(rows):
    y_true, y_pred, _ = np.array(rows).T
    constant = recipes.regression_report(y_true, y_pred).baseline
    by_mean = recipes.regression_report(y_true, np.full_like(y_true, y_true.mean()))
    by_median = recipes.regression_report(y_true, np.full_like(y_true, np.median(y_true)))
    assert constant["mse"] == pytest.approx(by_mean.mse, rel=1e-9, abs=1e-12)
    assert constant["mae"] == pytest.approx(by_median.mae, rel=1e-9, abs=1e-12)
    assert constant["median_absolute_error"] == pytest.approx(by_median.median_absolute_error, rel=1e-9)


def test_the_present_keys_stay_and_the_report_is_json():
    content = recipes.regression_report([1.0, 2.0, 4.0], [2.0, 2.0, 3.0]).to_dict()
    assert list(content)[:6] == ["mean_error", "mae", "mse", "rmse", "r2", "rows"]
    assert json.loads(json.dumps(content)) == content


@pytest.mark.parametrize("y_pred", [[2.0, 2.0, 2.0], [2.0, 3.0, 2.0]])
def test_r2_of_constant_targets_is_as_in_scikit_learn(y_pred):
    assert recipes.regression_report([2.0] * 3, y_pred).r2 == metrics.r2_score([2.0] * 3, y_pred)


def test_a_large_mean_costs_no_digits():
    generator = np.random.default_rng(0)
    apart, errors = generator.normal(size=20_000), generator.normal(0, 0.5, 20_000)
    far = collected(apart + 1e8, apart + 1e8 + errors, pieces=7)
    near = collected(apart, apart + errors, pieces=7)
    assert far.mse == pytest.approx(near.mse, rel=1e-6)
    assert far.r2 == pytest.approx(near.r2, rel=1e-6)
    assert far.intervals["r2"] == pytest.approx(near.intervals["r2"], rel=1e-6)
    assert far.baseline["mae"] == pytest.approx(near.baseline["mae"], rel=1e-6)


def test_memory_is_bounded_and_quantiles_keep_their_bound():
    generator = np.random.default_rng(0)
    y_true = generator.lognormal(sigma=3, size=100_000)
    y_pred = y_true + generator.standard_t(2, 100_000)
    report = collected(y_true, y_pred, most_values=1000)
    exact = recipes.regression_report(y_true, y_pred)
    assert (exact.quantile_error, report.quantile_error < 0.1) == (0.0, True)
    for share, value in exact.error_quantiles.items():
        assert report.error_quantiles[share] == pytest.approx(value, rel=report.quantile_error)
    assert report.median_absolute_error == pytest.approx(exact.median_absolute_error, rel=report.quantile_error)
    assert report.baseline["mae"] == pytest.approx(exact.baseline["mae"], rel=1e-3)
    assert report.worst == exact.worst


@draws
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.integers(1, 5), st.randoms(use_true_random=False))
def test_a_sketch_does_not_depend_on_the_order_of_rows(values, pieces, random):
    values = np.array(values)
    whole = QuantileSketch(most_bins=16)
    whole.update(values)
    shuffled = values.copy()
    random.shuffle(shuffled)
    merged = QuantileSketch(most_bins=16)
    for piece in np.array_split(shuffled, pieces):
        part = QuantileSketch(most_bins=16)
        part.update(piece)
        merged.merge(part)
    points, weights = whole.points()
    assert (len(points) <= 16, weights.sum()) == (True, len(values))
    assert merged.dropped_bits == whole.dropped_bits
    np.testing.assert_allclose(merged.points()[0], points, rtol=1e-12)
    np.testing.assert_array_equal(merged.points()[1], weights)


def test_rows_of_the_greatest_error_are_named_by_their_number():
    y_true, y_pred = np.zeros(1000), np.zeros(1000)
    y_pred[[17, 500, 999]] = 3.0, -9.0, 5.0
    worst = collected(y_true, y_pred, worst=3).worst
    assert [(row["row"], row["error"]) for row in worst] == [(500, 9.0), (999, -5.0), (17, -3.0)]


def test_rows_of_weight_0_do_not_count():
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 50))
    weights = np.repeat([0.0, 1.0], 25)
    counted, alone = (
        recipes.regression_report(y_true, y_pred, weights),
        recipes.regression_report(y_true[25:], y_pred[25:]),
    )
    assert counted.rows == 25
    for name, ends in alone.intervals.items():
        assert counted.intervals[name] == pytest.approx(ends)
    assert counted.r2 == pytest.approx(alone.r2)


def test_what_was_saved_goes_on_as_if_it_had_not_stopped(tmp_path):
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 300))
    sums, whole = recipes.RegressionSums(), recipes.RegressionSums()
    sums.update(y_true[:100], y_pred[:100])
    sums.save(tmp_path / "sums")
    sums = recipes.RegressionSums.load(tmp_path / "sums")
    for accumulator, first in ((sums, 100), (whole, 0)):
        accumulator.update(y_true[first:], y_pred[first:])
    mine, other = sums.result(0.9).to_dict(), whole.result(0.9).to_dict()
    for name in ("mse", "r2", "error_quantiles", "baseline"):
        assert mine[name] == pytest.approx(other[name], rel=1e-12)
    assert mine["worst"] == other["worst"]
    (tmp_path / "other").write_bytes(b"no sums")
    with pytest.raises(ValueError, match="other is no readable NPZ file"):
        recipes.RegressionSums.load(tmp_path / "other")


def test_intervals_cover_what_they_say():
    # 95 % of 500 simulations: below 92.3 % or above 97.2 % happens to an honest interval once in a hundred times.
    generator, noise, hits = np.random.default_rng(0), 0.6, dict.fromkeys(("mean_error", "mae", "mse", "rmse", "r2"), 0)
    true = {"mean_error": 0.1, "mse": noise**2 + 0.01, "rmse": np.sqrt(noise**2 + 0.01), "r2": 1 - noise**2 - 0.01}
    true["mae"] = np.abs(generator.normal(0.1, noise, 2_000_000)).mean()
    for _ in range(500):
        y_true = generator.normal(size=200)
        report = recipes.regression_report(y_true, y_true - generator.normal(0.1, noise, 200))
        for name, (low, high) in report.intervals.items():
            hits[name] += low <= true[name] <= high
    assert all(0.923 <= count / 500 <= 0.972 for count in hits.values()), hits


def test_an_error_is_target_minus_prediction_everywhere():
    report = recipes.regression_report([1.0, 2.0, 4.0], [1.5, 2.0, 3.9])
    assert report.mean_error == pytest.approx(-0.4 / 3)
    assert report.intervals["mean_error"][0] < -0.4 / 3 < report.intervals["mean_error"][1]
    assert report.error_quantiles["0.95"] == pytest.approx(0.09)
    assert [row["error"] for row in report.worst] == pytest.approx([-0.5, 0.1, 0.0])
    assert "target minus prediction" in str(report)


def test_it_prints_as_an_aligned_table():
    assert str(recipes.regression_report([1.0, 2.0, 6.0], [2.0, 2.0, 4.0])).splitlines() == [
        "                                      95 % interval  best constant",
        "mean error             0.33333    -3.4612 to 4.1279              0",
        "MAE                          1   0.083397 to 11.991         1.6667",
        "median absolute error        1                                   1",
        "MSE                     1.6667   0.074881 to 37.096         4.6667",
        "RMSE                     1.291    0.27364 to 6.0907         2.1602",
        "R2                     0.64286  0.013929 to 0.87065              0",
        "",
        "target minus prediction at 5, 25, 50, 75, 95 % of the rows: -0.9, -0.5, 0, 1, 1.8",
        "furthest off: row 2 by 2 (4 for 6); row 0 by -1 (2 for 1); row 1 by 0 (2 for 2)",
        "on 3 rows; best constant: the mean of their targets, of absolute errors their median",
    ]


@pytest.mark.parametrize(
    ("y_true", "y_pred", "weights", "message"),
    [
        ([1.0], [1.0, 2.0], None, "as many rows. Received: 1 and 2"),
        ([], [], None, "no rows to report: call `update` first"),
        ([1.0], [1.0], [0.0], "no rows to report: all 1 rows have the weight 0"),
        ([[1.0, 2.0]], [1.0], None, r"`y_true` must have the shape \(rows,\). Received: \(1, 2\)"),
        ([1.0, 2.0, 3.0], [1.0, np.inf, np.nan], None, "`y_predicted` has 2 values that are not finite, .* at row 1"),
        (["a"], [1.0], None, "`y_true` must hold numbers"),
        ([1e200], [1.0], None, r"`y_true` must be within 1e\+70. Received: 1e\+200 at row 0"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, -2.0], "`sample_weight` must be at least 0. Received: -2 at row 1"),
        ([1.0, 2.0], [1.0, 2.0], [1.0], "`sample_weight` must be one for each row. Received: 1 for 2"),
    ],
)
def test_rows_that_cannot_be_evaluated_are_refused_in_one_sentence(y_true, y_pred, weights, message):
    with pytest.raises(ValueError, match=message):
        recipes.regression_report(y_true, y_pred, weights)


def test_an_interval_needs_a_confidence_between_0_and_1():
    with pytest.raises(ValueError, match="`confidence` must be between 0 and 1. Received: 95"):
        recipes.regression_report([1.0], [1.0], confidence=95)
