"""Settings of the training: augmentation, loss, optimizer, schedule, length of the fit, and fine-tuning."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from recipes.arguments.checked import Checked

# Values of `fit.checkpoint`: the number and the unit are groups.
CHECKPOINT = re.compile(r"auto|epoch|(0*[1-9]\d{0,8}) (steps?|minutes?)")

# Optimizers that average gradients and their squares.
WITH_BETAS = ("adam", "adamax", "adamw", "lamb", "lion", "muon", "nadam", "schedule_free_adamw")


@dataclass(frozen=True, kw_only=True)
class Augmentation(Checked):
    """Random changes of the training images (mixup: of rows of any kind), drawn anew in each epoch.

    Args:
        shift: Largest shift, as a fraction of the height and of the width.
        rotate: Largest angle of rotation in either direction, in degrees.
        zoom: Largest enlargement, such as 0.1; the largest reduction is its inverse, 1 / 1.1.
        flip: Direction in which half of the images are mirrored.
        mixup: Parameter a of the distribution Beta(a, a) of the weights with which pairs of rows and their targets are
            averaged, such as 0.2 (arXiv:1710.09412). 0: no averaging.
        cutout: Side of a square that is blanked with the mean, as a fraction of the image's shorter side
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
        self.require_fraction("shift", "cutout")
        self.require("rotate", lambda value: 0 <= value <= 180, "from 0 to 180 degrees")
        self.require_not_negative("zoom", "mixup")


@dataclass(frozen=True, kw_only=True)
class Loss(Checked):
    """The loss, which the training minimizes.

    Args:
        name: Name of a loss that `recipes.losses.get` knows: cross_entropy, focal, weston_watkins_hinge,
            crammer_singer_hinge, hinge, mean_squared_error, mean_absolute_error, huber and others. Not set:
            cross_entropy, and mean_squared_error for regression.
        label_smoothing: Fraction of each label that is spread over all classes.
        margin: Margin of the multi-class hinges. Not set: 1.
        gamma: Focusing exponent of focal. Not set: 2.
        delta: Residual at which huber turns from quadratic to linear, in standard deviations of the targets. Not set:
            1.
    """

    name: str | None = None
    label_smoothing: float = 0.0
    margin: float | None = None
    gamma: float | None = None
    delta: float | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require_fraction("label_smoothing")
        self.require_not_negative("gamma")
        self.require_positive("margin", "delta")


