import weakref

import numpy as np
import pytest

import recipes
from recipes.data.store import RowStore
from recipes.evaluation import counting
from recipes.evaluation.blocks import Block, storing
from recipes.evaluation.counting import report_on


def blocks_of(y, outputs, size=300, weights=None):
    for start in range(0, len(y), size):
        rows = slice(start, start + size)
        yield Block(y[rows], outputs[rows].copy(), None if weights is None else weights[rows])


def scored(rows=3000, num_classes=4):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, num_classes, rows)
    logits = generator.normal(size=(rows, num_classes))
    logits[np.arange(rows), labels] += 1.5
    powers = np.exp(logits)
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype("float32")


NAMES = ("0", "1", "2", "3")


@pytest.mark.parametrize("weighted", [False, True])
def test_few_rows_in_blocks_are_scored_as_exactly_as_arrays(weighted):
    y, outputs = scored()
    weights = np.random.default_rng(1).exponential(size=len(y)) if weighted else None
    streamed = report_on(blocks_of(y, outputs, weights=weights), NAMES)
    whole = recipes.classification_report(y, outputs, sample_weight=weights)
    np.testing.assert_allclose(streamed.confusion_matrix, whole.confusion_matrix)
    assert streamed.classes["1"] == pytest.approx(whole.classes["1"])
    assert streamed.probabilities.log_loss == pytest.approx(whole.probabilities.log_loss)
    assert (streamed.probabilities.ranking.roc_auc_bound == 0).all()


def test_the_ranking_of_many_rows_comes_from_bins_with_a_bound_of_its_error(monkeypatch):
    y, outputs = scored()
    monkeypatch.setattr(counting, "MOST_EXACT_SCORES", outputs.size - 1)
    ranking = report_on(blocks_of(y, outputs), NAMES).probabilities.ranking
    exact = recipes.classification_report(y, outputs).probabilities.ranking
    assert (ranking.roc_auc_bound > 0).all()
    assert (np.abs(ranking.roc_auc - exact.roc_auc) <= ranking.roc_auc_bound).all()


@pytest.mark.parametrize("kind", ["classes", "scores", "numbers"])
def test_blocks_are_freed_once_they_are_counted(monkeypatch, kind):
    monkeypatch.setattr(counting, "MOST_EXACT_SCORES", 0)
    y, outputs = scored()
    class_names = NAMES
    if kind == "numbers":
        y, outputs, class_names = y * 1.5, outputs[:, :1], None
    elif kind == "scores":
        outputs = np.log(outputs)
    alive, most = [], 0

    def watched():
        nonlocal most
        for block in blocks_of(y, outputs):
            alive.append(weakref.ref(block.values))
            most = max(most, sum(reference() is not None for reference in alive))
            yield block
            del block

    report_on(watched(), class_names)
    assert len(alive) == 10
    assert most <= 2


def test_scores_after_probabilities_leave_decisions_only():
    # Such as a softmax whose sums are inexact in half precision: the rows before still count.
    y, outputs = scored()
    outputs[-1] = 3.0, 0.0, -1.0, 0.5
    report = report_on(blocks_of(y, outputs), NAMES)
    expected = recipes.classification_report(y, outputs.argmax(1), NAMES)
    np.testing.assert_array_equal(report.confusion_matrix, expected.confusion_matrix)
    assert report.probabilities is None


def test_outputs_that_are_not_finite_are_refused_with_their_place():
    y, outputs = scored()
    outputs[650] = np.nan
    with pytest.raises(ValueError, match="not finite in 1 of 300 rows from row 600 on"):
        report_on(blocks_of(y, outputs), NAMES)


def test_the_values_of_the_first_rows_are_stored_while_blocks_pass():
    y, outputs = scored()
    store = RowStore()
    passed = list(storing(blocks_of(y, outputs), store, 450))
    assert sum(len(block.targets) for block in passed) == 3000
    np.testing.assert_array_equal(store.finish(), outputs[:450])
