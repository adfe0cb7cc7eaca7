"""Losses by name."""

import keras

from recipes.arguments.names import normalize, unknown
from recipes.arguments.numbers import require_fraction, require_not_negative, require_positive, require_whole
from recipes.losses.crossentropy import SparseCategoricalCrossentropy
from recipes.losses.focal import FocalCrossentropy
from recipes.losses.hinges import CrammerSingerHinge, WestonWatkinsHinge
from recipes.losses.pairing import check_pair


def _sparse(from_logits=True, label_smoothing=0.0):
    if label_smoothing:
        return SparseCategoricalCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def _binary(from_logits=True, label_smoothing=0.0):
    return keras.losses.BinaryCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing)


_LOSSES = {
    "cross_entropy": (None, ("from_logits", "label_smoothing")),  # one of the next two
    "binary_crossentropy": (_binary, ("from_logits", "label_smoothing")),
    "sparse_categorical_crossentropy": (_sparse, ("from_logits", "label_smoothing")),
    "focal": (FocalCrossentropy, ("gamma",)),
    "weston_watkins_hinge": (WestonWatkinsHinge, ("margin",)),
    "crammer_singer_hinge": (CrammerSingerHinge, ("margin",)),
    "hinge": (keras.losses.Hinge, ()),
    "squared_hinge": (keras.losses.SquaredHinge, ()),
    "mean_squared_error": (keras.losses.MeanSquaredError, ()),
    "mean_absolute_error": (keras.losses.MeanAbsoluteError, ()),
    "huber": (keras.losses.Huber, ("delta",)),
    "log_cosh": (keras.losses.LogCosh, ()),
}
_CHECKS = {
    "label_smoothing": require_fraction,
    "gamma": require_not_negative,
    "margin": require_positive,
    "delta": require_positive,
}
_ALIASES = {
    "mse": "mean_squared_error",
    "l2": "mean_squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "smooth_l1": "huber",
    "bce": "binary_crossentropy",
    "binary_focal_crossentropy": "focal",
    "categorical_focal_crossentropy": "focal",
}


def get(
    name: str,
    *,
    task: str | None = None,
    num_outputs: int | None = None,
    from_logits: bool | None = None,
    label_smoothing: float | None = None,
    gamma: float | None = None,
    margin: float | None = None,
    delta: float | None = None,
) -> keras.losses.Loss:
    """A new loss for integer labels or numbers, and for the outputs of a last layer without an activation.

    | name | options | loss |
    |---|---|---|
    | cross_entropy | from_logits, label_smoothing | binary_crossentropy for one output, else the sparse one |
    | binary_crossentropy | the same | Keras's own |
    | sparse_categorical_crossentropy | the same | Keras's own; with label smoothing ours |
    | focal | gamma=2 | ours; for one output or several |
    | weston_watkins_hinge, crammer_singer_hinge | margin=1 | ours; for several outputs |
    | hinge, squared_hinge | | Keras's own; for one output |
    | mean_squared_error, mse or l2; mean_absolute_error, mae or l1; log_cosh | | Keras's own |
    | huber or smooth_l1 | delta=1 | Keras's own; quadratic up to an error of delta, linear beyond |

    Args:
        name: Name in the table, with or without `_loss` at its end; `-` and `_` are alike.
        task: Task that the loss is checked against: `"classification"` or `"regression"`. Default: no check.
        num_outputs: Units of the last layer, which the loss is checked against; cross_entropy depends on it.
        from_logits: Whether the model ends without softmax or sigmoid. Default: `True`.
        label_smoothing: Share of each label that is spread over all classes, at least 0 and less than 1.
        gamma: Exponent by which rows that are classified well lose weight, at least 0.
        margin: Lead of the score of the true class from which on the loss is 0; more than 0.
        delta: Error, in units of the targets, from which on the loss is linear; more than 0.

    Raises:
        ValueError: For an unknown name, an option that the loss does not have or that is out of range, or a loss that
            does not suit the task or the outputs.
    """
    given = {"label_smoothing": label_smoothing, "gamma": gamma, "margin": margin, "delta": delta}
    options = {}
    for option, value in given.items():
        if value is not None:
            _CHECKS[option](option, value)
            options[option] = float(value)
    if from_logits is not None:
        if not isinstance(from_logits, bool):
            raise ValueError(f"`from_logits` must be true or false. Received: {from_logits!r}")
        options["from_logits"] = from_logits
    if num_outputs is not None:
        require_whole("num_outputs", num_outputs, least=1)
    known = _known(name)
    make, allowed = _LOSSES[known]
    for option, value in options.items():
        if option not in allowed and (option, value) != ("label_smoothing", 0):
            raise ValueError(f"{known} has {_words(allowed)}. Received: {option}={value!r}")
    if make is None:
        make = _cross_entropy(task, num_outputs)
    loss = make(**{option: value for option, value in options.items() if option in allowed})
    check_pair(loss, task, num_outputs)
    return loss


def _known(name) -> str:
    """The name in the table for `name`, in which `_` makes no difference."""
    names = {**dict.fromkeys(_LOSSES), **_ALIASES}
    by_letters = {entry.replace("_", ""): known or entry for entry, known in names.items()}
    letters = normalize(name).replace("-", "").removesuffix("loss")
    if letters == "categoricalhinge":
        raise ValueError("categorical_hinge of Keras is wrong for negative scores: use crammer_singer_hinge")
    if letters in ("categoricalcrossentropy", "cce"):
        raise ValueError(
            f"labels are class numbers here, and {name} takes one column for each class: use cross_entropy"
        )
    if letters not in by_letters:
        raise unknown("loss", name, [*_LOSSES, *_ALIASES])
    return by_letters[letters]


def _cross_entropy(task, num_outputs):
    if num_outputs is None and task != "regression":  # where `check_pair` refuses either loss
        raise ValueError("`num_outputs` must be given for cross_entropy: 1, or the number of classes. Received: None")
    return _binary if num_outputs == 1 else _sparse


def _words(options) -> str:
    return f"only the options {' and '.join(options)}" if options else "no options"
