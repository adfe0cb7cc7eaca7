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
        kept_epoch: Epoch whose weights the model has, counted from 1 as in `history`; `None` for a run of an older
            version, which does not hold it.
        reason: Why the weights of that epoch were kept, in one phrase; `""` where it is not known.
    """

    history: dict[str, list[float]]
    record: Record
    kept_epoch: int | None
    reason: str = ""
