"""What the rules about compiled models share: families of losses and activations, and lines of code for remedies."""

from recipes.doctor.seen import LayerFacts, ModelFacts, Seen, TargetFacts

# Families of losses, by the beginning of their names in lower case without separators.
BINARY, SPARSE, CATEGORICAL, DIVERGENCE = "binary", "sparse", "categorical", "divergence"
REGRESSION, POISSON, OWN = "regression", "poisson", "own"
_FAMILIES = {
    BINARY: ("binarycrossentropy", "binaryfocal", "bce"),
    SPARSE: ("sparsecategorical", "categoricalgeneralized"),
    CATEGORICAL: ("categoricalcrossentropy", "categoricalfocal"),
    DIVERGENCE: ("kldivergence", "kullback", "kld"),
    REGRESSION: ("meansquared", "meanabsolute", "mse", "mae", "mape", "msle", "huber", "logcosh"),
    POISSON: ("poisson",),
}
# The name of a loss of the user's own says what it expects.
_OWN = ("crossentropy", "crossent", "bce")
CLASSIFICATION = (BINARY, SPARSE, CATEGORICAL, DIVERGENCE, OWN)
ABSOLUTE = ("mae", "meanabsolute", "mape")

SIGMOIDS = ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
PROBABILITIES = ("softmax", "sparsemax", *SIGMOIDS)
SQUASHING = (*PROBABILITIES, "tanh", "hard_tanh", "softsign", "log_softmax")

_NAMES = {
    "binarycrossentropy": "binary_crossentropy",
    "bce": "binary_crossentropy",
    "sparsecategoricalcrossentropy": "sparse_categorical_crossentropy",
    "categoricalcrossentropy": "categorical_crossentropy",
    "kldivergence": "kl_divergence",
    "mse": "mean_squared_error",
    "meansquarederror": "mean_squared_error",
    "mae": "mean_absolute_error",
    "meanabsoluteerror": "mean_absolute_error",
}


def family(loss: str) -> str:
    """The family of a loss by its name in `ModelFacts.loss`; `""` for one that is not known."""
    for name, beginnings in _FAMILIES.items():
        if loss.startswith(beginnings):
            return name
    return OWN if any(part in loss for part in _OWN) else ""


def loss_name(model: ModelFacts) -> str:
    """The loss as Keras spells it."""
    return _NAMES.get(model.loss, model.loss)


def outputs(model: ModelFacts) -> str:
    """The outputs in words, such as "1 output" or "10 outputs"."""
    return "1 output" if model.units == 1 else f"{model.units} outputs"


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its axes of length 1."""
    return tuple(size for size in shape if size != 1)


def asks_accuracy(model: ModelFacts) -> bool:
    """Whether the user reads accuracy, and so takes the targets for classes."""
    return any(name in ("accuracy", "acc") or name.endswith("accuracy") for name in model.metrics)


def are_class_numbers(targets: TargetFacts) -> bool:
    """Whether the targets are one class number a row (for segmentation, one a place)."""
    return targets.form in ("labels", "binary")


def output_facts(model: ModelFacts) -> LayerFacts | None:
    """Facts about the layer that gives the outputs."""
    return next((layer for layer in model.layers if layer.name == model.output_layer), None)


def output_line(model: ModelFacts, units: int, activation: str | None) -> str:
    """The line of code of the last layer, with other units or another activation."""
    layer = output_facts(model)
    kind, name = ("Dense", None) if layer is None else (layer.kind, layer.name.split("/")[-1])
    argument = f', activation="{activation}"' if activation else ""
    told = "" if activation else ", without an activation"
    if kind == "Dense":
        return f"keras.layers.Dense({units}{argument})  # the last layer{f', {name!r}' if name else ''}{told}"
    return f"keras.layers.{kind}({units}, ...{argument})  # the last layer, {name!r}{told}"


def compile_line(model: ModelFacts, loss: str, metric: str | None = "accuracy") -> str:
    """The line of code that compiles the model with its own optimizer and another loss.

    Args:
        model: The model.
        loss: The loss as code, or the name of a loss of Keras.
        metric: Name of the metric; `None` for none.
    """
    rate = 0.001 if not model.learning_rate > 0 else float(f"{model.learning_rate:.4g}")
    optimizer = f"keras.optimizers.{model.optimizer or 'Adam'}({rate:g})" if not model.has_schedule else "optimizer"
    loss = loss if "(" in loss else f'"{loss}"'
    metrics = f', metrics=["{metric}"]' if metric else ""
    return f"model.compile({optimizer}, loss={loss}{metrics})"


def fitting_lines(seen: Seen) -> str:
    """The last layer and the loss that fit the targets."""
    model, targets = seen.model, seen.data.targets
    columns = targets.shape[-1] if targets.shape else 1
    units, activation, loss = {
        "binary": (1, "sigmoid", "binary_crossentropy"),
        "labels": (targets.classes, "softmax", "sparse_categorical_crossentropy"),
        "one_hot": (columns, "softmax", "categorical_crossentropy"),
        "multi_label": (columns, "sigmoid", "binary_crossentropy"),
    }.get(targets.form, (columns, None, "mean_squared_error"))
    metric = None if activation is None else "accuracy"
    return f"{output_line(model, units, activation)}\n{compile_line(model, loss, metric)}"
