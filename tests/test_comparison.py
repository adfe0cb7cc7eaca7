import itertools
import json
import shutil

import numpy as np
import pandas
import pytest

import recipes
from recipes.cli import main
from recipes.metrics import compare_predictions
from recipes.runs.stored import Stored


@pytest.fixture(scope="module")
def runs(tmp_path_factory, run, short_recipe, save_run):
    """A folder with runs on breast_cancer: `good`, a `poor` one on the same split, and the `other` on another split."""
    output = tmp_path_factory.mktemp("compared")
    shutil.copytree(run.directory, output / "good")
    finished(save_run(output / "poor", short_recipe.replace(model={"widths": [2]}), "breast_cancer"))
    as_of_seed_1(output / "poor", output / "other", "breast_cancer")
    return output


def finished(run):
    """A run that was saved without its report, and now has it."""
    change(run / "versions.json", missing=["report", "predictions"])
    recipes.evaluate(run)


def as_of_seed_1(run, copy, data):
    """A copy of a run that says that it was trained with seed 1."""
    shutil.copytree(run, copy)
    fingerprint = recipes.load_dataset(data, seed=1).fingerprint
    fingerprint.save(copy / "rows.npz")
    change(copy / "versions.json", seed=1, fingerprint=fingerprint.to_dict())


def change(file, **facts):
    facts = {**json.loads(file.read_text()), **facts}
    file.write_text(json.dumps({name: value for name, value in facts.items() if value is not None}))
    without_manifest(file.parent)


def without_manifest(run):
    """A run before it had a manifest, which would call the file that a test has changed a damaged one."""
    (run / "manifest.json").unlink(missing_ok=True)


def test_a_significant_difference_takes_one_sentence(runs, run):
    comparison = recipes.compare(runs / "good", runs / "poor")
    poor = recipes.evaluate(runs / "poor")
    scores = comparison.pairs[0].differences["accuracy"]
    assert (scores.first, scores.second) == (run.report.accuracy, poor.accuracy)
    f1 = comparison.pairs[0].differences["macro_f1"]
    assert (f1.first, f1.second) == pytest.approx((run.report.macro["f1"], poor.macro["f1"]), abs=1e-12)
    assert (comparison.better, comparison.rows) == ("good", 113)
    assert comparison.verdict.startswith(
        f"good is better: accuracy {scores.first:.4f} against {scores.second:.4f} on the"
    )
    assert "same 113 rows" in comparison.verdict
    assert str(comparison).count(comparison.verdict) == 1
    for given in (run, recipes.Stored(run.directory), str(run.directory)):
        assert recipes.compare(given, runs / "poor").pairs[0].differences == comparison.pairs[0].differences
    turned = recipes.compare(runs / "poor", runs / "good")
    assert turned.verdict == comparison.verdict
    assert turned.pairs[0].differences["accuracy"].value == -scores.value


def test_without_stored_predictions_the_models_predict_anew(runs, tmp_path):
    shutil.copytree(runs / "good", tmp_path / "good")
    (tmp_path / "good" / "predictions.npz").unlink()
    without_manifest(tmp_path / "good")
    anew = recipes.compare(tmp_path / "good", runs / "poor")
    assert anew.source == "the test part of breast-cancer"
    assert anew.pairs == recipes.compare(runs / "good", runs / "poor").pairs
    x, y = recipes.load_dataset("breast_cancer").test
    given = recipes.compare(runs / "good", runs / "other", data=(x, y))
    assert given.rows == 113
    assert given.better == "good"


def test_models_are_compared_on_the_same_batches(runs):
    x, y = recipes.load_dataset("breast_cancer").test
    expected = recipes.compare(runs / "good", runs / "poor", data=(x, y)).pairs
    batches = [(x[start : start + 30], y[start : start + 30]) for start in range(0, len(x), 30)]
    assert recipes.compare(runs / "good", runs / "poor", data=iter(batches)).pairs == expected
    shortened = recipes.compare(runs / "good", runs / "poor", data=lambda: itertools.cycle(batches), steps=2)
    assert (shortened.rows, shortened.source) == (60, "the rows given")
    for data, steps, message in (
        (iter([(x, y, np.ones(len(x)))]), None, "compared on rows without weights"),
        (iter([]), None, "`data` must have rows. Received: none"),
        (itertools.cycle(batches), None, "`data` never ends: give `steps`"),
        (iter([batches[0], (x[:, :2], y)]), None, r"rows of one shape to be compared. Received: \(30,\) and \(2,\)"),
        ((x, y), 2, "`steps` is for data that come in batches"),
    ):
        with pytest.raises(ValueError, match=message):
            recipes.compare(runs / "good", runs / "poor", data=data, steps=steps)


