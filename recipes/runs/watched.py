"""What `fit` leaves besides the trained weights."""

from dataclasses import dataclass

from callbacks import Record


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen of a training.

    Attributes:
        history: Values of each epoch, by name: loss, val_loss, the metrics, and what callbacks add to the logs.
        record: Gradient norms, update ratios and activations, by epoch and layer.
        kept_epoch: Epoch whose weights the model has, counted from 1.
        reason: Why the training stopped and that epoch was kept, in a sentence; empty for a training that ran to its
            last epoch and keeps the last weights.
        divergence: Why the training was stopped as diverged, in a sentence; `None` for a training that did not diverge.
    """

    history: dict[str, list[float]]
    record: Record
    kept_epoch: int
    reason: str = ""
    divergence: str | None = None
