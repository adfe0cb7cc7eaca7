"""What a recipe is: plain frozen settings that check themselves, from and to YAML.

Imports nothing heavy, not even numpy, so that listing and printing recipes is instant.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from recipes.arguments import plain_yaml
from recipes.arguments.checked import Checked
from recipes.arguments.names import column_name, unknown
from recipes.arguments.widths import ALLOWED, resolve


@dataclass(frozen=True, kw_only=True)
class Data(Checked):
    """Which data, and how they are split.

    Args:
        name: Name of a dataset, such as iris, tfds:NAME, uci:NAME or adding:STEPS; or the path of a table (CSV, Parquet
            and others), of an NPZ file or of a folder of images.
        directory: Folder with local copies of named datasets. Not set: the environment variable KERAS_RECIPES_DATA.
        task: Kind of the prediction: classification for classes, regression for numbers. Not set: classification if the
            target holds text or few different whole numbers, else regression.
        target: Column to predict.
        ignore: Columns to leave out.
        keep: Columns to use though they look like an index or an identifier of the rows.
        categorical: Columns of numbers that are codes, such as postal codes; each number is a category of its own.
        missing: Words that mean "no value", besides the common ones such as NA, null and ?.
        kept_classes: Names of classes that usually mean "no value", such as None, NA or ?.
        decimal: Decimal mark of numbers such as 28,7: a point (.) or a comma (,). Not set: a point, but a comma in
            columns where nothing else fits.
        thousands: Mark between thousands in numbers such as 12,345: a comma (,), a point (.), a space or an apostrophe.
            Not set: read only in columns where nothing else fits (1,234,567).
        dates: Order of dates such as 05/06/2024. Not set: read only in columns that show the order (31/12/2024).
        encoding: Text encoding of a CSV file, such as latin-1 or cp1252. Not set: UTF-8, or UTF-16 where the file says
            so.
        header: Whether the first line of a text file holds the names of the columns. Not set: detected.
        train_rows: Number of rows to train on, drawn at random from each class in proportion. The number of a named
            recipe is for its own data alone. Not set: all rows of the training part.
        validation_fraction: Share of the rows for validation: they decide which epoch is kept.
        test_fraction: Share of the rows for the final report.
        group_column: Column of groups, such as patients: all rows of a group are in the same part.
        time_column: Column of times: the latest rows are the test part, those before them the validation part.
        validation_file: File with the validation rows, instead of a share of the data.
        test_file: File with the test rows, instead of a share of the data.
        fold: Number of the published split, 0 to 3 (uci).
        image_size: Height and width to which images are resized. Not set: their own if all are alike and not large,
            else [128, 128].
        color: Colours to which images are converted. Not set: as stored.
        background: Colour behind transparent pixels of images: white, black, or #rrggbb. null: transparency is dropped.
        depth: 8 brings image files of more bits to 8 (16 bits by their highest value; floating point from 0 to 1, or
            from 0 to 255 if a value of the file is above 1). Not set: values of more than 8 bits stay as stored.
        kind: Meaning of arrays of three axes. Not set: images; sequences (rows, steps, features) where there are
            lengths, and for the builder recurrent.
    """

    name: str = "digits"
    directory: str | None = None
    task: Literal["classification", "regression"] | None = None
    target: str | None = None
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    kept_classes: tuple[str, ...] = ()
    decimal: str | None = None
    thousands: str | None = None
    dates: Literal["day_first", "month_first"] | None = None
    encoding: str | None = None
    header: bool | None = None
    train_rows: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    group_column: str | None = None
    time_column: str | None = None
    validation_file: str | None = None
    test_file: str | None = None
    fold: int = 0
    image_size: tuple[int, ...] | None = None
    color: Literal["grey", "rgb"] | None = None
    background: str | None = "white"
    depth: int | None = None
    kind: Literal["images", "sequences"] | None = None

    def __post_init__(self):
        super().__post_init__()
        for name in ("target", "group_column", "time_column", "ignore", "keep", "categorical"):
            value = getattr(self, name)
            names = tuple(map(column_name, value)) if isinstance(value, tuple) else value and column_name(value)
            object.__setattr__(self, name, names)
        self.require("name", bool, "a dataset's name or the path of a file")
        for name in ("validation_fraction", "test_fraction"):
            self.require(name, lambda value: 0 < value < 1, "between 0 and 1, both excluded")
        self.require("decimal", lambda mark: mark in (".", ","), "'.' or ','")
        self.require("thousands", lambda mark: mark in (",", ".", " ", "'"), """',', '.', ' ' or "'\"""")
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"data.decimal and data.thousands must differ. Received: {self.decimal!r} for both")
        self.require("train_rows", lambda value: value >= 1, "at least 1")
        self.require("fold", lambda value: 0 <= value <= 3, "one of the published folds 0, 1, 2, 3")
        self.require("image_size", lambda size: len(size) == 2 and min(size) >= 1, "height and width, such as [32, 32]")
        is_color = re.compile("white|black|#[0-9a-fA-F]{6}").fullmatch
        self.require("background", is_color, "white, black or a colour such as '#ff8000'")
        self.require("depth", lambda value: value == 8, "8, or not set")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "data.validation_fraction and data.test_fraction must leave rows to train on: their sum must be "
                f"less than 1. Received: {self.validation_fraction} + {self.test_fraction}"
            )
        if self.group_column is not None and self.time_column is not None:
            raise ValueError(
                "only one of data.group_column and data.time_column can be set. Received: "
                f"{self.group_column!r} and {self.time_column!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Model(Checked):
    """Which network. What is not set is as the builder has it; what belongs to another builder is refused.

    Args:
        builder: The function of `recipes` that builds it.
        widths: Units (mlp, transfer) or channels of each hidden layer or stage, first to last; or a rule, such as
            `500 x 100`, `256 / 2 x 4` or `16 * 2 x 4`.
        activation: Of every hidden layer: relu, leaky_relu, prelu, rrelu, elu, selu, tanh, maxout and others.
        negative_slope: Slope below 0 of leaky_relu, or that prelu begins with. Not set: 0.2 and 0.25.
        pieces: Maps of each unit of maxout. Not set: 2.
        kernel_initializer: Name of an initializer of Keras's, or of `recipes.initialization.get`. Not set: chosen for
            each layer from its activation.
        initialization: How the whole model is then initialized: by calculation (variance) or on a batch (lsuv).
        normalization: Kind of normalization between each hidden layer and its activation.
        max_parameters: The layers are made narrower until the model has no more (mlp, convnet).
        kernel_size: Side of the convolution kernels, in pixels (convnet, residual). Not set: 3.
        convolutions: Of each stage (convnet). Not set: 1.
        separable: Whether each channel is filtered by itself, then all are mixed (convnet).
        downsampling: How each stage halves the image (convnet). Not set: max.
        pooling: How the image becomes a row in front of the last layer (convnet, residual). Not set: flatten, average.
        depth: Blocks of each stage (residual). Not set: 3.
        cell: Kind of the recurrent layers (recurrent). Not set: lstm.
        bidirectional: Whether each sequence is read from its end, too (recurrent).
        body: The trained model that is built upon (transfer): a run folder or .keras file, a name in saved_models, or a
            network of keras.applications, such as MobileNetV3Small.
        body_layer: Its last layer that is used (transfer). Not set: the one in front of its head.
        weights: File of weights of a network of keras.applications, without those of its head (transfer). Not set: the
            one in Keras's cache, ~/.keras/models.
    """

    builder: Literal["mlp", "convnet", "residual", "recurrent", "transfer"] = "mlp"
    widths: tuple[int, ...] | str | None = None
    activation: str | None = None
    negative_slope: float | None = None
    pieces: int | None = None
    kernel_initializer: str | None = None
    initialization: Literal["variance", "lsuv"] | None = None
    normalization: Literal["batch", "layer"] | None = None
    max_parameters: int | None = None
    kernel_size: int | None = None
    convolutions: int | None = None
    separable: bool | None = None
    downsampling: Literal["max", "average", "stride", "none"] | None = None
    pooling: Literal["flatten", "average", "max"] | None = None
    depth: int | None = None
    cell: Literal["simple_rnn", "gru", "lstm"] | None = None
    bidirectional: bool | None = None
    body: str | None = None
    body_layer: str | None = None
    weights: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.widths is not None:
            try:
                resolve(self.widths)
            except ValueError:
                raise ValueError(f"model.widths must be {ALLOWED}. Received: {self.widths!r}") from None
        for name in ("kernel_size", "convolutions", "depth", "max_parameters"):
            self.require(name, lambda value: value >= 1, "at least 1")
        self.require("pieces", lambda value: value >= 2, "at least 2")
        self.require("negative_slope", math.isfinite, "finite")


@dataclass(frozen=True, kw_only=True)
class Regularization(Checked):
    """What keeps the network from learning its training rows by heart.

    Args:
        dropout: Share of hidden units dropped in each step; `AlphaDropout` for SELU.
        input_dropout: Share of the inputs dropped in each step.
        noise: Standard deviation of normal noise on the (scaled) inputs.
        l1: Weight of the absolute kernel values in the loss.
        l2: Weight of the squared kernel values in the loss.
        max_norm: Largest norm of the weights of each hidden unit.
        bias_start: What the biases of hidden layers begin at; slightly positive, such as 0.1, keeps ReLUs alive.
    """

    dropout: float = 0.0
    input_dropout: float = 0.0
    noise: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    max_norm: float | None = None
    bias_start: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("dropout", "input_dropout"):
            self.require(name, lambda value: 0 <= value < 1, "at least 0 and less than 1")
        for name in ("l1", "l2", "noise"):
            self.require(name, lambda value: 0 <= value < math.inf, "at least 0 and finite")
        self.require("max_norm", lambda value: 0 < value < math.inf, "more than 0 and finite")
        self.require("bias_start", math.isfinite, "finite")


@dataclass(frozen=True, kw_only=True)
class Augmentation(Checked):
    """How training images are changed at random, anew in each epoch.

    Args:
        shift: Largest move, as a share of the height and of the width.
        rotate: Largest angle, in degrees, either way.
        zoom: Largest enlargement, such as 0.1; the largest reduction is its inverse, 1 / 1.1.
        flip: Direction in which half of the images are mirrored.
        mixup: Pairs of rows, targets included, are averaged with a weight from Beta(mixup, mixup), such as 0.2
            (arXiv:1710.09412).
        cutout: Side of a square that is blanked with the mean, as a share of the image's shorter side
            (arXiv:1708.04552).
    """

    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    flip: Literal["horizontal", "vertical", "both"] | None = None
    mixup: float = 0.0
    cutout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("shift", "cutout"):
            self.require(name, lambda value: 0 <= value < 1, "at least 0 and less than 1")
        self.require("rotate", lambda value: 0 <= value <= 180, "from 0 to 180 degrees")
        for name in ("zoom", "mixup"):
            self.require(name, lambda value: 0 <= value < math.inf, "at least 0 and finite")


@dataclass(frozen=True, kw_only=True)
class Loss(Checked):
    """What the training makes small.

    Args:
        name: A name that `recipes.losses.get` knows: cross_entropy, focal, weston_watkins_hinge, crammer_singer_hinge,
            hinge, mean_squared_error, mean_absolute_error, huber and others. Not set: cross_entropy, and
            mean_squared_error for regression.
        label_smoothing: Share of each label that is spread over all classes.
        margin: Of the multi-class hinges. Not set: 1.
        gamma: Of focal. Not set: 2.
        delta: Of huber, in standard deviations of the targets. Not set: 1.
    """

    name: str | None = None
    label_smoothing: float = 0.0
    margin: float | None = None
    gamma: float | None = None
    delta: float | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require("label_smoothing", lambda value: 0 <= value < 1, "at least 0 and less than 1")
        self.require("gamma", lambda value: 0 <= value < math.inf, "at least 0 and finite")
        for name in ("margin", "delta"):
            self.require(name, lambda value: 0 < value < math.inf, "more than 0 and finite")


@dataclass(frozen=True, kw_only=True)
class Optimizer(Checked):
    """Which optimizer; at most one way of clipping its gradients.

    Args:
        name: Name of the optimizer; Muon trains the matrices of hidden layers, and all else by Adam.
        learning_rate: Peak step size; the schedule scales it.
        momentum: Momentum of momentum and nesterov. Not set: 0.9.
        weight_decay: Share of each kernel to take off per step, times the learning rate; never of biases,
            normalization or slopes.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.
        adaptive_clip: Largest norm of a unit's gradient relative to that of its weights, such as 0.01.
        percentile_clip: Percentile of the gradient norms so far that bounds the next one, such as 10.
        ema_momentum: Average the weights with this momentum, such as 0.99; the average is validated and saved.
    """

    name: Literal[
        "sgd", "momentum", "nesterov", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb",
        "lion", "muon", "nadam", "rmsprop", "schedule_free_adamw",
    ] = "adam"  # fmt: skip
    learning_rate: float = 0.001
    momentum: float | None = None
    weight_decay: float | None = None
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    clipvalue: float | None = None
    adaptive_clip: float | None = None
    percentile_clip: float | None = None
    ema_momentum: float | None = None

    def __post_init__(self):
        super().__post_init__()
        clips = ("clipnorm", "global_clipnorm", "clipvalue", "adaptive_clip", "percentile_clip")
        for name in ("momentum", "ema_momentum"):
            self.require(name, lambda value: 0 <= value < 1, "at least 0 and less than 1")
        self.require("percentile_clip", lambda value: value <= 100, "at most 100")
        if self.momentum is not None and self.name not in ("momentum", "nesterov"):
            raise ValueError(
                f"optimizer.momentum belongs to momentum and nesterov. Received: {self.momentum} with {self.name}"
            )
        if self.ema_momentum is not None and self.name == "schedule_free_adamw":
            raise ValueError(
                f"schedule_free_adamw averages by itself: leave optimizer.ema_momentum out. Received: "
                f"{self.ema_momentum}"
            )
        for name in ("learning_rate", "weight_decay", *clips):
            self.require(name, lambda value: 0 < value < math.inf, "more than 0 and finite")
        chosen = [f"{self.label(name)}={getattr(self, name)}" for name in clips if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise ValueError(f"only one of {', '.join(clips)} can be set. Received: {', '.join(chosen)}")


@dataclass(frozen=True, kw_only=True)
class Schedule(Checked):
    """How the learning rate moves over the planned epochs.

    Args:
        name: `constant`; `step`; `exponential`; `cosine`: a linear warm-up to the peak, then half a cosine down to 0;
            `one_cycle`: half a cosine up, then half a cosine down; `reduce_on_plateau`: lower when the validation loss
            no longer falls.
        warmup_fraction: Share of all steps spent warming up. Not set: 0.05 (cosine), 0.3 (one_cycle).
        milestones: Shares of all steps after which the rate falls (step).
        factor: What the rate is multiplied by when it falls (step, reduce_on_plateau).
        final_fraction: Share of the peak that is left at the end (exponential).
        patience: Epochs without a lower validation loss after which the rate falls (reduce_on_plateau).
    """

    name: Literal["constant", "step", "exponential", "cosine", "one_cycle", "reduce_on_plateau"] = "constant"
    warmup_fraction: float | None = None
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    final_fraction: float = 0.01
    patience: int = 5

    def __post_init__(self):
        super().__post_init__()
        self.require("warmup_fraction", lambda value: 0 <= value < 1, "at least 0 and less than 1")
        for name in ("factor", "final_fraction"):
            self.require(name, lambda value: 0 < value < 1, "more than 0 and less than 1")
        self.require(
            "milestones",
            lambda values: all(0 < value < 1 for value in values) and list(values) == sorted(set(values)),
            "ascending, more than 0 and less than 1",
        )
        self.require("patience", lambda value: value >= 1, "at least 1")


@dataclass(frozen=True, kw_only=True)
class Fit(Checked):
    """How long and on what.

    Args:
        batch_size: Rows of one step.
        epochs: Passes over the training rows, at most.
        patience: Epochs without a better validation loss before training stops. Not set: all epochs are trained.
        keep: The weights of the epoch with the `best` validation loss; or those of the `last` one, so that no label of
            the validation part is used.
        class_weight: `balanced` makes every class count alike; a mapping gives each class name its weight.
        restarts: How many times a training whose loss is no longer finite, or a million times its best, goes back to
            its last good epoch, with a tenth of the learning rate; then it stops.
    """

    batch_size: int = 32
    epochs: int = 60
    patience: int | None = 15
    keep: Literal["best", "last"] = "best"
    class_weight: Literal["balanced"] | dict[str, float] | None = None
    restarts: int = 0

    def __post_init__(self):
        super().__post_init__()
        for name in ("batch_size", "epochs", "patience"):
            self.require(name, lambda value: value >= 1, "at least 1")
        self.require("restarts", lambda value: value >= 0, "at least 0")
        if self.keep == "last" and self.patience is not None:
            raise ValueError(
                f"fit.keep: last uses no validation rows, so fit.patience must not be set. Received: {self.patience}"
            )
        if isinstance(self.class_weight, dict):
            weights = self.class_weight.values()
            finite = all(0 <= weight < math.inf for weight in weights)
            self.require("class_weight", lambda _: finite, "a mapping to finite weights of at least 0")
            self.require("class_weight", lambda _: any(weights), "a mapping with at least one weight above 0")


@dataclass(frozen=True, kw_only=True)
class FineTune(Checked):
    """A second phase after `fit`, in which the body of a transfer model is trained, too; as `fit`, with its own epochs.

    Args:
        epochs: Passes over the training rows, at most. 0: no second phase.
        learning_rate: Peak step size. Not set: a tenth of optimizer.learning_rate.
        layers: How many layers of the body are trained, from the top; batch normalization never is. Not set: all.
        layer_decay: What the rate of each layer of the body is, relative to that of the layer above it.
    """

    epochs: int = 0
    learning_rate: float | None = None
    layers: int | None = None
    layer_decay: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        self.require("epochs", lambda value: value >= 0, "at least 0")
        self.require("learning_rate", lambda value: 0 < value < math.inf, "more than 0 and finite")
        self.require("layers", lambda value: value >= 1, "at least 1")
        self.require("layer_decay", lambda value: 0 < value <= 1, "more than 0 and at most 1")


@dataclass(frozen=True, kw_only=True)
class Recipe(Checked):
    """A complete, named training: data, model, regularization, augmentation, loss, optimizer, schedule, fit, fine_tune.

    >>> recipe = Recipe(name="mine", optimizer=Optimizer(learning_rate=0.01))
    >>> recipe.replace(fit={"epochs": 5}).fit.epochs
    5
    """

    name: str
    data: Data = Data()
    model: Model = Model()
    regularization: Regularization = Regularization()
    augmentation: Augmentation = Augmentation()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    fit: Fit = Fit()
    fine_tune: FineTune = FineTune()

    def __post_init__(self):
        super().__post_init__()
        allowed = "letters, digits, '.', '-' and '_', beginning with a letter or digit"
        self.require("name", re.compile(r"[A-Za-z0-9][\w.-]*").fullmatch, allowed)
        if self.fine_tune.epochs and self.model.builder != "transfer":
            raise ValueError(
                f"fine_tune.epochs belongs to the builder transfer. Received: {self.fine_tune.epochs} with "
                f"{self.model.builder}"
            )
        if self.fit.keep == "last" and self.schedule.name == "reduce_on_plateau":
            raise ValueError("fit.keep: last uses no validation rows, and schedule.name: reduce_on_plateau needs them")

    def replace(self, **changes) -> "Recipe":
        """A copy with some settings changed.

        Args:
            **changes: `name="..."`; or a part by its name, whole (`fit=Fit(epochs=5)`) or as a mapping of the
                settings that change (`fit={"epochs": 5}`).

        Raises:
            ValueError: For an unknown setting, and whatever the part itself refuses.
        """
        _refuse_unknown(changes, Recipe, prefix="")
        merged = {}
        for name, change in changes.items():
            part = getattr(self, name)
            if isinstance(change, Mapping) and isinstance(part, Checked):
                _refuse_unknown(change, type(part), prefix=f"{name}.")
                change = replace(part, **change)
            merged[name] = change
        return replace(self, **merged)

    def with_kind(self) -> "Recipe":
        """With `data.kind` said where the builder leaves no choice, so that a run reads its data alike ever after."""
        if self.model.builder == "recurrent" and self.data.kind is None:
            return self.replace(data={"kind": "sequences"})
        return self

    def to_yaml(self) -> str:
        """All settings, in the order of this class; `from_yaml` reads them back."""
        return plain_yaml.dump(_plain(asdict(self)))

    @classmethod
    def from_yaml(cls, source: str | Path, base: "Recipe | None" = None) -> "Recipe":
        """Read settings from YAML.

        Args:
            source: The path of a `.yaml` or `.yml` file; any other string is taken as the YAML itself.
            base: Gives every setting that `source` leaves out. Default: the defaults of the classes, with the
                file's name as the recipe's.

        Raises:
            ValueError: If the text is no YAML mapping, or has an unknown key or a value that is not allowed.
            FileNotFoundError: If there is no such file.
        """
        is_path = isinstance(source, Path) or source.endswith((".yaml", ".yml"))
        where, name = (str(source), re.sub(r"[^A-Za-z0-9.-]+", "-", Path(source).stem)) if is_path else ("", "recipe")
        try:
            settings = plain_yaml.load(Path(source).read_text(encoding="utf-8") if is_path else source)
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no recipe file {where}") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{where or 'the recipe'} is not valid YAML: {error}") from None
        except ValueError as error:
            raise ValueError(f"{where or 'the recipe'} is {error}") from None
        if not isinstance(settings, dict):
            what = where or "the recipe"
            raise ValueError(f"{what} must hold settings such as `fit: {{epochs: 5}}`. Received: {settings!r}")
        try:
            base = base or cls(name=settings.get("name", name))
            # A heading with nothing under it changes nothing.
            return base.replace(**{key: {} if value is None else value for key, value in settings.items()})
        except ValueError as error:
            raise ValueError(f"{error} (in {where})" if is_path else str(error)) from None


def parts() -> dict[str, type]:
    """The parts of a recipe and their classes, in order."""
    return {field.name: field.type for field in fields(Recipe) if field.default is not MISSING}


def _refuse_unknown(keys: Mapping, owner: type, prefix: str) -> None:
    known = [field.name for field in fields(owner)]
    for key in keys:
        if key not in known:
            raise unknown("setting", f"{prefix}{key}", [f"{prefix}{name}" for name in known])


def _plain(value: Any) -> Any:
    """YAML knows lists, not tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
