"""Numbers of logs: plain ones of whatever Keras puts there, and for TensorBoard, on every backend."""

import math
import tempfile
from pathlib import Path

import numpy as np
from keras import ops


def as_number(value) -> float | None:
    """A value of an epoch's logs as a plain number: an array or tensor of one number is that; others are `None`.

    >>> as_number(np.array([0.5])), as_number(np.array([0.5, 1.0])), as_number("0.5")
    (0.5, None, None)
    """
    try:
        values = np.asarray(ops.convert_to_numpy(value))
        return float(values.reshape(())) if values.size == 1 and values.dtype.kind not in "OSUMm" else None
    except (TypeError, ValueError):  # dicts, texts
        return None


class Scalars:
    """Writes numbers into the event files of a folder that TensorBoard shows.

    Args:
        log_dir: The folder; it is made where it does not exist.

    Raises:
        OSError: If it cannot be written to.
        ImportError: If the package tensorboard is missing.
    """

    def __init__(self, log_dir):
        try:
            Path(log_dir).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=log_dir):
                pass
        except OSError as error:
            raise OSError(f"`log_dir` cannot be written to: {log_dir} ({error.strerror})") from None
        try:
            from tensorboard.summary import Writer
        except ImportError:
            raise ImportError("`log_dir` needs the package tensorboard: pip install tensorboard") from None
        self._writer = Writer(str(log_dir))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Write `values`, by tag, as those of `step`; NaN is left out."""
        for tag, value in values.items():
            if not math.isnan(value):
                self._writer.add_scalar(tag, value, step=step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
