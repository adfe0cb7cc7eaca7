"""Settings of the training: augmentation, length of the fit, and fine-tuning."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from recipes.arguments.checked import Checked

# Values of `fit.checkpoint`: the number and the unit are groups.
CHECKPOINT = re.compile(r"auto|epoch|(0*[1-9]\d{0,8}) (steps?|minutes?)")


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
class Fit(Checked):
    """How long the network is trained, on which batches, and which epoch is kept.

    Args:
        batch_size: Number of rows in one step.
        epochs: Largest number of passes over the training rows.
        patience: Number of epochs without a better value of what `keep` goes by, after which training stops. Not set:
            all epochs are trained.
        keep: Epoch whose weights are kept: `best`, that with the best validation loss; `error`, with the fewest wrong
            validation rows or the least root mean squared error, of ties the last; `refined`, with the best validation
            log loss after temperature scaling, whose temperature is then a part of the saved model (arXiv:2501.19195);
            `last`, the last one, so that no label of the validation part is used.
        refit: Whether the network is then trained anew on training and validation rows together, for as many epochs as
            were best.
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
    keep: Literal["best", "error", "refined", "last"] = "best"
    refit: bool = False
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
