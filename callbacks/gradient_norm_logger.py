"""The size of gradients and updates, layer by layer, measured in each compiled training step."""

import collections
import math
import tempfile
import weakref
from pathlib import Path

import keras
import numpy as np

from callbacks.watching.gradient_meter import GradientMeter
from callbacks.watching.optimizer_hook import OptimizerHook
from callbacks.watching.record import Record
from callbacks.watching.wrapped_optimizers import chain_of


class GradientNormLogger(keras.callbacks.Callback):
    """Log the norm of the gradient of each layer, before clipping, at every step of the training itself.

    There is no second backward pass: the norms are calculated inside the compiled step, where the gradients pass
    through the optimizer. With gradient accumulation they are the norms of the averaged gradient, once for each update;
    in mixed precision, of the unscaled gradient; on several devices, of the gradient reduced over all. Norms below
    1e-19 count as 0, and norms above 1.8e19 as not finite, because their squares are float32. The callback does not
    change the weights: they are bit-identical on JAX, and with `jit_compile` on TensorFlow, which otherwise may round
    them differently, by 1e-6 at most.

    The mean norm of all layers together is added to the logs of the epoch as `gradient_norm`, so that it is shown
    beside the loss on the progress bar, in the history, and by other callbacks.

    Args:
        trace_every: Number of updates from one whose norms are kept one by one to the next, at least 1. Default: no
            such trace, only the summary of each epoch.
        trace_length: Number of traced updates that are kept, the latest ones. Default: 10,000.
        log_dir: Folder for TensorBoard, to which `gradient_norm` and the `update_ratio` of every layer are written in
            each epoch. Default: none.

    Attributes:
        record: A `Record` of the training up to the last epoch that ended: `gradient_norm_mean`, `_max` and `_last`,
            `update_ratio`, the totals of all layers, and the numbers of steps: all, clipped, skipped, not finite. For
            `update_ratio`, weights of more than 4,096 numbers are sampled: each update looks at another sixteenth.
            `record.rows()` is a table.

    Raises:
        ValueError: For arguments out of range; and when training begins, if the model has no optimizer, or accumulates
            gradients on several devices, where Keras fails.
        OSError: When training begins, if `log_dir` cannot be written to.
        ImportError: When training begins, if `log_dir` is given and the package tensorboard is missing.
    """

    def __init__(self, trace_every=None, trace_length=10_000, log_dir=None):
        super().__init__()
        for name, value in (("trace_every", trace_every), ("trace_length", trace_length)):
            is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if not is_count and not (value is None and name == "trace_every"):
                raise ValueError(f"`{name}` must be a whole number of at least 1. Received: {value!r}")
        self.trace_every = trace_every
        self.trace_length = trace_length
        self.log_dir = log_dir
        self._begin(None)

    def _begin(self, meter):
        self._meter = meter
        self._epochs, self._values = [], []
        self._trace = collections.deque(maxlen=self.trace_length)
        self._steps_since_fetch = 0

    def on_train_begin(self, logs=None):
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            raise ValueError("GradientNormLogger needs a model that is compiled with an optimizer. Received: none")
        _refuse_accumulation_on_devices(self.model)
        self._event_files = EventFiles(self.log_dir) if self.log_dir is not None else None
        self._per_execution = int(self.model.steps_per_execution)
        self._begin(GradientMeter(self.model, self.trace_every, self._per_execution))
        self._hook = OptimizerHook.add(self.model, self._meter, self.params)
        # Optimizers of `recipes` count by themselves what they clip; they are recognized without being imported.
        self._clipper = next((part for part in chain_of(optimizer) if hasattr(part, "clipped_steps")), None)
        self._clipped = self._clipper.clipped_steps if self._clipper else 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.trace_every and self._meter.must_fetch(self._steps_since_fetch, self._per_execution):
            if keras.backend.backend() == "jax":
                # On JAX the variables hold what they held when the epoch began, until they are synchronized.
                self.model.jax_state_sync()
            self._fetch_trace()
        self._steps_since_fetch += self._per_execution

    def on_epoch_end(self, epoch, logs=None):
        if not self._meter.built:  # no step was made
            return
        values = self._meter.read()
        if self._clipper:
            clipped = self._clipper.clipped_steps
            # Not below 0, as a callback that restores the optimizer's state sets this count back as well.
            values["clipped_steps"], self._clipped = np.int32(max(0, clipped - self._clipped)), clipped
        self._epochs.append(epoch + 1)
        self._values.append(values)
        if self.trace_every:
            self._fetch_trace()
        if logs is not None:
            logs["gradient_norm"] = float(values["total_gradient_norm_mean"])
        if self._event_files:
            self._event_files.write(epoch, self._tagged(values))

    def on_train_end(self, logs=None):
        self._hook.remove(self._meter)
        if self._event_files:
            self._event_files.close()

    def state(self) -> dict:
        """What a resumed training needs, between two steps or at the end of an epoch: plain values and arrays."""
        return {
            "epochs": list(self._epochs),
            "values": self._by_epoch(),
            "trace": [np.stack(column) for column in zip(*self._trace, strict=True)],
            "steps_since_fetch": self._steps_since_fetch,
            "clipped": self._clipped,
            "meter": self._meter.state(),
        }

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew and its optimizer is built."""
        self._epochs = list(state["epochs"])
        self._values = [
            {name: column[place] for name, column in state["values"].items()} for place in range(len(self._epochs))
        ]
        self._trace.extend(zip(*state["trace"], strict=True))
        self._steps_since_fetch, self._clipped = state["steps_since_fetch"], state["clipped"]
        if state["meter"] is not None:
            self._hook.build()
            self._meter.restore(state["meter"])

    @property
    def record(self) -> Record:
        if not self._values:
            return Record()
        fields = self._by_epoch()
        if self.trace_every and self._trace:
            steps, norms = zip(*self._trace, strict=True)
            norms = np.stack(norms)
            fields |= {"trace_step": np.array(steps), "trace_gradient_norm": norms[:, :-1]}
            fields["trace_total_gradient_norm"] = norms[:, -1]
        return Record(layers=self._meter.layers, epochs=np.array(self._epochs), **fields)

    def _by_epoch(self):
        return {name: np.stack([values[name] for values in self._values]) for name in (*self._values, {})[0]}

    def _fetch_trace(self):
        self._trace.extend(zip(*self._meter.fetch_trace(), strict=True))
        self._steps_since_fetch = 0

    def _tagged(self, values):
        tags = {"gradient_norm": values["total_gradient_norm_mean"]}
        for name in ("gradient_norm_mean", "update_ratio"):
            title = name.removesuffix("_mean")
            tags |= {f"{title}/{layer}": value for layer, value in zip(self._meter.layers, values[name], strict=True)}
        return {tag: float(value) for tag, value in tags.items()}


def _refuse_accumulation_on_devices(model):
    strategy = getattr(model, "distribute_strategy", None)  # on TensorFlow alone
    devices = strategy.num_replicas_in_sync if strategy else 1
    steps = chain_of(model.optimizer)[-1].gradient_accumulation_steps
    if devices > 1 and steps:
        raise ValueError(
            "gradients cannot be accumulated on several devices: Keras fails there. "
            f"Received: gradient_accumulation_steps={steps} on {devices} devices"
        )


class EventFiles:
    """A writer of numbers into the event files of a folder that TensorBoard shows.

    It uses the package tensorboard alone, so that it works on every backend.

    Args:
        log_dir: Path of the folder, which is made if it does not exist.

    Raises:
        OSError: If the folder cannot be written to.
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
        # Its thread and its file would outlive a training that is interrupted, of which nobody sees the end.
        self._close = weakref.finalize(self, self._writer.close)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Write `values`, by tag, for `step`; NaN is left out."""
        for tag, value in values.items():
            if not math.isnan(value):
                self._writer.add_scalar(tag, value, step=step)
        self._writer.flush()

    def close(self) -> None:
        self._close()
