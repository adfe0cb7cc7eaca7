import numpy as np
import pytest

import recipes
from recipes.metrics.classes import ranking


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def scored(rows, num_classes, skill, seed=0):
    """True class numbers, and float32 probabilities that know them the better the greater `skill` is."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, num_classes, rows)
    logits = generator.normal(size=(rows, num_classes))
    logits[np.arange(rows), truth] += skill
    return truth, softmax(2 * logits).astype(np.float32)


def test_batches_say_what_one_call_says():
    truth, scores = scored(5000, 4, 1.5)
    whole = recipes.classification_report(truth, scores)
    counts = recipes.ClassificationCounts(4)
    for start in range(0, len(truth), 700):
        counts.update(truth[start : start + 700], scores[start : start + 700])
    streamed = counts.result()
    np.testing.assert_array_equal(streamed.confusion_matrix, whole.confusion_matrix)
    for name, ends in whole.intervals.items():
        assert streamed.intervals[name] == pytest.approx(ends, abs=1e-12)
    said, expected = (report.probabilities.to_dict() for report in (streamed, whole))
    assert said["calibration"]["expected_error"] == pytest.approx(expected["calibration"]["expected_error"], abs=1e-12)
    assert (said["log_loss"], said["top_k"]) == (pytest.approx(expected["log_loss"]), expected["top_k"])
    assert streamed.probabilities.greatest_losses == whole.probabilities.greatest_losses
    worst = whole.probabilities.greatest_losses[0]
    losses = -np.log(scores[np.arange(5000), truth].astype(float))
    assert (worst.row, worst.loss) == (losses.argmax(), pytest.approx(losses.max()))
    assert worst.true == str(truth[worst.row])
    assert worst.predicted == str(scores[worst.row].argmax())
    assert [row.loss for row in whole.probabilities.greatest_losses] == pytest.approx(np.sort(losses)[:-21:-1])


@pytest.mark.parametrize("skill", [0.0, 1.0, 3.0, 6.0])
def test_ranking_from_bins_is_near_the_exact_one_and_says_how_near(skill):
    truth, scores = scored(20_000, 3, skill)
    exact = recipes.classification_report(truth, scores).probabilities.ranking
    counts = recipes.ClassificationCounts(3)
    counts.update(truth, scores)
    binned = counts.result().probabilities.ranking
    for name in ("roc_auc", "average_precision"):
        error = np.abs(getattr(binned, name) - getattr(exact, name))
        bound = getattr(binned, f"{name}_bound")
        assert (error <= bound).all()
        assert (bound < 0.003).all()
        assert (error < (1e-4 if name == "roc_auc" else 2e-4)).all()


def test_small_probabilities_of_one_column_are_ranked_as_finely_as_great_ones():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 5000)
    small = np.exp(-20 - generator.exponential(size=5000) + truth).astype(np.float32)
    report = recipes.classification_report(truth, small)
    assert report.classes["0"]["roc_auc"] == pytest.approx(report.classes["1"]["roc_auc"], abs=1e-12)
    counts = recipes.ClassificationCounts(2)
    counts.update(truth, small)
    streamed = counts.result().classes
    assert streamed["1"]["roc_auc"] == pytest.approx(report.classes["1"]["roc_auc"], abs=0.01)
    assert streamed["0"]["roc_auc"] == pytest.approx(streamed["1"]["roc_auc"], abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["labels", "scores", "multi-label"])
def test_a_file_holds_everything_and_parts_of_several_processes_merge(tmp_path, kind, weighted):
    truth, scores = scored(300, 3, 1.0)
    counts_class, given = recipes.ClassificationCounts, scores
    if kind == "labels":
        given = scores.argmax(axis=1)
    elif kind == "multi-label":
        counts_class, truth = recipes.MultiLabelCounts, np.eye(3, dtype=int)[truth]
    weights = np.linspace(0.5, 2, 300) if weighted else None
    whole, parts = counts_class(class_names=["a", "b", "ü"]), []
    whole.update(truth, given, weights)
    for number, rows in enumerate(np.array_split(np.arange(300), 3)):
        part = counts_class(class_names=["a", "b", "ü"])
        part.update(truth[rows], given[rows], None if weights is None else weights[rows])
        part.save(tmp_path / f"{number}.npz")
        parts.append(counts_class.load(tmp_path / f"{number}.npz"))
    merged = parts[0].merge(parts[1]).merge(parts[2])
    # What the file holds goes on.
    assert merged.rows == 300
    assert str(merged.result()) == str(whole.result())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.npz", "1.npz", "2.npz"]
    assert (tmp_path / "0.npz").stat().st_size < 30_000


def test_a_file_of_before_still_has_intervals(tmp_path):
    truth, scores = scored(300, 3, 1.0)
    counts = recipes.ClassificationCounts(3)
    counts.update(truth, scores, np.full(300, 2.0))
    counts.save(tmp_path / "now.npz")
    with np.load(tmp_path / "now.npz") as arrays:
        before = {name: values for name, values in arrays.items() if name != "sum_squared_positives"}
    np.savez(tmp_path / "before.npz", **before)
    loaded = recipes.ClassificationCounts.load(tmp_path / "before.npz").result()
    assert loaded.class_intervals == counts.result().class_intervals


def test_a_thousand_classes_work():
    truth, scores = scored(3000, 1000, 4.0)
    counts = recipes.ClassificationCounts(1000, bins=256)
    counts.update(truth[:1000], scores[:1000])
    counts.update(truth[1000:], scores[1000:])
    report = counts.result()
    assert report.accuracy == (scores.argmax(axis=1) == truth).mean()
    text = str(report)
    assert "the 15 of 1000 classes" in text
    assert len(text) < 6000
    low, high = report.intervals["macro_f1"]
    assert low < report.macro["f1"] < high


def test_a_wrong_batch_leaves_the_counts_as_they_were():
    truth, scores = scored(50, 3, 1.0)
    counts = recipes.ClassificationCounts(3)
    counts.update(truth, scores)
    before = str(counts.result())
    broken = scores.copy()
    broken[-1] = np.nan
    for wrong in ((truth, broken), (truth + 1, scores), (truth, scores[:, :2]), (truth, truth), (truth, -scores)):
        with pytest.raises(ValueError, match="Received|NaN"):
            counts.update(*wrong)
    assert str(counts.result()) == before


def test_a_mean_of_ranking_scores_leaves_out_classes_without_rows():
    truth, scores = scored(200, 4, 1.0)
    report = recipes.classification_report(np.minimum(truth, 2), scores)
    assert np.isnan(report.classes["3"]["roc_auc"])
    assert "recall, ROC AUC, average precision of class '3': no rows" in report.undefined
    areas = [report.classes[name]["roc_auc"] for name in "012"]
    assert report.probabilities.mean("roc_auc") == pytest.approx(np.mean(areas))
    assert report.to_dict()["classes"]["3"]["roc_auc"] is None


def test_ranking_bounds_hold_for_bins_of_a_single_order():
    positives, negatives = np.array([[3, 0, 2]]), np.array([[1, 4, 0]])
    result = ranking.rank_bins(positives, negatives)
    assert result.roc_auc == pytest.approx((3 * 0.5 + 2 * 5) / 25)
    assert result.roc_auc_bound == pytest.approx(3 * 0.5 / 25)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either `num_(classes|labels)` or `class_names`. Received: None, None"),
        ({"num_classes": 0}, "`num_(classes|labels)` must be a whole number of at least 1. Received: 0"),
        ({"num_classes": "3"}, "`num_(classes|labels)` must be a whole number of at least 1. Received: '3'"),
        ({"num_classes": 3, "greatest_losses": -1}, "`greatest_losses` must be a whole number of at least 0"),
        ({"num_classes": 3, "bins": 100}, "`bins` must be a power of two from 64 to 65536. Received: 100"),
        ({"class_names": ["a", "a"]}, "`class_names` must differ. Received: a, a"),
    ],
)
@pytest.mark.parametrize("counts", [recipes.ClassificationCounts, recipes.MultiLabelCounts])
def test_wrong_arguments_are_refused_in_one_sentence(counts, arguments, message):
    if counts is recipes.MultiLabelCounts and "num_classes" in arguments:
        arguments = {**arguments, "num_labels": arguments["num_classes"]}
        arguments.pop("num_classes")
    with pytest.raises(ValueError, match=message):
        counts(**arguments)


def test_counts_that_do_not_fit_each_other_are_not_merged(tmp_path):
    counts = recipes.ClassificationCounts(2)
    with pytest.raises(ValueError, match="there are no rows to report: call `update` first"):
        counts.result()
    counts.update([0, 1], [0, 1])
    scores = recipes.ClassificationCounts(2)
    scores.update([0, 1], [0.2, 0.7])
    for other, message in (
        (recipes.MultiLabelCounts(2), "can be merged with ClassificationCounts alone. Received: MultiLabelCounts"),
        (recipes.ClassificationCounts(3), "if their classes agree. Received: 0, 1 and 0, 1, 2"),
        (scores, "if both had scores, or both labels"),
    ):
        with pytest.raises(ValueError, match=message):
            counts.merge(other)
    finer = recipes.ClassificationCounts(2, bins=4096)
    finer.update([0, 1], [0.2, 0.7])
    with pytest.raises(ValueError, match="if their bins agree. Received: 2048 and 4096"):
        scores.merge(finer)
    counts.save(tmp_path / "counts.npz")
    with pytest.raises(ValueError, match="counts.npz holds no MultiLabelCounts as `save` writes it"):
        recipes.MultiLabelCounts.load(tmp_path / "counts.npz")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        recipes.ClassificationCounts.load(tmp_path / "none.npz")
