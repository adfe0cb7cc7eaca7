"""The size of gradients and updates, layer by layer, as they were in each compiled step."""

import collections

import keras
import numpy as np

from callbacks.watching.gradient_meter import GradientMeter
from callbacks.watching.optimizer_hook import OptimizerHook, chain_of
from callbacks.watching.record import Record
from callbacks.watching.scalars import Scalars


class GradientNormLogger(keras.callbacks.Callback):
    """Log the norm of the gradient of each layer, before clipping, at every step of the training itself.

    There is no second backward pass: the norms are taken inside the compiled step, where the gradients pass through the
    optimizer. With gradient accumulation they are those of the averaged gradient, once for each update; in mixed
    precision of the unscaled one; on several devices of the one reduced over all. Norms below 1e-19 count as 0, those
    above 1.8e19 as not finite (their squares are float32). The weights are the same with and without this callback: to
    the last bit on JAX and with `jit_compile` on TensorFlow, which otherwise may round them differently, by 1e-6 at
    most.

    The mean norm of all layers together is put into the logs of the epoch as `gradient_norm`: it stands beside the loss
    on the progress bar, in the history, and in what other callbacks write.

    Args:
        trace_every: Keep the norms of every so many updates, beside the summary of each epoch. Default: of none.
        trace_length: Keep the latest so many of those.
        log_dir: A folder for TensorBoard, to which each epoch's `gradient_norm` and `update_ratio` of every layer are
            written. Default: none.

    Attributes:
        record: A `Record` of the training up to the last epoch that ended: `gradient_norm_mean`, `_max` and `_last`,
            `update_ratio` (of weights with more than 4,096 numbers a sixteenth is looked at in each update, by
            turns), the totals, and counts of steps: all, clipped, skipped, not finite. `record.rows()` is a table.

    Raises:
        ValueError: For arguments out of range; when training begins, if the model has no optimizer, or accumulates
            gradients on several devices, where Keras fails.
        OSError: When training begins, if `log_dir` cannot be written to.
    """

    def __init__(self, trace_every=None, trace_length=10_000, log_dir=None):
        super().__init__()
        for name, value in (("trace_every", trace_every), ("trace_length", trace_length)):
            is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if not is_whole and not (value is None and name == "trace_every"):
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
        self._scalars = Scalars(self.log_dir) if self.log_dir is not None else None
        self._per_execution = int(self.model.steps_per_execution)
        self._begin(GradientMeter(self.model, self.trace_every, self._per_execution))
        self._hook = OptimizerHook.add(self.model, self._meter, self.params)
        self._clipper = next((part for part in chain_of(optimizer) if hasattr(part, "clipped_steps")), None)
        self._clipped = self._clipper.clipped_steps if self._clipper else 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.trace_every and self._meter.must_fetch(self._steps_since_fetch, self._per_execution):
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            self._fetch_trace()
        self._steps_since_fetch += self._per_execution

    def on_epoch_end(self, epoch, logs=None):
        if not self._meter.built:  # no step was made
            return
        values = self._meter.read()
        if self._clipper:
            clipped = self._clipper.clipped_steps
            # Who restores the optimizer's state sets this count back as well.
            values["clipped_steps"], self._clipped = np.int32(max(0, clipped - self._clipped)), clipped
        self._epochs.append(epoch + 1)
        self._values.append(values)
        if self.trace_every:
            self._fetch_trace()
        if logs is not None:
            logs["gradient_norm"] = float(values["total_gradient_norm_mean"])
        if self._scalars:
            self._scalars.write(epoch, self._tagged(values))

    def on_train_end(self, logs=None):
        self._hook.remove(self._meter)
        if self._scalars:
            self._scalars.close()

    @property
    def record(self) -> Record:
        if not self._values:
            return Record()
        fields = {name: np.stack([values[name] for values in self._values]) for name in self._values[0]}
        if self.trace_every and self._trace:
            steps, norms = zip(*self._trace, strict=True)
            norms = np.stack(norms)
            fields |= {"trace_step": np.array(steps), "trace_gradient_norm": norms[:, :-1]}
            fields["trace_total_gradient_norm"] = norms[:, -1]
        return Record(layers=self._meter.layers, epochs=np.array(self._epochs), **fields)

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
    strategy = getattr(model, "_distribute_strategy", None)
    devices = strategy.num_replicas_in_sync if strategy else 1
    steps = chain_of(model.optimizer)[-1].gradient_accumulation_steps
    if devices > 1 and steps:
        raise ValueError(
            "gradients cannot be accumulated on several devices: Keras fails there. "
            f"Received: gradient_accumulation_steps={steps} on {devices} devices"
        )
