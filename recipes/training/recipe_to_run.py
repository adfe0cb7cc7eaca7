"""From a recipe and data to a run: a trained, saved and evaluated model."""

import contextlib
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from recipes.data import Dataset, check_seed, row_digests
from recipes.disk.output import unbreakable_output
from recipes.evaluation import finishing
from recipes.models import saved
from recipes.runs import files, writing
from recipes.runs.checkpoints import Checkpoints
from recipes.runs.folder import NameTakenError, new_folder
from recipes.runs.leftovers import has_checkpoint, unfinished_folder
from recipes.runs.run import Run
from recipes.runs.stopwatch import Stopwatch
from recipes.runs.stored import Stored
from recipes.settings import Recipe
from recipes.training.checkpointing import Checkpointing, place_of
from recipes.training.interrupts import Interrupts
from recipes.training.prepared import Training
from recipes.training.request import Request
from recipes.training.same_training import facts_of, found_in, is_finished
from recipes.training.watching import check_callbacks

FAST_DEV_RUN_STEPS = 2


@unbreakable_output()
def train(
    recipe: str | Path | Recipe,
    data=None,
    *,
    target: str | None = None,
    data_dir: str | Path | None = None,
    model: keras.Model | Callable[[Dataset], keras.Model] | None = None,
    callbacks=(),
    seed: int = 0,
    epochs: int | None = None,
    output: str | Path = "saved_models",
    name: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    fast_dev_run: bool = False,
    pictures: bool = True,
    verbose: bool = True,
    profile: bool | Stopwatch = False,
) -> Run:
    """Train by a recipe, evaluate once on the test part, and write the run folder.

    Training works on prepared rows (scaled; see `Dataset.prepared`); the saved model takes raw ones. It is saved in the
    run folder, with history and record, as soon as it is trained. The report follows, then the pictures: where one
    fails or is interrupted, what is saved stays.

    Args:
        recipe: Name of a recipe, path of a YAML file, or a `Recipe`.
        data: Data in any form that `load_dataset` takes. Default: the recipe's own data.
        target: Column of a table that is to be predicted (`data.target` of the recipe).
        data_dir: Folder with local copies of named datasets (`data.directory`).
        model: Model of the user's own instead of the recipe's: a Keras model giving logits (or one number, for
            regression) for rows of `dataset.input_shape`, or a function of the `Dataset` that returns one. It is
            compiled and trained in place.
        callbacks: Further Keras callbacks, passed to `fit`. A `GradientNormLogger` or `ActivationStatistics` among them
            replaces the recipe's own.
        seed: Seed of the split of the data, the initial weights, the order of the rows and the augmentation.
        epochs: Largest number of epochs, instead of the recipe's (`fit.epochs`).
        output: Folder that receives the run folder.
        name: Name of the run folder. Default: `<recipe>[-<data, where it is not the recipe's own>]-seed<seed>`.
        overwrite: Whether a run folder of that name may be replaced, and an unfinished training of that name discarded.
        resume: Whether an unfinished training of that name goes on from where it was interrupted; the result is that
            of a training without interruption, bit for bit on the same machine. Where there is none, it begins. More
            `epochs` may be asked for; everything else must be as it was. A run that is finished is returned as it is.
        fast_dev_run: Whether to try everything in seconds: two steps of each part, one epoch, into a run folder whose
            name ends in `-fast-dev-run` and which the next such trial replaces; there is nothing to `resume`.
        pictures: Whether to analyse the run for its page (simple models on the same rows of a table, calibration,
            importance of columns and others) and to draw its pictures, which takes some seconds.
        verbose: Whether to print how the data were read, the progress and the report.
        profile: Whether to measure where the time goes: the `profile` of the `Run`, and in the run folder `trace.json`,
            which https://ui.perfetto.dev and chrome://tracing open. A `Stopwatch` that runs already is stopped by the
            caller, who keeps its profile.

    Raises:
        ValueError: For arguments, data and models that do not fit, before training; if training diverges; and if the
            report cannot be made, with the place of the trained model and the command that makes what is missing.
        OSError: If the run folder exists (FileExistsError) or cannot be written, before training; if another run has
            taken its name during the training (this one is then saved under another); and if files cannot be written.
        Exception: Errors of `callbacks`. Those that one raises when training ends (`on_train_end`) are raised after
            everything is written.
    """
    for argument, value in (("overwrite", overwrite), ("resume", resume)):
        if not isinstance(value, bool | np.bool_):  # a text such as "no" would be taken for true
            raise ValueError(f"`{argument}` must be True or False. Received: {value!r}")
    if not isinstance(profile, bool | np.bool_ | Stopwatch):
        raise ValueError(f"`profile` must be True or False. Received: {profile!r}")
    stopwatch = profile if isinstance(profile, Stopwatch) else Stopwatch("recipes.train")
    say = print if verbose else lambda *_: None
    seed = check_seed(seed)
    request = Request(recipe, data, target, data_dir, epochs, has_model=model is not None)
    with stopwatch("reading"):
        recipe, dataset, default_name = request.load(seed)
    check_callbacks(recipe, callbacks)
    name = _folder_name(default_name if name is None else name)
    limit = None
    if fast_dev_run:
        name, overwrite, resume = f"{name}-fast-dev-run", True, False
        limit = FAST_DEV_RUN_STEPS * recipe.fit.batch_size
        recipe = recipe.replace(fit={"epochs": 1}, fine_tune={"epochs": min(1, recipe.fine_tune.epochs)})
    directory, late_errors = Path(output) / name, []
    with stopwatch("reading", "digests of the rows"):
        fingerprint = row_digests.of_dataset(dataset)
    facts = facts_of(recipe, fingerprint, seed, callbacks, own_model=model is not None)
    if resume and (run := _finished(directory, dataset, facts)) is not None:
        say(f"the training is finished, and saved in {directory}")
        return run
    interrupts = Interrupts()
    try:
        with interrupts, new_folder(output, name, overwrite, resume) as folder:
            checkpoints = Checkpoints(folder)
            checkpointing = Checkpointing(checkpoints, recipe.fit.checkpoint, facts, interrupts)
            if resume:
                checkpointing.found = found_in(checkpoints, recipe, facts, callbacks, str(folder))
                say(_beginning(checkpointing.found))
            with _kept_checkpoint(folder):
                with stopwatch("building"):
                    training = Training.of(recipe, dataset, model, seed, limit=limit)
                    serving = training.serving()
                    if model is not None:
                        saved.check_reloads(serving)
                say(f"{dataset.describe()}\n{_size(training.core)}")
                if profile:
                    training = dataclasses.replace(training, stopwatch=stopwatch)
                options = {"verbose": verbose, "late_errors": late_errors, "checkpointing": checkpointing}
                with stopwatch("training"):
                    watched = training.fit(callbacks, **options)
                if watched.divergence is not None:
                    checkpoints.discard()
                    raise ValueError(watched.divergence)
                if watched.temperature is not None:
                    serving = training.serving(watched.temperature)
                details = {
                    "seed": seed,
                    "model": facts["model"],
                    "classes": dataset.class_names,
                    "missing": ["report", "predictions", *(["pictures"] if pictures else [])],
                }
                with stopwatch("saving", "model, history and record"):
                    writing.save(folder, serving, recipe, watched, details, fingerprint)
    except NameTakenError as error:
        directory = error.directory
        late_errors.append(error)
    with finishing.keeping(directory, recipe):
        if interrupts.received is not None:
            raise KeyboardInterrupt
        report = finishing.finish(directory, serving, recipe, dataset, watched, limit, pictures, stopwatch=stopwatch)
    run = Run(serving, recipe, watched.history, watched.record, report, directory, watched.kept_epoch)
    say(f"\ntest part:\n{run.report}\n\nsaved in {run.directory}")
    if profile and profile is not stopwatch:
        run = dataclasses.replace(run, profile=stopwatch.stop())
        say(f"\n{run.profile.with_trace(run.profile.keep(run.directory))}")
    for error in late_errors:
        error.add_note(f"the training is finished and saved in {run.directory}")
        raise error
    return run