def test_runs_that_were_tested_on_different_rows_are_refused(runs):
    for data in (None, "breast_cancer"):
        with pytest.raises(
            ValueError, match=r"good and other were tested on different rows \(breast_cancer, seed 0 and 1"
        ):
            recipes.compare(runs / "good", runs / "other", data=data)


def test_equal_labels_are_no_proof_of_equal_rows(tmp_path, short_recipe, save_run):
    # The rows of iris are sorted by class, so that the labels of every test part are the same.
    save_run(tmp_path / "seed0", short_recipe, "iris")
    as_of_seed_1(tmp_path / "seed0", tmp_path / "seed1", "iris")
    first, second = (recipes.load_dataset("iris", seed).test for seed in (0, 1))
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], second[0])
    with pytest.raises(ValueError, match="seed0 and seed1 were tested on different rows"):
        recipes.compare(tmp_path / "seed0", tmp_path / "seed1")


def test_a_test_part_that_came_with_the_data_is_the_same_for_every_seed(tmp_path, short_recipe, save_run):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(300, 4)), generator.normal(size=300)
    np.savez(tmp_path / "parts.npz", x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    finished(save_run(tmp_path / "seed0", short_recipe, tmp_path / "parts.npz"))
    as_of_seed_1(tmp_path / "seed0", tmp_path / "seed1", tmp_path / "parts.npz")
    comparison = recipes.compare(tmp_path / "seed0", tmp_path / "seed1")
    assert (comparison.task, comparison.rows) == ("regression", 100)
    assert comparison.source == "the predictions in the run folders"
    errors = comparison.pairs[0].differences["mae"]
    assert errors.first == pytest.approx(recipes.evaluate(tmp_path / "seed0").mae)


def test_more_than_two_models_are_compared_in_a_table_with_adjusted_p_values():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 400)
    wrong = {"first": 0.10, "equal": 0.11, "better": 0.02, "worse": 0.3}
    predicted = {
        name: np.where(generator.random(400) < share, (labels + 1) % 3, labels) for name, share in wrong.items()
    }
    comparison = compare_predictions(labels, predicted, 3)
    raw = [pair.differences["accuracy"].p_value for pair in comparison.pairs]
    assert [pair.better for pair in comparison.pairs] == [None, "better", "first"]
    assert all(pair.p_value >= p_value for pair, p_value in zip(comparison.pairs, raw, strict=True))
    assert min(raw) * 3 == pytest.approx(min(pair.p_value for pair in comparison.pairs))
    assert comparison.better is None
    lines = str(comparison).splitlines()
    assert [line.rsplit("  ", 1)[-1] for line in lines if line.startswith(("equal ", "better  ", "worse "))] == [
        "not significant",
        "better",
        "worse",
    ]
    assert [line.split(":")[0] for line in lines[:3]] == [
        "no significant difference",
        "better is better",
        "first is better",
    ]
    assert json.loads(json.dumps(comparison.to_dict()))["pairs"][1]["better"] == "better"


def test_classes_are_matched_by_their_names(runs, tmp_path):
    shutil.copytree(runs / "good", tmp_path / "turned")
    change(tmp_path / "turned" / "versions.json", classes=["benign", "malignant"])
    stored = Stored(runs / "good").predictions
    turned = {"label": 1 - stored["label"], "predicted": 1 - stored["predicted"]}
    np.savez(tmp_path / "turned" / "predictions.npz", **turned)
    comparison = recipes.compare(runs / "good", tmp_path / "turned")
    assert (comparison.pairs[0].only_first, comparison.pairs[0].only_second, comparison.better) == (0, 0, None)
    assert comparison.verdict.startswith("no significant difference: accuracy")


