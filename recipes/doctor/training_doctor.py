"""The diagnosis as a callback: what is wrong with a training, said by the training itself."""

import dataclasses
import math
import time
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from callbacks import ActivationStatistics, GradientNormLogger
from callbacks.watching.compiled_step import compile_again
from callbacks.watching.record import merged
from callbacks.watching.scalars import as_number
from recipes.arguments.numbers import require_share, require_whole
from recipes.doctor import logs as logs_of_epochs
from recipes.doctor import outcome, text, untried
from recipes.doctor.changes import MENDING
from recipes.doctor.diagnosing import are_certain, classes_of_margins, facts_of_rows
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.facts.assumed import any_row, assumed_data, assumed_reference, chance_of
from recipes.doctor.facts.model import model_facts
from recipes.doctor.facts.reference import reference
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.judging import judge
from recipes.doctor.ranking import ranked
from recipes.doctor.rules import course as course_rules
from recipes.doctor.rules import layers, optimizer, outputs, start, tasks
from recipes.doctor.sample import rows_of, some_of
from recipes.doctor.scoring import Scores, rows_to_score
from recipes.doctor.seen import Course, Reference, Seen
from recipes.training.fitting_checks import outputs_for

# Share of the time of the training that its scoring may take.
MOST_SCORING = 0.02
# Rows that are looked at before the training begins; all are looked at after it.
FIRST_ROWS = 2000
ACTIVATION_ROWS = 256
# Epochs whose gradients are watched where the rest takes longer than so many seconds: to compile the step anew, without
# them, is worth it then.
GRADIENT_EPOCHS, LONG_REST = 2, 60.0
# Rules that need no rows.
_RULES = tuple(rule for room in (outputs, tasks, optimizer, layers, start, course_rules) for rule in room.RULES)


