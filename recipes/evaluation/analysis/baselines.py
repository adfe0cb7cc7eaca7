"""Simple models on the same rows of a table: what a network has to beat to be worth its trouble."""

import time
import warnings
from collections.abc import Callable

import numpy as np

from recipes.data.preparation import TablePreparation
from recipes.evaluation.analysis.sampling import SEED
from recipes.evaluation.analysis.table_columns import used_columns
from recipes.metrics import regression_report, wilson
from recipes.metrics.comparison.paired import accuracy_difference, mean_difference

MOST_TEST_ROWS = 20_000
# Most training rows, and values of them (rows times columns), so that each baseline is trained in a few seconds.
_MOST_TRAINING_ROWS, _MOST_VALUES = 50_000, 500_000
# Beyond these, the training of a baseline could take longer than that of the network.
MOST_COLUMNS, MOST_CLASSES = 1000, 50
_TREES = 100
# Most trees times classes of gradient boosting, which grows a tree for each class in each step.
_MOST_TREES = 1000
_STEPS = 200
# Categories of a column that the linear model weights one by one, the most frequent; the others count as one.
_MOST_CATEGORIES = 50
# Categories that the trees of scikit-learn take of a column at most.
_MOST_CODES = 254
_RESAMPLES = 2000
_CONFIDENCE = 0.95


def most_training_rows(columns: int) -> int:
    """Number of training rows of which the baselines are trained at most, by the number of columns."""
    return min(_MOST_TRAINING_ROWS, max(1000, _MOST_VALUES // columns))


def baselines(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    predicted: np.ndarray,
    preparation: TablePreparation,
    task: str,
    class_weights: dict[int, float] | None = None,
) -> list[dict]:
    """A linear model and gradient boosting, trained on training rows and scored on test rows.

    The linear model is a logistic regression on the prepared columns, or a ridge regression; gradient boosting is
    scikit-learn's histogram gradient boosting on the raw columns. Both have the default settings of scikit-learn: no
    row chooses anything.

    Args:
        train: Raw training rows `(x, y)`.
        test: Raw test rows `(x, y)`.
        predicted: Classes or numbers that the model of the run predicted for the test rows, `(rows,)`.
        preparation: Preparation of the rows.
        task: `"classification"` or `"regression"`.
        class_weights: Weight of a row by its class number. Default: 1 each.

    Returns:
        For each baseline: `name`, `score` (accuracy, or R2) with its 95 % `interval`; `difference`, the score of the
        run minus it, with its `difference_interval`, `p_value` and the name of the `test`; and `seconds` of training.
        Empty where the data have too many columns or classes, or targets that do not vary.
    """
    targets, columns = train[1], used_columns(preparation)
    distinct = len(np.unique(targets))
    too_many = len(columns) > MOST_COLUMNS or (task != "regression" and distinct > MOST_CLASSES)
    if too_many or distinct < 2 or (task == "regression" and np.ptp(test[1]) == 0):
        return []
    weights = None
    if class_weights is not None:
        weights = np.array([class_weights[number] for number in range(len(class_weights))])[targets]
        if not np.any(weights > 0):
            return []
    kinds = {
        "linear model": (_linear_model(preparation, task), preparation),
        "gradient boosting": (_boosted_trees(preparation, columns, task, distinct), _taking(columns)),
    }
    return [
        {"name": name, **_scored(model, prepare, (*train, weights), test, predicted, task)}
        for name, (model, prepare) in kinds.items()
    ]


def _scored(model, prepare: Callable, train: tuple, test: tuple, predicted: np.ndarray, task: str) -> dict:
    """Train a baseline and compare it with the model of the run."""
    from threadpoolctl import threadpool_limits

    (x, y, weights), (x_test, targets) = train, test
    started = time.perf_counter()
    # Several threads wait for each other in each step, which takes minutes where other programs need the processor.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that the steps of the linear model were too few
        given = {} if weights is None else {f"{model.steps[-1][0]}__sample_weight": weights}
        model.fit(prepare(x), y, **given)
        seconds = time.perf_counter() - started
        theirs = model.predict(prepare(x_test))
    if task != "regression":
        right, right_too = theirs == targets, predicted == targets
        only = int((right & ~right_too).sum()), int((right_too & ~right).sum())
        found = accuracy_difference(*only, int((right & right_too).sum()), len(targets), _CONFIDENCE)
        score, interval, scale = found.first, wilson(found.first, len(targets), _CONFIDENCE), 1.0
    else:
        report = regression_report(targets, theirs)
        score, interval = report.r2, report.intervals.get("r2", (np.nan, np.nan))
        # A difference of mean squared errors, in units of the variance of the targets, is one of R2.
        scale = float(np.var(targets, dtype=np.float64))
        errors = (np.square(values.astype(np.float64) - targets) for values in (predicted, theirs))
        found = mean_difference(*errors, _CONFIDENCE, _RESAMPLES, SEED)
    return {
        "score": float(score),
        "interval": [float(bound) for bound in interval],
        "difference": found.value / scale,
        "difference_interval": [found.low / scale, found.high / scale],
        "p_value": found.p_value,
        "test": found.method,
        "seconds": seconds,
    }


def _linear_model(preparation: TablePreparation, task: str):
    """A linear model of prepared rows, whose last columns are codes of categories."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    width, codes = preparation.output_shape[0], len(preparation.embedded)
    one_hot = OneHotEncoder(max_categories=_MOST_CATEGORIES, handle_unknown="infrequent_if_exist", sparse_output=False)
    columns = make_column_transformer((one_hot, slice(width - codes, width)), remainder="passthrough")
    model = Ridge() if task == "regression" else LogisticRegression(max_iter=_STEPS)
    return make_pipeline(columns if codes else "passthrough", model)


def _boosted_trees(preparation: TablePreparation, columns: list[int], task: str, num_classes: int):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline

    names = [preparation.feature_names[column] for column in columns]
    categories = [0 < len(preparation.vocabularies.get(name, ())) <= _MOST_CODES for name in names]
    # Without early stopping, which would take rows away from training.
    settings = {"categorical_features": categories, "early_stopping": False, "random_state": SEED}
    if task == "regression":
        return make_pipeline(HistGradientBoostingRegressor(max_iter=_TREES, **settings))
    trees = _TREES if num_classes == 2 else min(_TREES, max(10, _MOST_TREES // num_classes))
    return make_pipeline(HistGradientBoostingClassifier(max_iter=trees, **settings))


def _taking(columns: list[int]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.asarray(x[:, columns])