@dataclass(frozen=True, kw_only=True)
class Optimizer(Checked):
    """Which optimizer, and at most one way of clipping its gradients.

    Args:
        name: Name of the optimizer; Muon trains the matrices of hidden layers, and all else by Adam.
        learning_rate: Peak step size; the schedule scales it.
        momentum: Momentum of momentum and nesterov. Not set: 0.9.
        beta_1: Decay rate of the average of the gradients (adam and its relatives, lamb, lion, muon). Not set: Keras's,
            0.9.
        beta_2: Decay rate of the average of the squared gradients (likewise), such as 0.95 for a short memory. Not set:
            Keras's, 0.999 for most, 0.99 for lion.
        weight_decay: Fraction of each kernel to subtract per step, times the learning rate; never of biases,
            normalization or slopes.
        clipnorm: Largest norm of the gradient of each weight.
        global_clipnorm: Largest norm of all gradients together.
        clipvalue: Largest absolute value of each entry of a gradient.
        adaptive_clip: Largest norm of a unit's gradient relative to that of its weights, such as 0.01.
        percentile_clip: Percentile of the gradient norms so far that bounds the next one, such as 10.
        ema_momentum: Momentum of a moving average of the weights, such as 0.99; the average is validated and saved.
    """

    name: Literal[
        "sgd", "momentum", "nesterov", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb",
        "lion", "muon", "nadam", "rmsprop", "schedule_free_adamw",
    ] = "adam"  # fmt: skip
    learning_rate: float = 0.001
    momentum: float | None = None
    beta_1: float | None = None
    beta_2: float | None = None
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
        self.require_fraction("momentum", "beta_1", "beta_2", "ema_momentum")
        self.require("percentile_clip", lambda value: value <= 100, "at most 100")
        if self.momentum is not None and self.name not in ("momentum", "nesterov"):
            raise ValueError(
                f"optimizer.momentum belongs to momentum and nesterov. Received: {self.momentum} with {self.name}"
            )
        for name in ("beta_1", "beta_2"):
            if getattr(self, name) is not None and self.name not in WITH_BETAS:
                raise ValueError(
                    f"optimizer.{name} belongs to {', '.join(WITH_BETAS)}. Received: {getattr(self, name)} with "
                    f"{self.name}"
                )
        if self.ema_momentum is not None and self.name == "schedule_free_adamw":
            raise ValueError(
                f"schedule_free_adamw averages by itself: leave optimizer.ema_momentum out. Received: "
                f"{self.ema_momentum}"
            )
        self.require_positive("learning_rate", "weight_decay", *clips)
        chosen = [f"{self.label(name)}={getattr(self, name)}" for name in clips if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise ValueError(f"only one of {', '.join(clips)} can be set. Received: {', '.join(chosen)}")


@dataclass(frozen=True, kw_only=True)
class Schedule(Checked):
    """How the learning rate changes over the planned epochs.

    Args:
        name: Name of the schedule: `constant`; `step`; `exponential`; `cosine`: a linear warm-up to the peak, then half
            a cosine down to 0; `one_cycle`: half a cosine up, then half a cosine down; `reduce_on_plateau`: lower when
            the validation loss no longer falls.
        warmup_fraction: Fraction of all steps spent warming up. Not set: 0.05 (cosine), 0.3 (one_cycle).
        milestones: Fractions of all steps after which the rate falls (step).
        factor: Factor by which the rate falls (step, reduce_on_plateau).
        final_fraction: Fraction of the peak that is left at the end (exponential).
        patience: Number of epochs without a lower validation loss after which the rate falls (reduce_on_plateau).
    """

    name: Literal["constant", "step", "exponential", "cosine", "one_cycle", "reduce_on_plateau"] = "constant"
    warmup_fraction: float | None = None
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    final_fraction: float = 0.01
    patience: int = 5

    def __post_init__(self):
        super().__post_init__()
        self.require_fraction("warmup_fraction")
        for name in ("factor", "final_fraction"):
            self.require(name, lambda value: 0 < value < 1, "more than 0 and less than 1")
        self.require(
            "milestones",
            lambda values: all(0 < value < 1 for value in values) and list(values) == sorted(set(values)),
            "ascending, more than 0 and less than 1",
        )
        self.require_at_least(1, "patience")


@dataclass(frozen=True, kw_only=True)
class Fit(Checked):
    """How long the network is trained, on which batches, and which epoch is kept.

    Args:
        batch_size: Number of rows in one step.
        epochs: Largest number of passes over the training rows.
        patience: Number of epochs without a better validation loss after which training stops. Not set: all epochs are
            trained.
        keep: Epoch whose weights are kept: `best`, that with the best validation loss; `last`, the last one, so that no
            label of the validation part is used.
        class_weight: Weight of each class in the loss, by the name of the class; `balanced` makes all classes count
            alike.
        restarts: Number of times that a training whose loss is no longer finite, or a million times its best, goes back
            to its last good epoch, with a tenth of the learning rate; then it stops.
        checkpoint: How often the training is stored, so that it can be resumed: `auto`, at ends of epochs and, in long
            epochs, between steps, as often as costs 2 % of the time; `epoch`, at the end of each; `100 steps` or
            `5 minutes`, between steps, too. Not set: only where it is interrupted by Ctrl-C or SIGTERM.
    """

    batch_size: int = 32
    epochs: int = 60
    patience: int | None = 15
    keep: Literal["best", "last"] = "best"
    class_weight: Literal["balanced"] | dict[str, float] | None = None
    restarts: int = 0
    checkpoint: str | None = "auto"

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "batch_size", "epochs", "patience")
        words = "auto, epoch, or a number with its unit, such as 100 steps or 5 minutes"
        self.require("checkpoint", lambda value: bool(CHECKPOINT.fullmatch(value)), words)
        self.require_at_least(0, "restarts")
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
        epochs: Largest number of passes over the training rows. 0: no second phase.
        learning_rate: Peak step size. Not set: a tenth of optimizer.learning_rate.
        layers: Number of layers of the body that are trained, counted from the top; batch normalization never is. Not
            set: all.
        layer_decay: Learning rate of each layer of the body, relative to that of the layer above it.
    """

    epochs: int = 0
    learning_rate: float | None = None
    layers: int | None = None
    layer_decay: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(0, "epochs")
        self.require_positive("learning_rate")
        self.require_at_least(1, "layers")
        self.require("layer_decay", lambda value: 0 < value <= 1, "more than 0 and at most 1")
