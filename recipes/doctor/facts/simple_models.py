"""Three simple models, each fitted once: predictions of other rows, and of each training row without itself."""

import warnings

import numpy as np

# Ridge penalty, as a share of the number of rows: the coefficient of a standardized column shrinks by one percent.
SHRINKAGE = 0.01
NEIGHBORS = 5
TREES = 30
DEEPEST = 12
# Distances that are held at once.
MOST_DISTANCES = 4_000_000


def linear(train: np.ndarray, targets: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression of each target column, in closed form.

    Args:
        train: Standardized features `(rows, features)`.
        targets: Targets `(rows, outputs)`: numbers, or 1 in the column of the class.
        held: Features of other rows.

    Returns:
        Predictions of the training rows, each by the model of all the others (leave-one-out, from the diagonal of the
        projection), and predictions of the other rows.
    """
    mean = targets.mean(axis=0)
    penalty = np.maximum(SHRINKAGE * len(train), 1e-3) * np.eye(train.shape[1])
    inverse = np.linalg.inv(train.T @ train + penalty)
    weights = inverse @ (train.T @ (targets - mean))
    fitted = train @ weights + mean
    leverage = 1 / len(train) + np.einsum("ij,jk,ik->i", train, inverse, train, optimize=True)
    without = targets - (targets - fitted) / np.maximum(1 - leverage, 1e-3)[:, None]
    return without, held @ weights + mean


def neighbors(train: np.ndarray, targets: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean target of the nearest training rows; arguments and results as those of `linear`."""
    count = max(1, min(NEIGHBORS, len(train) - 1))

    def predicted(rows, first, *, skip_self):
        distances = np.square(rows).sum(axis=1)[:, None] + np.square(train).sum(axis=1) - 2 * rows @ train.T
        if skip_self:
            distances[np.arange(len(rows)), first + np.arange(len(rows))] = np.inf
        nearest = np.argpartition(distances, min(count, len(train)) - 1, axis=1)[:, :count]
        return targets[nearest].mean(axis=1)

    step = max(1, MOST_DISTANCES // len(train))
    both = []
    for rows, skip_self in ((train, True), (held, False)):
        parts = [predicted(rows[at : at + step], at, skip_self=skip_self) for at in range(0, len(rows), step)]
        both.append(np.concatenate(parts) if parts else np.zeros((0, targets.shape[1])))
    return tuple(both)


def forest(train: np.ndarray, targets: np.ndarray, held: np.ndarray, *, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """A small random forest, whose trees predict the training rows that they were not fitted to (out of bag).

    Arguments and results as those of `linear`.

    Args:
        classes: Whether the columns are those of one class number a row, so that each row has one 1.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    options = {"n_estimators": TREES, "max_depth": DEEPEST, "oob_score": True, "n_jobs": 1, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rows, some may be in the bag of all trees
        if classes:
            numbers = targets.argmax(axis=1)
            fitted = RandomForestClassifier(max_features="sqrt", **options).fit(train, numbers)
            without, other = np.zeros((len(train), targets.shape[1])), np.zeros((len(held), targets.shape[1]))
            without[:, fitted.classes_] = fitted.oob_decision_function_
            if len(held):
                other[:, fitted.classes_] = fitted.predict_proba(held)
            return np.nan_to_num(without), other
        fitted = RandomForestRegressor(max_features=1 / 3, min_samples_leaf=2, **options)
        fitted.fit(train, targets[:, 0] if targets.shape[1] == 1 else targets)
        other = fitted.predict(held) if len(held) else np.zeros((0, targets.shape[1]))
        return fitted.oob_prediction_.reshape(len(train), -1), other.reshape(len(held), targets.shape[1])
