"""Labels as class numbers, and the names of classes where nothing names them."""

import numpy as np

from recipes.arguments.labels import Names, encode_labels
from recipes.models.outputs import Outputs


def numbered_classes(outputs: Outputs, values: np.ndarray) -> tuple[str, ...] | None:
    """Names `"0"`, `"1"` and so on for a classifier whose classes have none; `None` for a regression.

    Args:
        outputs: Facts about the model.
        values: Outputs of some rows, `(rows, units)`.

    Raises:
        ValueError: If neither the model nor the values show which of the two it is.
    """
    task = outputs.task_of(values)
    if task is None:
        raise ValueError(
            f"cannot tell whether {outputs.name} is a classifier: compile it with its loss, such as "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
        )
    return None if task == "regression" else tuple(map(str, range(max(2, values.shape[1]))))


def class_numbers(labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Class numbers of `labels` `(rows,)`, found by their names.

    Whole numbers are class numbers already where no class has a number for a name; truth values are 0 and 1 where there
    are two classes, and neither of them has a truth value or a number for a name.
    """
    numeric_names = any(name.removeprefix("-").isdecimal() for name in class_names)
    truth_values = labels.dtype.kind == "b" and len(class_names) == 2 and "True" not in class_names
    are_numbers = labels.dtype.kind in "ui" or truth_values
    if are_numbers and not numeric_names and labels.min() >= 0 and labels.max() < len(class_names):
        return labels.astype(np.int64)
    return encode_labels(labels, class_names)[0]


def same_classes(class_names: tuple[str, ...], others: tuple[str, ...] | None) -> bool:
    """Whether both number the same classes alike, though an earlier version may have written a name differently."""
    names = Names(class_names)
    return [names.find(name, is_number=True) for name in others or ()] == list(range(len(class_names)))
