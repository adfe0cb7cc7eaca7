"""The course of a training by the logs of its epochs, as a callback gets them."""

import numpy as np

from callbacks.watching.record import Record
from recipes.doctor.scoring import by_epoch
from recipes.doctor.seen import Course
from recipes.runs.watched import Watched

# Names that Keras gives to the accuracy, which is the share of right rows for all of them.
_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")


def accuracies(history: list[dict[str, float]], prefix: str = "") -> list[float] | None:
    """The accuracy of each epoch; `None` where the logs have none.

    Args:
        history: Logs of each epoch.
        prefix: `"val_"` for the validation rows, empty for the training rows.
    """
    for name in _ACCURACIES:
        if all(prefix + name in values for values in history):
            return [values[prefix + name] for values in history]
    return None


def held_prefix(history: list[dict[str, float]]) -> str:
    """`"val_"` where the training is validated after every epoch, otherwise empty."""
    return "val_" if all("val_loss" in values for values in history) else ""


def course_of(history: list[dict[str, float]], found: dict[int, list[float]], **facts) -> Course:
    """The course of a training.

    Args:
        history: Logs of each epoch, numbers only.
        found: Scores of held-out and of training rows by epoch, as in `Scores.found`. Epochs without them have the
            accuracies of the logs: the end is scored where that is possible, as callbacks may have restored weights.
        facts: `first_loss`, the loss before the first step, and further attributes of the course.
    """
    epochs = len(history)
    names = [name for name in history[0] if all(name in values for values in history)]
    columns = {name: [values[name] for values in history] for name in names}
    held, train = by_epoch(found, epochs)
    for scores, prefix in ((held, held_prefix(history)), (train, "")):
        logged = accuracies(history, prefix)
        if logged is not None:
            scores[1:] = np.where(np.isfinite(scores[1:]), scores[1:], logged)
    losses = np.array(columns.get("loss", ()))
    first_loss = facts.pop("first_loss")
    return Course(
        watched=Watched(columns, Record(), epochs),
        epochs=epochs,
        score=held,
        train_score=train,
        is_finite=bool(np.isfinite(losses).all() and np.isfinite(found.get(epochs, 0.0)).all()),
        losses=np.array([first_loss, *losses]),
        **facts,
    )
