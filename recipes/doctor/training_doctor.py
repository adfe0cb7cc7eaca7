"""The diagnosis as a callback: what is wrong with a training, said by the training itself."""

import dataclasses
import math
import time
import warnings
from collections.abc import Sequence

import keras

from callbacks.watching.scalars import as_number
from recipes.arguments.numbers import require_share, require_whole
from recipes.doctor import logs as logs_of_epochs
from recipes.doctor import outcome, text, untried
from recipes.doctor.diagnosing import are_certain, facts_of_rows, reference_of
from recipes.doctor.diagnosis import Diagnosis
from recipes.doctor.facts.assumed import any_row, assumed_data, assumed_reference, chance_of
from recipes.doctor.facts.model import model_facts
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.judging import judge
from recipes.doctor.ranking import ranked
from recipes.doctor.replay import have_moved, replayed
from recipes.doctor.rules import course as course_rules
from recipes.doctor.rules import layers, optimizer, outputs, start, tasks
from recipes.doctor.sample import rows_of, some_of
from recipes.doctor.scoring import Scores, rows_to_score
from recipes.doctor.seen import Course, DataFacts, ModelFacts, Reference, Seen
from recipes.training.fitting_checks import outputs_for
from recipes.training.state import assign_copies, copies_of

# Share of the time of the training that its scoring may take.
MOST_SCORING = 0.02
# Rows that are looked at before the training begins; all are looked at after it.
FIRST_ROWS = 2000
# Rules that need no rows.
_RULES = tuple(rule for room in (outputs, tasks, optimizer, layers, start, course_rules) for rule in room.RULES)


