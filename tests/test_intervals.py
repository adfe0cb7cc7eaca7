"""A stated confidence must be kept: intervals are simulated for known truths, with fixed seeds."""

import numpy as np
import pytest

import recipes
from recipes.metrics.classes import decision_scores, intervals

# What a classifier of three classes does in the long run: the probability of each (true, predicted) pair.
TRUTH = np.array([[0.42, 0.05, 0.03], [0.04, 0.25, 0.01], [0.05, 0.03, 0.12]])
TIMES = 300


def simulated(rows, truth=TRUTH):
    generator = np.random.default_rng(0)
    names = tuple("abc"[: len(truth)])
    for _ in range(TIMES):
        counts = generator.multinomial(rows, truth.ravel()).reshape(truth.shape)
        yield recipes.metrics.ClassificationReport(counts, names)


def test_intervals_hold_the_truth_as_often_as_they_say():
    margins = decision_scores.Margins.of(TRUTH)
    overall = {name: score(margins) for name, score in recipes.metrics.classes.single_label.OVERALL.items()}
    by_class = {name: score(margins) for name, score in decision_scores.BY_CLASS.items()}
    held = dict.fromkeys((*overall, *by_class), 0)
    for report in simulated(400):
        for name, value in overall.items():
            low, high = report.intervals[name]
            held[f"overall {name}"] = held.get(f"overall {name}", 0) + (low <= value <= high)
        for number, ends in enumerate(report.class_intervals.values()):
            for name, values in by_class.items():
                low, high = ends[name]
                held[name] += (low <= values[number] <= high) / 3
    # In 300 simulations, 95 % comes out as 91.2 to 98.8 % in 997 of 1000 cases.
    shares = {name: count / TIMES for name, count in held.items() if count}
    assert len(shares) == len(overall) + len(by_class)
    assert min(shares.values()) > 0.92, shares
    assert max(shares.values()) < 0.985, shares


@pytest.mark.extensive
def test_roc_auc_log_loss_and_brier_are_held_too():
    generator, held = np.random.default_rng(0), np.zeros(3)
    share = np.linspace(0.02, 0.98, 49)
    # Of pairs with other truths, how often the greater probability is that of the 1.
    ones, zeros = share[:, None] * (1 - share), share[:, None] > share
    area = ((ones * zeros).sum() + (ones * np.eye(49)).sum() / 2) / ones.sum()
    truths = area, -(share * np.log(share) + (1 - share) * np.log(1 - share)).mean(), (share * (1 - share)).mean()
    for _ in range(TIMES):
        scores = generator.choice(share, 300)
        report = recipes.classification_report((generator.random(300) < scores).astype(int), scores)
        ends = report.class_intervals["1"]["roc_auc"], report.intervals["log_loss"], report.intervals["brier"]
        held += [low <= truth <= high for (low, high), truth in zip(ends, truths, strict=True)]
    assert (held / TIMES > 0.92).all(), held
    assert (held / TIMES < 0.985).all(), held


def test_wilson_keeps_its_coverage_near_one():
    generator = np.random.default_rng(0)
    for share, rows in ((0.5, 30), (0.95, 50), (0.99, 200)):
        hits = generator.binomial(rows, share, 20_000)
        low, high = intervals.wilson(hits / rows, rows)
        assert 0.925 < ((low <= share) & (share <= high)).mean() < 0.985


@pytest.mark.parametrize("scale", [1.0, 100, 0.01, 2.5])
def test_intervals_of_equal_weights_are_those_of_the_rows(scale):
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 300)
    odds = np.exp(generator.normal(size=(300, 3)) + np.eye(3)[y])
    scores, labels = odds / odds.sum(axis=1, keepdims=True), generator.random((300, 3)) < odds / (1 + odds)
    for truth, given in ((y, scores), (y, y[::-1]), (y % 2, scores[:, 0]), (labels, odds / (1 + odds))):
        plain = recipes.classification_report(truth, given)
        weighted = recipes.classification_report(truth, given, sample_weight=np.full(300, scale))
        for name, (low, high) in plain.intervals.items():
            assert weighted.intervals[name] == pytest.approx((low, high), abs=1e-3)
        for name, by_score in plain.class_intervals.items():
            for score, ends in by_score.items():
                assert weighted.class_intervals[name][score] == pytest.approx(ends, abs=1e-9)


def test_the_interval_of_roc_auc_takes_weights_for_no_counts():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 200)
    scores = 1 / (1 + np.exp(-generator.normal(size=200) - y))
    weights = np.where(y == 1, generator.integers(1, 9, 200), 1)

    def interval(rows, weights=None):
        return recipes.classification_report(y[rows], scores[rows], sample_weight=weights).class_intervals["1"][
            "roc_auc"
        ]

    low, high = interval(slice(None), weights)
    times = np.repeat(np.arange(200), weights)  # as many rows as that were not seen
    assert np.diff(interval(times)) < np.diff((low, high)) * 0.9
    plain = np.diff(interval(slice(None)))
    assert plain < np.diff((low, high)) < 1.5 * plain


def test_intervals_of_weighted_rows_are_those_of_fewer_rows():
    truth, guess = np.array([0, 1] * 50), np.array([0, 1, 1, 1, 0] * 20)
    alike = recipes.classification_report(truth, guess)
    same = recipes.classification_report(truth, guess, sample_weight=np.full(100, 7.0))
    for name, ends in alike.intervals.items():
        assert same.intervals[name] == pytest.approx(ends)
    uneven = recipes.classification_report(truth, guess, sample_weight=np.where(np.arange(100) < 10, 100.0, 1e-9))
    ten = recipes.classification_report(truth[:10], guess[:10])
    assert uneven.intervals["accuracy"] == pytest.approx(ten.intervals["accuracy"], abs=1e-6)
    assert uneven.class_intervals["1"]["f1"] == pytest.approx(ten.class_intervals["1"]["f1"], abs=1e-6)


def test_no_errors_leave_nothing_to_resample_but_wilson_a_width():
    report = recipes.classification_report([0, 1, 2] * 20, [0, 1, 2] * 20)
    assert np.isnan(report.intervals["macro_f1"]).all()
    assert report.undefined == ("intervals of all but the accuracy: no mixture of right and wrong rows to resample",)
    low, high = report.class_intervals["0"]["f1"]
    assert 0.9 < low < high == 1
    assert report.intervals["accuracy"][0] == pytest.approx(0.9398, abs=1e-4)


def test_more_confidence_makes_wider_intervals_and_draws_are_repeatable():
    matrix = np.array([[40, 8], [6, 46]])
    narrow, wide = (recipes.metrics.ClassificationReport(matrix, ("a", "b"), level).intervals for level in (0.8, 0.99))
    for name, (low, high) in narrow.items():
        assert wide[name][0] < low < high < wide[name][1]
    assert recipes.metrics.ClassificationReport(matrix, ("a", "b"), 0.8).intervals == narrow
