"""What was seen of a training."""

from dataclasses import dataclass

from callbacks.watching.record import Record


@dataclass(frozen=True, eq=False)
class Watched:
    """Course of a training: its history, its record, and which weights it ended with.

    Attributes:
        history: Values of each epoch, by name: `loss`, `val_loss`, the metrics, and what callbacks add to the logs in
            every epoch. Those of a regression are of scaled targets.
        record: Gradient norms, update ratios and activations, by epoch and layer.
        kept_epoch: Epoch whose weights the model has, counted from 1 as in `history`; `None` where a run folder of an
            older version does not hold it.
        reason: Why the training stopped and the weights of that epoch were kept; empty for the last weights of a
            training that ran to its last epoch.
        divergence: Why the training was stopped as diverged, and what may help; `None` where it did not diverge.
    """

    history: dict[str, list[float]]
    record: Record
    kept_epoch: int | None
    reason: str = ""
    divergence: str | None = None