def _beginning(found: dict | None) -> str:
    return "nothing to resume: the training begins" if found is None else f"resumed {place_of(found)}"


@contextlib.contextmanager
def _kept_checkpoint(folder: Path):
    """Add to an error or interrupt that the training can be resumed, where a checkpoint is in `folder`."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if has_checkpoint(folder):
            kept = "the same command with --resume, or resume=True, goes on from the last checkpoint"
            if isinstance(error, KeyboardInterrupt) and not error.args:
                raise KeyboardInterrupt(f"interrupted: {kept}") from None
            if not isinstance(error, KeyboardInterrupt):
                error.add_note(kept)
        raise


def _finished(directory: Path, dataset: Dataset, facts: dict) -> Run | None:
    """The run of a training that is finished, with its report made where that is missing; `None` where it is not."""
    if has_checkpoint(unfinished_folder(directory.parent, directory.name)) or not (directory / files.MODEL).is_file():
        return None
    stored = Stored(directory)
    if not is_finished(stored, facts):
        return None
    if stored.missing:
        finishing.finish_later(stored, dataset)
    parts = (stored.recipe, stored.history, stored.record, stored.report, stored.directory, stored.kept_epoch)
    return Run(stored.model, *parts)


def _folder_name(name: str) -> str:
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"`name` must be the name of a folder, without a path. Received: {name!r}")
    return name


def _size(model: keras.Model) -> str:
    """One line on the numbers of layers and parameters of `model`."""
    layers = sum(bool(layer.weights) for layer in model.layers)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    whole = f"model {model.name}: {layers} layers with weights, {model.count_params():,} parameters"
    frozen = any(not layer.trainable for layer in model.layers)
    return f"{whole}, of which {trained:,} are trained" if frozen else whole
