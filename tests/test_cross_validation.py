import json

import numpy as np
import pytest

import recipes
from recipes.training.cross_validation import corrected_interval


@pytest.mark.backend
def test_every_row_is_predicted_once_by_a_model_that_has_not_seen_it(short_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = recipes.cross_validate(short_recipe, "iris", folds=2, seed=5, epochs=2, verbose=False)
    assert np.sort(result.row).tolist() == list(range(150))
    assert np.bincount(result.fold).tolist() == [75, 75]
    assert (result.probability.shape, result.epochs) == ((150, 3), (2, 2))
    np.testing.assert_array_equal(result.predicted, result.probability.argmax(axis=1))
    right = result.predicted == result.label
    assert result.scores["accuracy"].tolist() == pytest.approx([right[result.fold == fold].mean() for fold in (0, 1)])
    assert result.report.accuracy == pytest.approx(right.mean())
    assert (result.mean["accuracy"], result.std["accuracy"]) == pytest.approx(
        (result.scores["accuracy"].mean(), result.scores["accuracy"].std(ddof=1))
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.extensive
def test_a_regression_is_judged_in_the_units_of_its_targets_and_told_in_a_table(short_recipe, capsys):
    result = recipes.cross_validate(short_recipe, "diabetes", folds=2, epochs=1)
    assert [line[:17] for line in capsys.readouterr().out.splitlines()[-2:]] == [
        "fold 0: 1 epochs,",
        "fold 1: 1 epochs,",
    ]
    assert result.report.mae == pytest.approx(np.abs(result.predicted - result.label).mean())
    assert 100 < result.label.mean() < 200
    lines = str(result).splitlines()
    assert lines[0] == "tabular on diabetes, split at random, seed 0"
    assert lines[2].split() == ["fold", "rows", "epochs", "MAE", "RMSE", "R2"]
    assert "no interval of folds is exact" in str(result)
    content = json.loads(json.dumps(result.to_dict()))
    assert content["folds"][1]["mae"] == result.scores["mae"][1]
    assert content["intervals"]["r2"][1] <= 1


def test_the_interval_covers_what_it_says_where_each_row_is_tested_once():
    # Least squares on 100 rows of 5 columns, ten folds: the mean over many such data is what is to be covered.
    generator, results = np.random.default_rng(0), []
    fold = np.arange(100) % 10
    for _ in range(400):
        x = generator.normal(size=(100, 5))
        y = x.sum(axis=1) + generator.normal(size=100)
        scores = []
        for number in range(10):
            inside = fold == number
            weights = np.linalg.lstsq(x[~inside], y[~inside])[0]
            scores.append(np.abs(x[inside] @ weights - y[inside]).mean())
        results.append(np.array(scores))
    truth = np.mean(results)
    covered = {}
    for share in (1 / 9, 0.0):
        ends = [corrected_interval(scores, share) for scores in results]
        covered[share] = np.mean([low <= truth <= high for low, high in ends])
    assert covered[1 / 9] >= 0.95
    assert covered[1 / 9] > covered[0.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 0}, "`folds` must be a whole number of at least 2. Received: 0"),
        ({"confidence": 95}, "`confidence` must be between 0 and 1. Received: 95"),
        ({"model": 3}, "`model` must be a function of the dataset that returns a new model for each fold. Received: 3"),
        ({"seed": -1}, "`seed` must be a whole number"),
        ({"data": "irsi"}, "unknown dataset 'irsi': did you mean 'iris'"),
    ],
)
def test_what_does_not_fit_is_told_before_training(options, message):
    with pytest.raises(ValueError, match=message):
        recipes.cross_validate("tabular", **{"data": "iris", **options})