class TrainingDoctor(keras.callbacks.Callback):
    """Say what keeps a training from working, in the user's own `fit`: the verdict of `diagnose`, without its trials.

    A callback is not shown the rows of `fit`. With `x` and `y` given here, all is checked that `diagnose` checks;
    without them, the compiled model and the logs of `fit`, but no gradients. Contradictions, such as softmax on one
    unit, are told before the first step. At the end of a training that went wrong, the cause is printed in a line, and
    `diagnosis` has the whole. What `diagnose` would try, one thing at a time, is named as a fault of 50 % confidence
    here, as whole trainings are not repeated in the middle of `fit`.

    Put it behind callbacks that restore weights, such as `EarlyStopping`, so that the weights that are kept are scored.

    The training is the same as without the callback, bit for bit: nothing is hooked into its steps. A healthy training
    takes at most a few percent longer, as some rows are predicted at its end, unless the accuracy of validation rows in
    the logs of `fit` leaves nothing to gain. With rows, a copy of the initial weights is kept in memory. Where the
    training ends at chance or clearly below simple models, those are fitted, and an epoch of at most 2,000 rows is
    trained from the initial weights under watch, for 10 seconds at most beside its compiling; then the model is put
    back as the training has left it, bit for bit.

    Args:
        x: Training rows as the model takes them, `(rows, ...)`, or batches of `(x, y)` that can be read again; a
            `tf.data.Dataset` that shuffles has another order after it was read. Default: none, so that nothing is said
            about rows.
        y: Targets `(rows, ...)`; `None` where they come with the batches.
        validation_data: Held-out rows: `(x, y)`, or batches. Default: none, so that training rows are scored, unless
            the logs of `fit` have an accuracy of validation rows.
        batch_size: Number of rows in a batch of `fit`; it is not shown to a callback either. Default: 32.
        human_error: Error of people on the task, from 0 to 1, as in `diagnose`. Default: not known.
        stop: Whether to end the training once a fault is certain: after the first step for a contradiction, and after
            the epoch for a loss that is not finite. Default: it goes on.
        verbose: 1 to print the faults in a line each, 0 to be silent.

    Attributes:
        diagnosis: `Diagnosis` of the training up to its end, or up to now while it goes on; `None` before it begins. It
            is completed when it is first asked for: comparing a healthy training with simple models takes seconds,
            which a long training should not wait for.

    Raises:
        ValueError: For rows that cannot be used, as in `diagnose`, and iterators; and when training begins, for a model
            that is not compiled with an optimizer, or does not take such rows.
    """

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
            self._diagnosis = self._whole()
        return self._diagnosis

    def on_train_begin(self, logs=None):
        self._begun = time.monotonic()
        self._seen, self._diagnosis, self._initial, self._history, self._said = None, None, None, [], set()
        self._seen = self._at_rest()
        self._scores = self._scoring()
        certain = [finding for finding in self._judge(self._seen) if are_certain([finding])]
        self._say(ranked(certain))
        self._must_stop = self.stop and bool(certain)

    def on_epoch_begin(self, epoch, logs=None):
        # Not when training begins: other callbacks may restore weights then.
        if self.rows is not None and not self._history:
            self._initial = copies_of(self.model.variables)
        if self._must_stop:
            self.model.stop_training = True  # after the first step, which Keras makes in any case

    def on_epoch_end(self, epoch, logs=None):
        numbers = {name: as_number(value) for name, value in (logs or {}).items()}
        self._history.append({name: value for name, value in numbers.items() if value is not None})
        if self.stop and not math.isfinite(self._history[-1].get("loss", 0.0)):
            self.model.stop_training = True
        if self._scores is not None:
            self._scores.on_epoch_end(len(self._history) - 1)

    def on_train_end(self, logs=None):
        if not self._history:
            return
        self._seen = dataclasses.replace(self._seen, course=self._course())
        if self._scores is not None and not self._is_well_by_its_logs():
            self._score()
            self._seen = dataclasses.replace(self._seen, course=self._course())
        if self.rows is None:
            is_validated = logs_of_epochs.held_prefix(self._history) != ""
            self._seen = dataclasses.replace(self._seen, data=self._assumed(self._seen.model, is_validated))
        self._diagnosis = None  # of an earlier epoch, if somebody has asked for it
        if self._is_suspicious():
            self._diagnosis = self._whole()
            self._say(self._diagnosis.faults)
        self._initial = None

    def state(self) -> dict:
        """What a resumed training needs, at the end of an epoch: plain values and arrays.

        The initial weights are left out, as they are as large as the model: of a resumed training, neither gradients
        nor activations are watched, since its first epoch cannot be trained again.
        """
        found = {} if self._scores is None else self._scores.found
        return {
            "history": [dict(values) for values in self._history],
            "first_loss": math.nan if self._scores is None else self._scores.first_loss,
            "scored_epochs": list(found),
            "scores": [list(pair) for pair in found.values()],
        }

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew."""
        self._history, self._initial = [dict(values) for values in state["history"]], None
        if self._scores is not None:
            self._scores.found = dict(zip(state["scored_epochs"], state["scores"], strict=True))
            self._scores.first_loss = state["first_loss"]

    def _at_rest(self) -> Seen:
        """What is seen before the first step, on some of the rows."""
        epochs = int(self.params.get("epochs") or 1)
        steps = epochs * self.params["steps"] if self.params.get("steps") else None
        if self.rows is None:
            facts = model_facts(self.model, any_row(self.model), steps=steps)
            data = self._assumed(facts)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras's own, which `fit` gives anyway
                rows_by_shape = {x.shape[1:]: x[:1] for x in (self.rows.x, *(self.rows.validation or ())[:1])}
                for shape, row in rows_by_shape.items():
                    outputs_for(self.model, row, f"rows of shape {shape}")
            rows = some_of(self.rows, FIRST_ROWS)
            facts = model_facts(self.model, rows.x[:1], steps=steps)
            data = facts_of_rows(facts, rows)
        return Seen(model=facts, data=data, epochs=epochs, batch_size=self.batch_size, human_error=self.human_error)

    def _assumed(self, facts: ModelFacts, is_validated: bool = False) -> DataFacts:
        steps = self.params.get("steps")
        rows = {"rows": steps * self.batch_size} if steps else {}
        return assumed_data(facts, is_validated=is_validated, **rows)

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

    def _is_well_by_its_logs(self) -> bool:
        """Whether the logs have an accuracy of held-out rows than which none can be clearly better.

        Then nothing needs an explanation, and short trainings are spared the compilation of the scoring.
        """
        prefix = logs_of_epochs.held_prefix(self._history)
        if not prefix or logs_of_epochs.accuracies(self._history, prefix) is None:
            return False
        missing = 1 - outcome.final_score(self._seen.course)
        return missing < outcome.clear_difference(self._seen) and not self._is_suspicious()

    def _score(self) -> None:
        """Score the weights that are kept, and, where they are known, those before the first step."""
        self._scores.on_train_end()
        if self._initial is not None:
            kept = copies_of(self.model.variables)
            try:
                assign_copies(self._initial)
                self._scores.on_epoch_begin(0)
            finally:
                assign_copies(kept)

    def _may_score(self, epoch: int) -> bool:
        if epoch == 0:
            return True
        prefix = logs_of_epochs.held_prefix(self._history)
        if not self._history or logs_of_epochs.accuracies(self._history, prefix) is not None:
            return False
        return self._scores.seconds <= MOST_SCORING * (time.monotonic() - self._begun)

    def _course(self) -> Course:
        scores = self._scores
        known = {} if scores is None else {"balanced": scores.balanced, "constant_output": scores.constant}
        return logs_of_epochs.course_of(
            self._history,
            {} if scores is None else scores.found,
            first_loss=math.nan if scores is None else scores.first_loss,
            steps=self.params.get("steps") or 1,
            seconds=time.monotonic() - self._begun,
            **known,
        )

    def _is_suspicious(self) -> bool:
        """Whether the end may be poor, as far as can be told without simple models."""
        seen = dataclasses.replace(self._seen, reference=Reference(chance=chance_of(self._seen.data.targets)))
        findings = self._judge(seen)
        if any(finding.severity == FAULT or finding.cause in untried.SUSPICIONS for finding in findings):
            return True
        if outcome.is_unwell(seen):
            return True
        return self._initial is not None and not have_moved(self._initial)

    def _whole(self) -> Diagnosis:
        """The verdict on all rows, beside simple models, and with what is watched of a training that went wrong."""
        start = time.monotonic()
        seen = self._seen
        if self.rows is None:
            seen = dataclasses.replace(seen, reference=assumed_reference(seen.data.targets))
        else:
            simple = None if seen.course is None else reference_of(seen, self.rows)
            seen = dataclasses.replace(seen, reference=simple, data=facts_of_rows(seen.model, self.rows))
            if self._initial is not None and self._must_replay(seen):
                seen = self._replayed(seen)
        findings = self._judge(seen)
        suspected = untried.likely(seen, findings)
        findings = findings if suspected is None else [suspected, *findings]
        return Diagnosis(ranked(findings), seen, time.monotonic() - start)

    def _must_replay(self, seen: Seen) -> bool:
        """Whether gradients and activations may explain the end, and nothing certain does."""
        if seen.course is None or are_certain(self._judge(seen)):
            return False
        return outcome.is_unwell(seen) or not have_moved(self._initial)

    def _replayed(self, seen: Seen) -> Seen:
        rate = None if seen.model.has_schedule else seen.model.learning_rate
        options = {"epochs": seen.course.epochs, "batch_size": self.batch_size, "rate": rate}
        record = replayed(self.model, self.rows, self._initial, **options)
        watched = dataclasses.replace(seen.course.watched, record=record)
        return dataclasses.replace(seen, course=dataclasses.replace(seen.course, watched=watched))

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
