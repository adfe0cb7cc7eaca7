"""The methods that `benchmarks/tables.py` compares: a recipe, and gradient boosting with its defaults."""

import dataclasses
import importlib.util
import tempfile

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score

import recipes
from recipes.data import Dataset
from recipes.data.preparation.date_parts import date_parts
from recipes.settings import Recipe

# Number of categories up to which histogram boosting of scikit-learn takes a column as categories.
_MOST_CATEGORIES = 254
Scores = dict[str, float]


def network(recipe: Recipe, dataset: Dataset, seed: int) -> Scores:
    """Scores on the test part of a network that is trained by `recipe`."""
    with tempfile.TemporaryDirectory() as folder:
        run = recipes.train(recipe, dataset, seed=seed, output=folder, pictures=False, verbose=False)
        outputs = run.model.predict(dataset.test[0], batch_size=1024, verbose=0).astype(np.float64)
    if dataset.class_names is None:
        return scores(dataset, outputs[:, 0])
    return scores(dataset, np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs)


def scores(dataset: Dataset, predicted: np.ndarray) -> Scores:
    """Scores on the test part: R2, or accuracy, log loss and, for two classes, ROC AUC.

    Args:
        dataset: Data with the targets.
        predicted: Numbers `(rows,)`, or probabilities `(rows, classes)`.
    """
    y = dataset.test[1]
    if dataset.class_names is None:
        return {"r2": float(r2_score(y, predicted))}
    classes = np.arange(len(dataset.class_names))
    predicted = np.clip(predicted, 1e-7, 1)
    predicted = predicted / predicted.sum(axis=1, keepdims=True)
    found = {
        "accuracy": float(accuracy_score(y, predicted.argmax(axis=1))),
        "log_loss": float(log_loss(y, predicted, labels=classes)),
    }
    return found | ({"auc": float(roc_auc_score(y, predicted[:, 1]))} if len(classes) == 2 else {})


def histogram_boosting(dataset: Dataset, seed: int) -> Scores:
    """Gradient boosting of scikit-learn, on the training and validation rows: it takes its own validation rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if dataset.class_names is None else HistGradientBoostingClassifier
    x, y, x_test, categories = columns_for_trees(dataset)
    few = [column for column, size in categories.items() if size <= _MOST_CATEGORIES]
    return _fitted(dataset, kind(categorical_features=few or None, random_state=seed), x, y, x_test)


def lightgbm(dataset: Dataset, seed: int) -> Scores:
    """Gradient boosting of LightGBM, on the same rows."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    x, y, x_test, categories = columns_for_trees(dataset)
    model = (LGBMRegressor if dataset.class_names is None else LGBMClassifier)(random_state=seed, n_jobs=2, verbose=-1)
    return _fitted(dataset, model, x, y, x_test, categorical_feature=list(categories) or "auto")


def catboost(dataset: Dataset, seed: int) -> Scores:
    """Gradient boosting of CatBoost, on the same rows."""
    import pandas as pd
    from catboost import CatBoostClassifier, CatBoostRegressor

    x, y, x_test, categories = columns_for_trees(dataset)
    kinds = dict.fromkeys(categories, int)
    x, x_test = (pd.DataFrame(rows).astype(kinds) for rows in (x, x_test))
    model = CatBoostRegressor if dataset.class_names is None else CatBoostClassifier
    settings = {"random_seed": seed, "thread_count": 2, "verbose": False, "allow_writing_files": False}
    return _fitted(dataset, model(cat_features=list(categories), **settings), x, y, x_test)


OTHERS = {"HistGradientBoosting": histogram_boosting, "LightGBM": lightgbm, "CatBoost": catboost}
_PACKAGES = {"LightGBM": "lightgbm", "CatBoost": "catboost"}


def installed() -> list[str]:
    """Names of the other methods whose package is here."""
    return [name for name in OTHERS if importlib.util.find_spec(_PACKAGES.get(name, "sklearn"))]


def columns_for_trees(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, int]]:
    """Training and validation rows together, their targets, the test rows, and the columns of categories.

    Columns are raw: numbers with NaN where one is missing, codes of categories, and dates with their parts.

    Returns:
        `x` `(rows, columns)`, `y` `(rows,)`, `x_test`, and the number of categories by column that has some.
    """
    preparation = dataset.preparation
    names, vocabularies = list(preparation.feature_names), preparation.vocabularies
    used = [name for name in names if name not in preparation.left_out]
    parts = []
    for part in ("train", "validation", "test"):
        x = np.asarray(getattr(dataset, part)[0])
        columns = [x[:, names.index(name)] for name in used]
        for name in preparation.dates:
            if name in used:
                columns += date_parts(x[:, names.index(name)], preparation.rescaled.get(name, (0.0, 1.0))).values()
        parts.append(np.column_stack(columns))
    y = np.concatenate([dataset.train[1], dataset.validation[1]])
    categories = {column: len(vocabularies[name]) for column, name in enumerate(used) if vocabularies.get(name)}
    return np.concatenate(parts[:2]), y, parts[2], categories


def _fitted(dataset: Dataset, model, x, y, x_test, **arguments) -> Scores:
    model.fit(x, y, **arguments)
    return scores(dataset, model.predict(x_test) if dataset.class_names is None else model.predict_proba(x_test))


def on_validation_rows(dataset: Dataset, seed: int) -> Dataset:
    """A dataset without the test rows: the validation rows take their place, a part of the training rows theirs."""
    x, y = dataset.train
    order = np.random.default_rng(seed).permutation(len(y))
    cut = len(dataset.validation[1])
    parts = {part: (x[chosen], y[chosen]) for part, chosen in (("validation", order[:cut]), ("train", order[cut:]))}
    return dataclasses.replace(dataset, **parts, test=dataset.validation, fingerprint=None)