class TrainingDoctor(keras.callbacks.Callback):
    """Say what keeps a training from working, in the user's own `fit`: the verdict of `diagnose`, without its trials.

    A callback is not shown the rows of `fit`. With `x` and `y` given here, all is checked that `diagnose` checks;
    without them, the compiled model, its gradients and the logs of `fit`. Contradictions, such as softmax on one unit,
    are told before the first step. At the end of a training that went wrong, the cause is printed in a line, and
    `diagnosis` has the whole. What `diagnose` would try, one thing at a time, is named as a fault of 50 % confidence
    here, as a training is not repeated in the middle of `fit`.

    Put it behind callbacks that restore weights, such as `EarlyStopping`, so that the weights that are kept are scored.

    The training is the same as without the callback: its weights are bit-identical on JAX, and with `jit_compile` on
    TensorFlow, which otherwise may round them differently, by 1e-6 at most.

    Args:
        x: Training rows as the model takes them, `(rows, ...)`, or batches of `(x, y)` that can be read again; a
            `tf.data.Dataset` that shuffles has another order after it was read. Default: none, so that nothing is said
            about rows.
        y: Targets `(rows, ...)`; `None` where they come with the batches.
        validation_data: Held-out rows: `(x, y)`, or batches. Default: none, so that training rows are scored, unless
            the logs of `fit` have an accuracy of validation rows.
        batch_size: Number of rows in a batch of `fit`; it is not shown to a callback either. Default: 32.
        human_error: Error of people on the task, from 0 to 1, as in `diagnose`. Default: not known.
        stop: Whether to end the training after the step in which a fault is certain: a contradiction, or a loss that is
            not finite. Default: it goes on.
        verbose: 1 to print the faults in a line each, 0 to be silent.

    Attributes:
        diagnosis: `Diagnosis` of the training up to its end, or up to now while it goes on; `None` before it begins. It
            is completed when it is first asked for: comparing a healthy training with simple models takes seconds,
            which a long training should not wait for.

    Raises:
        ValueError: For rows that cannot be used, as in `diagnose`, and iterators; and when training begins, for a model
            that is not compiled with an optimizer, or does not take such rows.
    """

    # The ends of batches may be reported beside the training, since they only take down the first loss.
    async_safe = True

    def __init__(self, x=None, y=None, validation_data=None, *, batch_size=32, human_error=None, stop=False, verbose=1):
        super().__init__()
        if x is None and (y is not None or validation_data is not None):
            raise ValueError("`x` must be given with `y` and `validation_data`. Received: x=None")
        if any(hasattr(data, "__next__") for data in (x, validation_data)):
            # `fit` would not get the batches that are read here.
            raise ValueError(
                "`x` and `validation_data` must be rows, or batches to be read again. Received: an iterator"
            )
        require_whole("batch_size", batch_size, 1)
        if human_error is not None:
            require_share("human_error", human_error)
        self.rows = None if x is None else rows_of(x, y, validation_data)
        self.batch_size, self.human_error, self.stop, self.verbose = batch_size, human_error, stop, verbose
        self._seen = self._diagnosis = None

    @property
    def diagnosis(self) -> Diagnosis | None:
        if self._diagnosis is None and self._seen is not None:
            self._diagnosis = self._whole(self._seen)
        return self._diagnosis

    def on_train_begin(self, logs=None):
        self._start = time.monotonic()
        self._seen, self._diagnosis = None, None
        self._seen = self._at_rest()  # before anything is hooked in, as it may refuse the model or its rows
        self._gradients = GradientNormLogger()
        self._gradients.set_params(self.params)
        self._gradients.set_model(self.model)
        self._gradients.on_train_begin()
        # For the end of batches, where `self.model` must not be used: on JAX it copies the state of the training into
        # the model, and at that time the next step is using that state already.
        self._trained = self.model
        self._history, self._first = [], (math.inf, math.nan)
        self._watches_gradients, self._epoch_start = True, self._start
        self._scores = self._scoring()
        certain = [finding for finding in self._judge(self._seen) if are_certain([finding])]
        self._said = set()
        self._say(ranked(certain))
        self._must_stop = self.stop and bool(certain)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_start = time.monotonic()

    def on_train_batch_begin(self, batch, logs=None):
        self._gradients.on_train_batch_begin(batch)
        if self._must_stop:
            self._trained.stop_training = True  # after this step, which Keras makes in any case

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if isinstance(loss, float):
            # The loss of the lowest batch number, because on JAX the ends of batches may be reported out of order.
            self._first = min(self._first, (batch, loss), key=lambda pair: pair[0])
            self._must_stop = self._must_stop or (self.stop and not math.isfinite(loss))

    def on_epoch_end(self, epoch, logs=None):
        if self._watches_gradients:
            self._gradients.on_epoch_end(epoch)
        numbers = {name: as_number(value) for name, value in (logs or {}).items()}
        self._history.append({name: value for name, value in numbers.items() if value is not None})
        if self.stop and not math.isfinite(self._history[-1].get("loss", 0.0)):
            self.model.stop_training = True
        if self._scores is not None:
            self._scores.on_epoch_end(len(self._history) - 1)
        rest = (self._seen.epochs - epoch - 1) * (time.monotonic() - self._epoch_start)
        if self._watches_gradients and len(self._history) >= GRADIENT_EPOCHS and rest > LONG_REST:
            self._leave_gradients()

    def on_train_end(self, logs=None):
        if self._watches_gradients:
            self._gradients.on_train_end()
        if not self._history:
            return
        if self._scores is not None:
            self._scores.on_train_end()
        self._seen = dataclasses.replace(self._seen, course=self._course())
        if self.rows is None:
            is_validated = logs_of_epochs.held_prefix(self._history) != ""
            self._seen = dataclasses.replace(self._seen, data=assumed_data(self._seen.model, is_validated=is_validated))
        if self._is_suspicious():
            self._watch_activations()
            self._say(self.diagnosis.faults)

    def state(self) -> dict:
        """What a resumed training needs, between two steps or at the end of an epoch: plain values and arrays."""
        found = {} if self._scores is None else self._scores.found
        return {
            "gradients": self._gradients.state(),
            "watches_gradients": self._watches_gradients,
            "history": [dict(values) for values in self._history],
            "first": list(self._first),
            "scored_epochs": list(found),
            "scores": [list(pair) for pair in found.values()],
        }

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew."""
        self._gradients.restore(state["gradients"])
        if not state["watches_gradients"]:
            self._leave_gradients()
        self._history, self._first = [dict(values) for values in state["history"]], tuple(state["first"])
        if self._scores is not None:
            self._scores.found = dict(zip(state["scored_epochs"], state["scores"], strict=True))

    def _leave_gradients(self) -> None:
        self._watches_gradients = False
        self._gradients.on_train_end()
        compile_again(self.model)

    def _at_rest(self) -> Seen:
        """What is seen before the first step, on some of the rows."""
        epochs = int(self.params.get("epochs") or 1)
        steps = epochs * self.params["steps"] if self.params.get("steps") else None
        if self.rows is None:
            facts = model_facts(self.model, any_row(self.model), steps=steps)
            data = assumed_data(facts, is_validated=False)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras's own, which `fit` gives anyway
                for x in (self.rows.x, *(self.rows.validation or ())[:1]):
                    outputs_for(self.model, x[:1], f"rows of shape {x.shape[1:]}")
            rows = some_of(self.rows, FIRST_ROWS)
            facts = model_facts(self.model, rows.x[:1], steps=steps)
            data = facts_of_rows(facts, rows)
        return Seen(model=facts, data=data, epochs=epochs, batch_size=self.batch_size, human_error=self.human_error)

    def _scoring(self) -> Scores | None:
        if self.rows is None:
            return None
        train = rows_to_score(self.rows.x, self.rows.y)
        held = train if self.rows.validation is None else rows_to_score(*self.rows.validation)
        seen = self._seen
        logits = seen.model.takes_logits or seen.model.margins
        scores = Scores(held, train, seen.data.targets.form, logits, self._may_score)
        scores.set_model(self.model)
        return scores

    def _may_score(self, epoch: int) -> bool:
        if (
            not self._history
            or logs_of_epochs.accuracies(self._history, logs_of_epochs.held_prefix(self._history)) is not None
        ):
            return False
        return self._scores.seconds <= MOST_SCORING * (time.monotonic() - self._start)

    def _course(self) -> Course:
        scores, record = self._scores, self._gradients.record
        return logs_of_epochs.course_of(
            self._history,
            record,
            {} if scores is None else scores.found,
            first_loss=self._first[1] if int(self.model.steps_per_execution) == 1 else math.nan,
            balanced=math.nan if scores is None else scores.balanced,
            constant_output=scores is not None and scores.constant,
            seconds=time.monotonic() - self._start,
        )

    def _is_suspicious(self) -> bool:
        """Whether the end may be poor, as far as can be told without simple models."""
        seen = dataclasses.replace(self._seen, reference=Reference(chance=chance_of(self._seen.data.targets)))
        findings = self._judge(seen)
        tried = {change.causes[0] for change in MENDING}
        faults = [finding for finding in findings if finding.severity == FAULT or finding.cause in tried]
        return bool(faults) or outcome.is_unwell(seen)

    def _watch_activations(self) -> None:
        """Add the activations of the trained model to the record."""
        if self.rows is None or not self._seen.course.is_finite:
            return
        x = some_of(self.rows, ACTIVATION_ROWS).x
        x = x[np.isfinite(x).reshape(len(x), -1).all(axis=1)]
        if not len(x):
            return
        statistics = ActivationStatistics(x, rows=ACTIVATION_ROWS, batch_size=ACTIVATION_ROWS)
        statistics.set_model(self.model)
        statistics.on_train_begin()
        statistics.on_epoch_end(len(self._history) - 1)
        course = self._seen.course
        watched = dataclasses.replace(course.watched, record=merged([course.watched.record, statistics.record]))
        self._seen = dataclasses.replace(self._seen, course=dataclasses.replace(course, watched=watched))

    def _whole(self, seen: Seen) -> Diagnosis:
        """The verdict on all rows, and beside simple models."""
        start = time.monotonic()
        if self.rows is None:
            reference_of_rows = assumed_reference(seen.data.targets)
        else:
            rows = self.rows
            y, validation = classes_of_margins(seen.model, rows.y, rows.validation)
            tokens = seen.data.inputs.kind == "tokens"
            reference_of_rows = reference(rows.x, y, validation, tokens=tokens) if seen.course is not None else None
            seen = dataclasses.replace(seen, data=facts_of_rows(seen.model, rows))
        seen = dataclasses.replace(seen, reference=reference_of_rows)
        findings = self._judge(seen)
        suspected = untried.likely(seen, findings)
        findings = findings if suspected is None else [suspected, *findings]
        return Diagnosis(ranked(findings), seen, time.monotonic() - start)

    def _judge(self, seen: Seen) -> list[Finding]:
        findings = judge(seen) if self.rows is not None else judge(seen, _RULES)
        if seen.course is not None and seen.course.epochs < seen.epochs:
            # What has stopped the training early has an answer to it, which may be to restore other weights.
            return [finding for finding in findings if finding.cause != "overfit"]
        return findings

    def _say(self, faults: Sequence[Finding]) -> None:
        for finding in faults:
            if self.verbose and finding.cause not in self._said:
                print(f"TrainingDoctor: {text.short_sentence(finding)} `.diagnosis` tells more")
            self._said.add(finding.cause)