def test_the_command_prints_the_verdict_or_json(runs, capsys):
    assert main(["compare", str(runs / "good"), str(runs / "poor")]) == 0
    assert capsys.readouterr().out.startswith("good is better: accuracy")
    assert main(["compare", str(runs / "good"), str(runs / "poor"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["better"] == "good"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good"], "compare needs at least two runs. Received: good"),
        (["good", "./good"], "the runs must differ. Received: good, good"),
        (["good", "none"], "there is no run folder or .keras file none"),
        (
            ["good", "other"],
            "give rows that none of them was trained on as `data` (--data), or train them with one seed",
        ),
        (["good", "bare.keras"], "`data` is needed: bare.keras is no run folder that says what it was trained on"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_in_one_sentence(arguments, message, runs, capsys, monkeypatch):
    monkeypatch.chdir(runs)
    (runs / "bare.keras").write_bytes((runs / "good" / "model.keras").read_bytes())
    assert main(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert message in captured.err


def table(count, seed):
    draws = np.random.default_rng(seed)
    return pandas.DataFrame(
        {"a": draws.normal(size=count), "kind": draws.choice(["x", "y"], count), "y": draws.normal(size=count)}
    )


@pytest.mark.filterwarnings("ignore:.*has changed since")
def test_the_same_settings_and_seed_are_no_proof_of_the_same_rows(tmp_path, short_recipe, save_run):
    file = tmp_path / "table.csv"
    table(100, 0).to_csv(file, index=False)
    first, second = (save_run(tmp_path / name, short_recipe, file, "y") for name in ("first", "second"))
    pandas.concat([table(100, 0), table(10, 1)]).to_csv(file, index=False)
    grown = save_run(tmp_path / "grown", short_recipe, file, "y")
    for data in (None, file):
        with pytest.raises(ValueError, match="first and grown were tested on different rows"):
            recipes.compare(first, grown, data=data)
        with pytest.warns(UserWarning, match="has changed since the training of .*: the report is on its 20 test rows"):
            assert recipes.compare(first, second, data=data).rows == 20


def test_the_same_rows_in_another_order_are_matched(tmp_path, short_recipe, save_run):
    rows, test = table(100, 0), table(50, 1)
    for name, order in (("first", test), ("second", test.sample(frac=1, random_state=0))):
        (tmp_path / name).mkdir()
        rows.to_csv(tmp_path / name / "table.csv", index=False)
        order.to_csv(tmp_path / name / "test.csv", index=False)
        recipe = short_recipe.replace(data={"test_file": str(tmp_path / name / "test.csv")})
        run = save_run(tmp_path / name / "run", recipe, tmp_path / name / "table.csv", "y")
        if name == "second":
            shutil.copy(tmp_path / "first" / "run" / "model.keras", run)
        predicted = recipes.predict(run, tmp_path / name / "test.csv")[:, 0]
        np.savez(run / "predictions.npz", label=order["y"], predicted=predicted)
        (run / "report.json").write_text('{"rows": 50}')
    runs = tmp_path / "first" / "run", tmp_path / "second" / "run"
    stored = recipes.compare(*runs)
    assert stored.source == "the predictions in the run folders"
    (runs[1] / "predictions.npz").unlink()
    for comparison in (stored, recipes.compare(*runs)):
        assert comparison.rows == 50
        assert comparison.pairs[0].differences["mae"].value == pytest.approx(0, abs=1e-6)


def test_runs_of_older_versions_are_compared_by_settings_and_seed(tmp_path, runs, short_recipe, save_run):
    for name in ("good", "poor"):
        shutil.copytree(runs / name, tmp_path / name)
        change(tmp_path / name / "versions.json", fingerprint=None)
    assert (
        recipes.compare(tmp_path / "good", tmp_path / "poor").pairs
        == recipes.compare(runs / "good", runs / "poor").pairs
    )
    change(tmp_path / "poor" / "versions.json", seed=1)
    with pytest.raises(ValueError, match="good and poor were tested on different rows"):
        recipes.compare(tmp_path / "good", tmp_path / "poor")
    table(100, 0).to_csv(tmp_path / "table.csv", index=False)
    files = [save_run(tmp_path / name, short_recipe, tmp_path / "table.csv", "y") for name in ("first", "second")]
    change(files[0] / "versions.json", fingerprint=None)
    with pytest.warns(UserWarning, match="cannot be checked"):
        assert recipes.compare(*files).rows == 20
