"""Settings of the optimization: the loss, the optimizer, and the schedule of its learning rate."""

import math
from dataclasses import dataclass
from typing import Literal

from recipes.arguments.checked import Checked
from recipes.arguments.names import unknown

# Optimizers that average gradients and their squares.
WITH_BETAS = ("adam", "adamax", "adamw", "lamb", "lion", "muon", "nadam", "schedule_free_adamw")
# Kinds of weights that can have a learning rate of their own.
WEIGHT_KINDS = ("bias", "slope", "feature_scale", "number_embedding")


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
        rates: Factor of the learning rate, and with it of the weight decay, by kind of weight: bias, slope (of
            activations), feature_scale, number_embedding; such as `{bias: 0.1, feature_scale: 6}`. Not set: 1 for all.
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
    rates: dict[str, float] | None = None
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
        for kind in self.rates or {}:
            if kind not in WEIGHT_KINDS:
                raise unknown("kind of weight in optimizer.rates", kind, WEIGHT_KINDS)
        positive = all(0 < factor < math.inf for factor in (self.rates or {}).values())
        self.require("rates", lambda _: positive, "a mapping to factors more than 0 and finite")
        chosen = [f"{self.label(name)}={getattr(self, name)}" for name in clips if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise ValueError(f"only one of {', '.join(clips)} can be set. Received: {', '.join(chosen)}")


@dataclass(frozen=True, kw_only=True)
class Schedule(Checked):
    """How the learning rate changes over the planned epochs.

    Args:
        name: Name of the schedule: `constant`; `step`; `exponential`; `cosine`: a linear warm-up to the peak, then half
            a cosine down to 0; `one_cycle`: half a cosine up, then half a cosine down; `flat_cosine`: the peak for
            half of all steps, then half a cosine down to 0; `coslog`: cosines from 0 to the peak and back, each twice
            as long as the one before; `reduce_on_plateau`: lower when the validation loss no longer falls.
        warmup_fraction: Fraction of all steps spent warming up. Not set: 0.05 (cosine), 0.3 (one_cycle).
        milestones: Fractions of all steps after which the rate falls (step).
        factor: Factor by which the rate falls (step, reduce_on_plateau).
        final_fraction: Fraction of the peak that is left at the end (exponential).
        cycles: Number of cosines (coslog).
        patience: Number of epochs without a lower validation loss after which the rate falls (reduce_on_plateau).
    """

    name: Literal[
        "constant", "step", "exponential", "cosine", "one_cycle", "flat_cosine", "coslog", "reduce_on_plateau"
    ] = "constant"
    warmup_fraction: float | None = None
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    final_fraction: float = 0.01
    cycles: int = 4
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
        self.require("cycles", lambda value: 1 <= value <= 20, "from 1 to 20")
