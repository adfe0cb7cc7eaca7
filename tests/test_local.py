import os
from pathlib import Path

import numpy as np
import pytest

import recipes

pytestmark = pytest.mark.skipif(
    "KERAS_RECIPES_DATA" not in os.environ, reason="KERAS_RECIPES_DATA does not name the folder with the data files"
)


def test_housing_is_complete():
    dataset = recipes.load_dataset("housing")
    parts = [getattr(dataset, part) for part in ("train", "validation", "test")]
    assert sum(len(y) for _, y in parts) == 20_640
    assert (dataset.task, dataset.target_name) == ("regression", "median_house_value")
    assert len(dataset.feature_names) == 9
    assert sum(int(np.isnan(x).sum()) for x, _ in parts) == 207
    assert dataset.preparation.indicators == ("total_bedrooms",)


def test_adult_keeps_its_official_test_rows():
    dataset = recipes.load_dataset("adult")
    assert [len(dataset.train[1]) + len(dataset.validation[1]), len(dataset.test[1])] == [32_561, 16_281]
    assert dataset.class_names == ("<=50K", ">50K")
    assert dataset.test[1].sum() == 3_846
    assert len(dataset.preparation.vocabularies["education"]) == 16
    assert "test as given" in dataset.describe()


def test_the_folder_may_be_named(tmp_path, monkeypatch):
    source = Path(os.environ["KERAS_RECIPES_DATA"], "tabular", "housing.csv")
    monkeypatch.delenv("KERAS_RECIPES_DATA")
    with pytest.raises(
        FileNotFoundError, match=r"housing.csv of the dataset 'housing' is not here: put housing.csv into"
    ):
        recipes.load_dataset("housing")
    with pytest.raises(FileNotFoundError, match="there is no data folder"):
        recipes.load_dataset("housing", data_dir=tmp_path / "none")
    (tmp_path / "housing").mkdir()
    (tmp_path / "housing" / "housing.csv").write_bytes(source.read_bytes())
    assert len(recipes.load_dataset("housing", data_dir=tmp_path).test[1]) == 4_128
    (tmp_path / "housing" / "housing.csv").write_bytes(source.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"housing.csv has 9 fields in line 20641 and 10 in the first"):
        recipes.load_dataset("housing", data_dir=tmp_path)


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_adult_trains_with_embeddings_and_predicts_its_own_file(tmp_path, short_recipe):
    folder = Path(os.environ["KERAS_RECIPES_DATA"], "tabular")
    recipe = short_recipe.replace(fit={"epochs": 1, "batch_size": 256})
    run = recipes.train(recipe, "adult", output=tmp_path, pictures=False, verbose=False)
    assert run.report.accuracy > 0.8
    embedding = run.model.layers[-2].get_layer("embedding")
    assert [tuple(table.shape) for table in embedding.embeddings] == [(42, 13)]
    names = list(recipes.load_dataset("adult").feature_names)
    rows = (folder / "adult.test").read_text().splitlines()[1:201]
    (tmp_path / "rows.csv").write_text("\n".join([",".join([*names, "income"]), *(row.rstrip(".") for row in rows)]))
    report = recipes.evaluate(run.directory, tmp_path / "rows.csv", target="income")
    assert report.rows == 200
    assert report.accuracy > 0.75
