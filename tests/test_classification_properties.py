"""Random rows, judged by us and by scikit-learn: what follows from counts to 1e-12, what follows from sums to 1e-9."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

import recipes

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def judged_labels(draw):
    """Labels and predictions of some of up to six classes, perhaps weighted; classes may lack rows or predictions."""
    num_classes, rows = draw(st.integers(2, 6)), draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    there, predicted = (draw(st.sets(st.integers(0, num_classes - 1), min_size=1)) for _ in range(2))
    weights = generator.integers(1, 9, rows) / 4 if draw(st.booleans()) else None
    truth = generator.choice(sorted(there), rows)
    guess = np.where(generator.random(rows) < draw(st.floats(0, 1)), truth, generator.choice(sorted(predicted), rows))
    return num_classes, truth, guess, weights


@st.composite
def judged_scores(draw, multilabel=False):
    """Truth, and probabilities with many ties and some zeros; perhaps weighted."""
    num_classes, rows = draw(st.integers(2, 5)), draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    scores = generator.integers(0, draw(st.sampled_from([3, 50, 10**6])), (rows, num_classes)) + 0.0
    weights = generator.integers(1, 9, rows) / 4 if draw(st.booleans()) else None
    if multilabel:
        truth = (generator.random((rows, num_classes)) < draw(st.floats(0, 1))).astype(int)
        return truth, scores / max(1, scores.max()), weights
    scores[scores.sum(axis=1) == 0] = 1
    truth = generator.choice(sorted(draw(st.sets(st.integers(0, num_classes - 1), min_size=1))), rows)
    return truth, scores / scores.sum(axis=1, keepdims=True), weights


def assert_close(ours, theirs, tolerance=1e-12):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@QUICK
@given(judged_labels())
def test_what_follows_from_counts_is_that_of_scikit_learn(case):
    num_classes, truth, guess, weights = case
    names, numbers = [f"c{number}" for number in range(num_classes)], range(num_classes)
    report = recipes.classification_report(truth, guess, names, sample_weight=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = metrics.confusion_matrix(truth, guess, labels=numbers, sample_weight=weights)
        assert_close(report.confusion_matrix, matrix)
        assert report.confusion_matrix.dtype == (np.int64 if weights is None else np.float64)
        assert_close(report.accuracy, metrics.accuracy_score(truth, guess, sample_weight=weights))
        balanced = metrics.balanced_accuracy_score(truth, guess, sample_weight=weights)
        assert_close(report.overall["balanced_accuracy"], balanced)
        # Where it is undefined, scikit-learn says 0, and we say so.
        correlation = report.overall["matthews_correlation"]
        theirs = metrics.matthews_corrcoef(truth, guess, sample_weight=weights)
        assert_close(np.nan_to_num(correlation), theirs, 1e-10)
        assert np.isnan(correlation) == any(note.startswith("Matthews") for note in report.undefined)
        assert_close(report.overall["cohen_kappa"], metrics.cohen_kappa_score(truth, guess, sample_weight=weights))
        options = {"labels": numbers, "sample_weight": weights, "zero_division": 0}
        expected = metrics.precision_recall_fscore_support(truth, guess, **options)
        for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            assert_close([report.classes[of][name] for of in names], values)
        for mean in ("macro", "micro", "weighted"):
            expected = metrics.precision_recall_fscore_support(truth, guess, average=mean, **options)[:3]
            assert_close(list(getattr(report, mean).values()), expected)
    for number, name in enumerate(names):
        others = truth != number
        specificity = np.average(guess[others] != number, weights=None if weights is None else weights[others]) \
            if others.any() else np.nan  # fmt: skip
        assert_close(report.classes[name]["specificity"], specificity)
        assert (f"precision of class {name!r}: never predicted" in report.undefined) == (number not in guess)
        assert (f"recall of class {name!r}: no rows" in report.undefined) == (number not in truth)
    for name, (low, high) in report.intervals.items():
        if name == "accuracy":
            assert 0 <= low <= report.accuracy <= high <= 1


@QUICK
@given(judged_scores())
def test_what_follows_from_probabilities_is_that_of_scikit_learn(case):
    truth, scores, weights = case
    num_classes = scores.shape[1]
    names = [str(number) for number in range(num_classes)]
    report = recipes.classification_report(truth, scores, sample_weight=weights)
    streamed = recipes.ClassificationCounts(num_classes)
    for rows in np.array_split(np.arange(len(truth)), 3):
        if len(rows):
            streamed.update(truth[rows], scores[rows], None if weights is None else weights[rows])
    binned = streamed.result().probabilities
    ours, ranking = report.probabilities, report.probabilities.ranking
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"sample_weight": weights, "labels": range(num_classes)}
        loss = metrics.log_loss(truth, scores, **options)
        brier = metrics.brier_score_loss(truth, scores, **options)
        assert_close([ours.log_loss, ours.brier], [loss, brier], 1e-9)
        assert_close([binned.log_loss, binned.brier], [loss, brier], 1e-9)
        for number in range(num_classes):
            is_class = truth == number
            area = precision = np.nan
            if is_class.any():
                precision = metrics.average_precision_score(is_class, scores[:, number], sample_weight=weights)
                if not is_class.all():
                    area = metrics.roc_auc_score(is_class, scores[:, number], sample_weight=weights)
            assert_close(report.classes[names[number]]["roc_auc"], area)
            assert_close(report.classes[names[number]]["average_precision"], precision)
            for name, exact in (("roc_auc", area), ("average_precision", precision)):
                value, bound = getattr(binned.ranking, name)[number], getattr(binned.ranking, f"{name}_bound")[number]
                assert np.isnan(exact) == np.isnan(value)
                assert np.isnan(exact) or abs(value - exact) <= bound + 1e-12
    assert not ranking.roc_auc_bound.any()
    assert not ranking.average_precision_bound.any()
    # Among equals the first class is first, as for the prediction itself.
    order = np.argsort(-scores, axis=1, kind="stable")
    for k in range(1, num_classes + 1) if num_classes > 2 else ():
        hits = (order[:, :k] == truth[:, None]).any(axis=1)
        assert_close(ours.top_k(k), np.average(hits, weights=weights))
    assert_close(report.accuracy, np.average(order[:, 0] == truth, weights=weights))


@pytest.mark.extensive
@QUICK
@given(judged_scores(multilabel=True))
def test_multi_label_rows_are_scored_as_by_scikit_learn(case):
    truth, scores, weights = case
    guess = (scores > 0.5).astype(int)
    names = [str(number) for number in range(truth.shape[1])]
    report = recipes.classification_report(truth, scores, sample_weight=weights)
    decided = recipes.classification_report(truth, guess, sample_weight=weights)
    assert decided.overall == report.overall
    assert decided.probabilities is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrices = metrics.multilabel_confusion_matrix(truth, guess, sample_weight=weights)
        assert_close(report.confusion_matrix, matrices)
        assert_close(report.accuracy, metrics.accuracy_score(truth, guess, sample_weight=weights))
        loss = metrics.hamming_loss(truth, guess, sample_weight=weights)
        assert_close(report.overall["hamming_loss"], loss)
        options = {"sample_weight": weights, "zero_division": 0}
        expected = metrics.precision_recall_fscore_support(truth, guess, **options)
        for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            assert_close([report.classes[of][name] for of in names], values)
        for mean in ("macro", "micro", "weighted"):
            expected = metrics.precision_recall_fscore_support(truth, guess, average=mean, **options)[:3]
            assert_close(list(getattr(report, mean).values()), expected)
        losses = []
        for number, name in enumerate(names):
            column, there = scores[:, number], truth[:, number]
            correlation = report.classes[name]["matthews_correlation"]
            theirs = metrics.matthews_corrcoef(there, guess[:, number], sample_weight=weights)
            assert_close(np.nan_to_num(correlation), theirs, 1e-10)
            losses.append(metrics.log_loss(there, column, sample_weight=weights, labels=[0, 1]))
            if there.any():
                precision = metrics.average_precision_score(there, column, sample_weight=weights)
                assert_close(report.classes[name]["average_precision"], precision)
                if not there.all():
                    area = metrics.roc_auc_score(there, column, sample_weight=weights)
                    assert_close(report.classes[name]["roc_auc"], area)
    assert_close(report.probabilities.log_loss, np.mean(losses), 1e-9)
    brier = np.average(((scores - truth) ** 2).mean(axis=1), weights=weights)
    assert_close(report.probabilities.brier, brier, 1e-9)


@QUICK
@given(judged_scores(), st.integers(1, 4))
def test_merged_parts_equal_one_pass(case, num_parts):
    truth, scores, weights = case
    whole = recipes.ClassificationCounts(scores.shape[1], greatest_losses=5)
    whole.update(truth, scores, weights)
    merged = recipes.ClassificationCounts(scores.shape[1], greatest_losses=5)
    for rows in np.array_split(np.arange(len(truth)), num_parts):
        part = recipes.ClassificationCounts(scores.shape[1], greatest_losses=5)
        if len(rows):
            part.update(truth[rows], scores[rows], None if weights is None else weights[rows])
        merged.merge(part)
    assert_close(merged.matrix, whole.matrix)
    assert merged.rows == whole.rows
    for name, values in whole.scores.sums.items():
        assert_close(merged.scores.sums[name], values)
    np.testing.assert_array_equal(merged.scores.losses.rows, whole.scores.losses.rows)
