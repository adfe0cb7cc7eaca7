import numpy as np
import pytest
from sklearn import metrics

import recipes
from recipes.metrics import find_threshold


def rows(count=600):
    generator = np.random.default_rng(0)
    truth = (generator.random(count) < 0.2).astype(int)
    return truth, 1 / (1 + np.exp(-(generator.normal(size=count) + 2 * truth - 2))).astype(np.float32)


def scores_at(truth, scores, threshold):
    guess = scores >= threshold
    return (
        metrics.precision_score(truth, guess), metrics.recall_score(truth, guess), metrics.f1_score(truth, guess),
        metrics.recall_score(1 - truth, ~guess),
    )  # fmt: skip


@pytest.mark.parametrize("wish", [{}, {"recall": 0.9}, {"precision": 0.8}, {"recall": 1}])
def test_a_threshold_has_the_recall_or_precision_asked_for(wish):
    truth, scores = rows()
    exact = find_threshold(truth, scores, **wish)
    binned = recipes.classification_report(truth, scores).threshold(**wish)
    for found in (exact, binned):
        said = found.precision, found.recall, found.f1, found.specificity
        assert said == pytest.approx(scores_at(truth, scores, found.threshold))
        assert all(getattr(found, name) >= value for name, value in wish.items())
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    every = precision, recall, 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    aim = {"recall": 0, "precision": 1}.get(next(iter(wish), None), 2)
    # The last point of the curve is none of a threshold.
    met = ((recall >= wish.get("recall", 0)) & (precision >= wish.get("precision", 0)))[:-1]
    best = (exact.precision, exact.recall, exact.f1)[aim]
    assert best == pytest.approx(every[aim][:-1][met].max())
    assert (binned.precision, binned.recall, binned.f1)[aim] > best - 0.06


def test_weights_count_as_repeated_rows():
    truth, scores = rows(200)
    weights = np.arange(200) % 3 + 1
    repeated = find_threshold(np.repeat(truth, weights), np.repeat(scores, weights), recall=0.8)
    assert vars(find_threshold(truth, scores, recall=0.8, sample_weight=weights)) == pytest.approx(vars(repeated))


def test_each_label_of_several_has_its_threshold():
    truth, scores = rows()
    both, twice = np.stack([truth, 1 - truth], axis=1), np.stack([scores, 1 - scores], axis=1)
    report = recipes.classification_report(both, twice, ["rain", "sun"], multi_label=True)
    expected = recipes.classification_report(truth, scores).threshold(recall=0.9)
    assert vars(report.threshold("rain", recall=0.9)) == pytest.approx(vars(expected))
    assert report.threshold("sun", precision=0.9).precision >= 0.9
    with pytest.raises(ValueError, match="there is no label 'snow'. Known: rain, sun"):
        report.threshold("snow")


@pytest.mark.parametrize(
    ("truth", "scores", "wish", "message"),
    [
        ([0, 1], [0.1, 0.9], {"recall": 1.5}, "`recall` must lie above 0 and up to 1. Received: 1.5"),
        ([0, 1], [0.1, 0.9], {"recall": 0.5, "precision": 0.5}, "give `recall` or `precision`, not both"),
        ([0, 0], [0.1, 0.9], {}, "no threshold can be chosen: there are no rows of class 1"),
        ([1, 0], [0.1, 0.9], {"precision": 0.9}, "no threshold gives a precision of 0.9: the most is 0.5000"),
        ([0, 2], [0.1, 0.9], {}, "`y_true` must be 0 or 1. Received: 2"),
        (["a", "b"], [0.1, 0.9], {}, "`y_true` must be 0 or 1. Received: 'a'"),
        ([0, 1], [0, 1], {}, r"`y_score` must be floats \(rows,\). Received: int64"),
        ([0, 1], [0.1, 1.9], {}, "from 0 to 1; .* Received: 1.9 at row 1"),
    ],
)
def test_thresholds_that_do_not_exist_are_refused_in_one_sentence(truth, scores, wish, message):
    with pytest.raises(ValueError, match=message):
        find_threshold(truth, np.array(scores), **wish)


def test_a_threshold_needs_probabilities_of_two_classes():
    for report in (recipes.classification_report([0, 1], [0, 1]), recipes.classification_report([0, 1], np.eye(3)[:2])):
        with pytest.raises(ValueError, match="a threshold needs probabilities of two classes"):
            report.threshold()
