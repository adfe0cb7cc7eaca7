"""One contract over the three classes that collect rows batch by batch."""

import json

import numpy as np
import pytest

import recipes
from recipes.arguments.npz import read_npz, write_npz
from recipes.metrics.accumulator import Accumulator


def of_classes():
    generator = np.random.default_rng(0)
    return recipes.ClassificationCounts, {"num_classes": 3}, generator.integers(3, size=40), generator.random((40, 3))


def of_labels():
    generator = np.random.default_rng(1)
    return recipes.MultiLabelCounts, {"num_labels": 3}, generator.random((40, 3)) > 0.5, generator.random((40, 3))


def of_numbers():
    generator = np.random.default_rng(2)
    return recipes.RegressionSums, {}, generator.normal(size=40), generator.normal(size=40)


@pytest.fixture(params=[of_classes, of_labels, of_numbers], ids=lambda case: case.__name__)
def case(request):
    kind, options, truth, predicted = request.param()
    if kind is recipes.ClassificationCounts:
        predicted /= predicted.sum(axis=1, keepdims=True)
    return kind, options, truth, predicted


def as_numbers(report):
    return json.loads(json.dumps(report.to_dict()), parse_float=lambda text: pytest.approx(float(text), rel=1e-9))


def test_batches_and_merged_parts_give_the_report_on_all_rows(case, tmp_path):
    kind, options, truth, predicted = case
    weights = np.linspace(0.5, 2, 40)
    whole = kind(**options).update(truth, predicted, weights)
    assert isinstance(whole, Accumulator)
    streamed = kind(**options).update(truth[:15], predicted[:15], weights[:15])
    assert streamed.update(truth[15:], predicted[15:], weights[15:]) is streamed
    first, second = (kind(**options).update(truth[part], predicted[part], weights[part])
                     for part in (slice(25), slice(25, None)))  # fmt: skip
    assert first.merge(second) is first
    first.save(tmp_path / "sums")
    loaded = kind.load(str(tmp_path / "sums"))
    assert [file.name for file in tmp_path.iterdir()] == ["sums"]
    for other in (streamed, first, loaded):
        assert other.result().to_dict() == as_numbers(whole.result())
    assert loaded.result().to_dict() == first.result().to_dict()


def test_a_loaded_one_goes_on(case, tmp_path):
    kind, options, truth, predicted = case
    empty = kind(**options)
    empty.save(tmp_path / "sums")
    loaded = kind.load(tmp_path / "sums").update(truth, predicted)
    assert loaded.result().to_dict() == empty.update(truth, predicted).result().to_dict()


def test_the_confidence_belongs_to_the_result(case):
    kind, options, truth, predicted = case
    counts = kind(**options).update(truth, predicted)
    name = "mae" if kind is recipes.RegressionSums else "accuracy"
    (low, high), (lower, higher) = (counts.result(confidence).intervals[name] for confidence in (0.8, 0.99))
    assert lower < low < high < higher
    assert counts.result().confidence == 0.95
    for confidence in (95, 0, True, "high"):
        with pytest.raises(ValueError, match=f"`confidence` must be between 0 and 1. Received: {confidence!r}"):
            counts.result(confidence).to_dict()
    with pytest.raises(TypeError, match="confidence"):
        kind(**options, confidence=0.9)


def test_nothing_is_reported_without_rows(case):
    kind, options, truth, predicted = case
    with pytest.raises(ValueError, match="there are no rows to report: call `update` first"):
        kind(**options).result()
    with pytest.raises(ValueError, match="no rows"):
        kind(**options).update(truth, predicted, np.zeros(40)).result()


def test_a_wrong_batch_and_a_wrong_partner_change_nothing(case):
    kind, options, truth, predicted = case
    counts = kind(**options).update(truth, predicted)
    before = counts.result().to_dict()
    broken = predicted.copy()
    broken[-1] = np.nan
    for batch in ((truth, broken), (truth, predicted[1:]), (truth, predicted, -np.ones(40))):
        with pytest.raises(ValueError):  # noqa: PT011  (each class has its own sentences, tested beside it)
            counts.update(*batch)
    with pytest.raises(ValueError, match=f"{kind.__name__} can be merged with {kind.__name__} alone. Received: int"):
        counts.merge(3)
    assert counts.result().to_dict() == before


def test_a_save_that_fails_leaves_the_file_as_it_was(case, tmp_path, monkeypatch):
    kind, options, truth, predicted = case
    counts = kind(**options).update(truth, predicted)
    counts.save(tmp_path / "sums.npz")
    before = (tmp_path / "sums.npz").read_bytes()

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space left"):
        counts.save(tmp_path / "sums.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["sums.npz"]
    assert (tmp_path / "sums.npz").read_bytes() == before


def test_other_files_are_refused(case, tmp_path):
    kind, options, truth, predicted = case
    kind(**options).update(truth, predicted).save(tmp_path / "sums.npz")
    arrays = read_npz(tmp_path / "sums.npz")
    write_npz(tmp_path / "other.npz", {"x": np.zeros(3)})
    write_npz(tmp_path / "meta.npz", {"meta": arrays["meta"]})
    write_npz(tmp_path / "kind.npz", {**arrays, "meta": np.array('{"kind": "Counts"}')})
    for name in ("other", "meta", "kind"):
        with pytest.raises(ValueError, match=f"{name}.npz holds no {kind.__name__} as `save` writes it"):
            kind.load(tmp_path / f"{name}.npz")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(ValueError, match=r"text.npz is no readable NPZ file"):
        kind.load(tmp_path / "text.npz")
    with pytest.raises(FileNotFoundError, match="there is no file .*none"):
        kind.load(tmp_path / "none")


def test_sums_of_a_regression_that_an_older_version_saved_are_read(tmp_path):
    sums = recipes.RegressionSums(worst=2).update([1.0, 2.0, 4.0], [1.5, 2.0, 3.9])
    sums.save(tmp_path / "now.npz")
    arrays = read_npz(tmp_path / "now.npz")
    meta = json.loads(str(arrays.pop("meta")))
    names = ("worst", "seen", "rows", "centre", "lowest", "highest")
    older = {"format": np.array("keras-recipes regression sums 2")}
    older["numbers"] = np.array([0.95, *(meta[name] for name in names)])
    write_npz(tmp_path / "older.npz", arrays | older)
    assert recipes.RegressionSums.load(tmp_path / "older.npz").result() == sums.result()
