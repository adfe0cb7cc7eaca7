"""A network that is ready to be trained: checked against its data, compiled, with its rows in their order."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import keras

from callbacks import EarlyStopping, Progress, StopOnDivergence
from callbacks.watching.record import merged
from recipes import models
from recipes.arguments.numbers import require_whole
from recipes.data import Dataset, check_seed
from recipes.data.class_weights import class_weights
from recipes.keras_internals.private import build_metrics
from recipes.models.body import body_of
from recipes.models.outputs import Outputs
from recipes.runs.stopwatch import Stopwatch
from recipes.runs.watched import Watched
from recipes.settings import Fit, Recipe
from recipes.training.checkpointing import Checkpointing
from recipes.training.compiling import compile_model
from recipes.training.execution import steps_in_one_call, steps_of_call
from recipes.training.fitting_checks import check_fit, checked_columns, outputs_for
from recipes.training.phases import fit_phases
from recipes.training.refitting import calibrated, initial_values, refit
from recipes.training.rows import (
    ArrayRows,
    DatasetRows,
    as_evaluate_arguments,
    check_augmentation,
    check_batch_size,
    release,
)
from recipes.training.session import Session
from recipes.training.state import assign_copies
from recipes.training.timed_session import TimedSession
from recipes.training.watching import (
    WATCHERS,
    LearningRateLog,
    TrainingEnd,
    advice_on,
    callbacks_for,
    kept_epoch,
    numeric_history,
)


@dataclass(frozen=True, eq=False)
class Training:
    """A network that is ready to be trained; `fit` trains it in place.

    Attributes:
        core: Compiled Keras model, from prepared rows to logits, or to scaled values for a regression.
        outputs: Facts about the outputs of `core`, their number among them.
        recipe: Recipe that is followed; of a model that the user compiled, its part `fit` alone.
        dataset: Data of the training; `None` for plain arrays.
        source: Rows as `fit` takes them.
        seed: Seed of the initial weights, the order of the rows and the augmentation.
        rate_setting: Name of the setting that holds the learning rate, for messages.
        stopwatch: Stopwatch that tells steps, validation and callbacks apart; `None` where nobody asks for their time.
    """

    core: keras.Model
    outputs: Outputs
    recipe: Recipe
    dataset: Dataset | None
    source: DatasetRows | ArrayRows
    seed: int = 0
    rate_setting: str = "optimizer.learning_rate"
    stopwatch: Stopwatch | None = None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        dataset: Dataset,
        model: keras.Model | Callable[[Dataset], keras.Model] | None = None,
        seed: int = 0,
        *,
        limit: int | None = None,
    ) -> Self:
        """Check the recipe against the data, seed, build the network, check that it fits the data, and compile it.

        Args:
            recipe: Recipe with every change applied.
            dataset: Data to train on.
            model: Model of the user's own instead of the recipe's, or a function of the dataset that returns one.
            seed: Seed of the initial weights, the order of the rows and the augmentation.
            limit: Largest number of rows of each part that are used. Default: all.

        Raises:
            ValueError: For settings that do not suit the data, and for a model that does not fit them.
        """
        seed = check_seed(seed)
        check_augmentation(recipe, dataset)
        class_weights(recipe, dataset)
        keras.utils.set_random_seed(seed)
        if model is None:
            core = models.build(recipe, dataset)
        else:
            core = model if isinstance(model, keras.Model) or not callable(model) else model(dataset)
        if not isinstance(core, keras.Model):
            raise ValueError(
                f"`model` must be a Keras model, or a function of the dataset giving one. Received: {core!r}"
            )
        num_outputs = check_fit(core, dataset)
        check_batch_size(core, recipe)
        if recipe.fine_tune.epochs:
            body_of(core)  # refuses a model of the user's own without one
        steps = math.ceil(len(dataset.train[1]) / recipe.fit.batch_size)
        compile_model(core, recipe, steps, task=dataset.task, num_outputs=num_outputs)
        source = DatasetRows(recipe, dataset, num_outputs, seed, limit)
        outputs = dataclasses.replace(Outputs.of(core), units=num_outputs)
        return cls(core, outputs, recipe, dataset, source, seed)

    @classmethod
    def of_compiled(
        cls, model: keras.Model, x, y, validation_data=None, *, epochs: int = 1, batch_size: int = 32, seed: int = 0
    ) -> Self:
        """The training of a compiled model of the user's own on plain arrays; the model is trained as it was compiled.

        Args:
            model: Compiled Keras model with an optimizer.
            x: Rows as the model takes them, an array `(rows, ...)`.
            y: Targets, an array `(rows, ...)`.
            validation_data: `(x, y)` or `(x, y, sample_weight)`. Default: no validation.
            epochs: Number of epochs.
            batch_size: Number of rows in one batch.
            seed: Seed of the order of the rows; the initial weights are those of the model.

        Raises:
            ValueError: For a model that is not compiled, or does not take such rows; and for arrays that are empty, do
                not hold numbers, or have different lengths.
        """
        if not isinstance(model, keras.Model) or not model.compiled or model.optimizer is None:
            raise ValueError(f"`model` must be a Keras model that is compiled, with an optimizer. Received: {model!r}")
        require_whole("epochs", epochs, 1)
        require_whole("batch_size", batch_size, 1)
        x, y = checked_columns((x, y), ("x", "y"))
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
                received = type(validation_data).__name__
                raise ValueError(f"`validation_data` must be (x, y) or (x, y, sample_weight). Received: {received}")
            validation_data = checked_columns(validation_data, ("validation x", "validation y", "validation weights"))
        recipe = Recipe(name=model.name, fit=Fit(epochs=epochs, batch_size=batch_size, patience=None, keep="last"))
        source = ArrayRows(x, y, validation_data, batch_size, check_seed(seed))
        outputs_for(model, x[:1], f"rows of shape {x.shape[1:]}")
        return cls(model, Outputs.of(model), recipe, None, source, seed)

    def rows(self, epoch: int = 0, step: int = 0) -> dict:
        """The arguments of `fit` that hold rows, which begin with batch `step` of `epoch`, both counted from 0."""
        return self.source.of_fit(epoch, step)

    def serving(self, temperature: float | None = None) -> keras.Model:
        """The model that takes raw rows and gives probabilities or values; it shares the weights of `core`.

        Args:
            temperature: Number by which logits are divided, as in `Watched.temperature`.
        """
        return self.core if self.dataset is None else models.serving_model(self.core, self.dataset, temperature)

    def limited(self, limit: int | None) -> Self:
        """The same training on at most `limit` rows of each part."""
        return dataclasses.replace(self, source=dataclasses.replace(self.source, limit=limit))

    def fit(
        self,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        *,
        verbose: bool = False,
        late_errors: list[Exception] | None = None,
        checkpointing: Checkpointing | None = None,
    ) -> Watched:
        """Train `core`, then fine-tune it or train it anew on more rows, where the recipe says so.

        Args:
            callbacks: Callbacks of the user. Those with a record of their own replace the recipe's.
            verbose: Whether to print the progress.
            late_errors: List that receives the errors which `callbacks` raise once training has ended. Default: they
                are raised.
            checkpointing: Where and when the training is stored, with the state that it goes on from. Default: never.

        Raises:
            ValueError: If the network is to be trained anew, and is a model of the user's own that is not built, or
                rows do not fit the memory.
        """
        options = {
            "callbacks": callbacks, "verbose": verbose, "late_errors": late_errors, "checkpointing": checkpointing,
        }  # fmt: skip
        state = None if checkpointing is None else checkpointing.found
        before_refit = None if state is None else state["before_refit"]
        if before_refit is not None:
            return refit(self, Watched.from_dict(before_refit), state, verbose, checkpointing)
        start = initial_values(self) if self.recipe.fit.refit else []
        watched = calibrated(self, fit_phases(self, state, options))
        if not self.recipe.fit.refit or watched.divergence is not None:
            return watched
        assign_copies(start)
        return refit(self, watched, None, verbose, checkpointing)

    def validation_loss(self) -> float:
        """The present loss on the validation rows."""
        rows = as_evaluate_arguments(self.source.validation())
        return self.core.evaluate(**rows, return_dict=True, verbose=0)["loss"]

    def fit_phase(
        self,
        first_epoch: int,
        state: dict | None,
        *,
        callbacks,
        verbose,
        late_errors,
        checkpointing,
        before=None,
        epochs=None,
    ) -> Watched:
        """One training, whose epochs are counted from `first_epoch`; it goes on from `state` where there is one.

        Args:
            first_epoch: Number of the first epoch, counted from 0.
            state: State to go on from; see `Session.state`.
            callbacks: As in `fit`, and so are `verbose`, `late_errors` and `checkpointing`.
            before: Values of the training before this one, which are stored with it, by the name of this kind.
            epochs: Number of epochs, where it is not the planned one of the recipe.
        """
        replaced = tuple(kind for kind in WATCHERS if any(isinstance(callback, kind) for callback in callbacks))
        own = [
            callback
            for callback in callbacks_for(self.recipe, self.source.probe())
            if not isinstance(callback, replaced)
        ]
        divergence = next(callback for callback in own if isinstance(callback, StopOnDivergence))
        end = TrainingEnd()
        # On TensorFlow, `fit` traces its step twice where the first trace still creates the optimizer's variables.
        self.core.optimizer.build(self.core.trainable_variables)
        new_session = Session if self.stopwatch is None else partial(TimedSession, self.stopwatch)
        session = new_session(
            [LearningRateLog(), *own, *([Progress()] if verbose else []), end, *callbacks],
            self.core,
            first_epoch=first_epoch,
            epochs=first_epoch + (epochs or self.recipe.fit.epochs),
            steps=math.ceil(self.source.count / self.recipe.fit.batch_size),
            checkpointing=checkpointing,
            state=state,
            facts={"before_fine_tuning": None, "before_refit": None, **(before or {})},
        )
        size, in_one_call = self.recipe.fit.batch_size, 1
        if self.dataset is not None and (checkpointing is None or not checkpointing.counts_steps):
            in_one_call = steps_of_call(self.core, size, session.steps, callbacks)
        if state is not None:
            build_metrics(self.core, self.source.batches()[0])
        try:
            for epoch, step, length in session.parts():
                arguments = {**self.rows(epoch, step), **length}
                remaining, at_once = length.get("steps_per_epoch", session.steps), "validation_steps" in arguments
                try:
                    with steps_in_one_call(self.core, in_one_call, remaining, size, self.source.count, at_once):
                        self.core.fit(**arguments, initial_epoch=epoch, callbacks=session, verbose=0)
                finally:
                    release(arguments)
        except Exception as error:
            if not end.reached or late_errors is None:
                raise
            late_errors.append(error)
        history = self.core.history
        stopped = own[-1] if isinstance(own[-1], EarlyStopping) else None
        reason = "\n".join(filter(None, (stopped.reason, stopped.kept))) if stopped else ""
        if verbose and divergence.stopped_epoch is None:
            for epoch in divergence.restarts:
                remedy = "went back to the last good epoch, with a tenth of the learning rate"
                print(f"diverged in epoch {epoch + 1}: {remedy}")
            if reason:
                print(reason)
        seen = [callback.record for callback in (*own, *callbacks) if isinstance(callback, WATCHERS)]
        last = first_epoch + len(history.epoch)
        kept = kept_epoch([*own, *callbacks], last)
        rate = None if self.dataset is None else self.recipe.optimizer.learning_rate
        advice = advice_on(divergence, rate, self.rate_setting)
        return Watched(numeric_history(history), merged(seen), kept, reason, advice)
