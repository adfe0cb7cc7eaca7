"""From a recipe and data to a trained, saved and judged model."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from callbacks import (
    ActivationStatistics,
    AveragedWeights,
    EarlyStopping,
    GradientNormLogger,
    Progress,
    Record,
    StopOnDivergence,
)
from callbacks.watching.record import merged
from callbacks.watching.scalars import as_number
from recipes import catalogue, losses, models, optimizers, schedules
from recipes.arguments.names import normalize
from recipes.data import ARRAYS, Dataset, check_seed, load_dataset, row_digests, same_source, with_arguments
from recipes.data.named import bundled
from recipes.evaluation import finishing
from recipes.metrics.inputs import as_array, sum_to_one
from recipes.models import saved
from recipes.models.outputs import last_activation
from recipes.models.transfer import body_of
from recipes.runs.folder import NameTakenError, new_folder
from recipes.runs.run import Run
from recipes.runs.watched import Watched
from recipes.runs.writing import save
from recipes.settings import Augmentation, Recipe
from recipes.training.augmentation import ArrayBatches, AugmentedBatches
from recipes.training.batches import Batches, fits_in_memory
from recipes.training.fine_tuning import unfreeze

FAST_DEV_RUN_STEPS = 2
_WITHOUT_STEPS = ("constant", "reduce_on_plateau")
_PROBE_ROWS = 512
_WATCHING = (GradientNormLogger, ActivationStatistics)
# Callbacks that set the learning rate, which a schedule sets already.
_RATE_SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
_LOGITS = "but recipes train on logits: leave its last softmax or sigmoid out; the saved model has it"


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
    fast_dev_run: bool = False,
    pictures: bool = True,
    verbose: bool = True,
) -> Run:
    """Train by a recipe, evaluate once on the test part, and write the run folder.

    Training works on prepared rows (scaled; see `Dataset.prepared`); the saved model takes raw ones. It is saved in the
    run folder, with history and record, as soon as it is trained. The report follows, then the pictures: where one
    fails or is interrupted, what is saved stays.

    Args:
        recipe: A name, a `Recipe`, or the path of a YAML file.
        data: What `load_dataset` takes. Default: the recipe's own data.
        target: The column of a table that is to be predicted (`data.target` of the recipe).
        data_dir: The folder with local copies of named datasets (`data.directory`).
        model: Instead of the recipe's: a Keras model giving logits (or one number, for regression) for rows of
            `dataset.input_shape`, or a function of the `Dataset` that returns one. It is compiled and trained in place.
        callbacks: Further Keras callbacks, passed to `fit`. A `GradientNormLogger` or `ActivationStatistics` among them
            takes the place of the recipe's own.
        seed: Of the split, the weights, the order of the rows: of everything.
        epochs: At most so many, instead of the recipe's number (`fit.epochs`).
        output: The folder that receives the run folder.
        name: Of the run folder. Default: `<recipe>[-<data, where they are not the recipe's own>]-seed<seed>`.
        overwrite: Whether a run folder of that name may be replaced.
        fast_dev_run: Try everything in seconds: two steps of each part, one epoch, into a run folder whose name ends
            in `-fast-dev-run` and which the next such trial replaces.
        pictures: Whether to draw the pictures of the run folder, which takes one to three seconds.
        verbose: Whether to print what was understood, the progress and the report.

    Raises:
        ValueError: For whatever does not fit, before training; if training diverges; and if the report cannot be made,
            with the place of the trained model and the command that makes what is missing.
        OSError: If the run folder exists (FileExistsError) or cannot be written, before training; if another run has
            taken its name during the training (this one is then saved under another); and if files cannot be written.
        Exception: Errors of `callbacks`. Those that one raises when training ends (`on_train_end`) are raised after
            everything is written.
    """
    say = print if verbose else lambda *_: None
    seed = check_seed(seed)
    recipe, dataset, default_name = _resolve(recipe, data, target, data_dir, seed, epochs, model)
    check_augmentation(recipe, dataset)
    setters = [type(callback).__name__ for callback in callbacks if isinstance(callback, _RATE_SETTERS)]
    if setters and recipe.schedule.name != "constant":
        raise ValueError(
            f"the {recipe.schedule.name} schedule sets the learning rate, and so does {setters[0]}: leave that out, or "
            f"set schedule.name to constant"
        )
    name = default_name if name is None else name
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"`name` must be the name of a folder, without a path. Received: {name!r}")
    if fast_dev_run:
        name, overwrite = f"{name}-fast-dev-run", True
        recipe = recipe.replace(fit={"epochs": 1}, fine_tune={"epochs": min(1, recipe.fine_tune.epochs)})
    directory, late_errors = Path(output) / name, []
    try:
        with new_folder(output, name, overwrite) as folder:
            keras.utils.set_random_seed(seed)
            core, outputs = network(recipe, dataset, model)
            serving = models.serving_model(core, dataset)
            if model is not None:
                saved.check_reloads(serving)
            say(f"{dataset.describe()}\n{_size(core)}")
            arguments = (callbacks, seed, fast_dev_run, verbose)
            watched = Watched(*train_core(core, outputs, recipe, dataset, *arguments, late_errors))
            facts = {
                "seed": seed,
                "model": "the recipe's" if model is None else "the user's own",
                "classes": dataset.class_names,
                "missing": ["report", "predictions", *(["pictures"] if pictures else [])],
            }
            content = (serving, recipe, watched, facts, row_digests.of_dataset(dataset))
            try:
                save(folder, *content)
            except KeyboardInterrupt as error:  # what was trained comes first; another interrupt is obeyed at once
                late_errors.append(error)
                save(folder, *content)
    except NameTakenError as error:
        directory = error.directory
        late_errors.append(error)
    with finishing.keeping(directory, recipe):
        for error in late_errors:
            if isinstance(error, KeyboardInterrupt):
                raise error
        limit = _limit(recipe, fast_dev_run)
        report = finishing.finish(directory, serving, recipe, dataset, watched, limit, pictures)
    run = Run(serving, recipe, watched.history, watched.record, report, directory, watched.kept_epoch)
    say(f"\ntest part:\n{run.report}\n\nsaved in {run.directory}")
    for error in late_errors:
        error.add_note(f"the training is finished and saved in {run.directory}")
        raise error
    return run


def compile_model(
    model: keras.Model,
    recipe: str | Path | Recipe,
    steps_per_epoch: int | None = None,
    *,
    task: str | None = None,
    num_outputs: int | None = None,
    learning_rate_factors: dict[str, float] | None = None,
) -> keras.Model:
    """Compile `model` for a `fit` by hand: optimizer with clipping and schedule, loss on logits, metrics.

    Args:
        model: Gives logits: one for each class, or a single one for two classes; or one number for regression.
        recipe: A name, a `Recipe`, or the path of a YAML file.
        steps_per_epoch: Batches of one epoch; every schedule but `constant` needs it.
        task: `"classification"` or `"regression"`. Default: the recipe's or that of its bundled data. It must be said
            for a single output on other data, which could be either; several outputs are classes.
        num_outputs: Units of the last layer. Default: read off the model; needed for subclassed models.
        learning_rate_factors: Of some weights, as in `recipes.optimizers.get`.

    Returns:
        The same model, compiled.

    Raises:
        ValueError: If the model gives probabilities, where logits are meant, or an argument is missing.
    """
    recipe = _recipe(recipe)
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {model!r}")
    outputs = num_outputs or _output_units(model)
    task = task or recipe.data.task or bundled.task(recipe.data.name) or ("classification" if outputs > 1 else None)
    if task not in ("classification", "regression"):
        raise ValueError(f"`task` must be classification or regression. Received: {task!r}")
    if steps_per_epoch is None and recipe.schedule.name not in _WITHOUT_STEPS:
        raise ValueError(f"the {recipe.schedule.name} schedule needs `steps_per_epoch`: batches of one epoch")
    rate = schedules.get(
        recipe.schedule.name,
        recipe.optimizer.learning_rate,
        recipe.fit.epochs * (steps_per_epoch or 1),
        warmup_fraction=recipe.schedule.warmup_fraction,
        milestones=recipe.schedule.milestones,
        factor=recipe.schedule.factor,
        final_fraction=recipe.schedule.final_fraction,
    )
    loss = _loss(recipe, task, outputs)
    losses.check_pair(loss, task, outputs, last_activation(model))
    settings = recipe.optimizer
    options = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    del options["name"], options["learning_rate"]
    options["learning_rate_factors"] = learning_rate_factors
    if task == "regression":
        metric = keras.metrics.MeanAbsoluteError()
    elif _mixes_classes(recipe, task, outputs):
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
    elif outputs == 1:
        # A logit of 0 is a probability of one half.
        metric = keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    else:
        metric = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizers.get(settings.name, rate, **options), loss=loss, metrics=[metric])
    return model


def _loss(recipe: Recipe, task: str, outputs: int) -> keras.losses.Loss:
    options = {field.name: getattr(recipe.loss, field.name) for field in dataclasses.fields(recipe.loss)}
    name = options.pop("name") or ("mean_squared_error" if task == "regression" else "cross_entropy")
    if _mixes_classes(recipe, task, outputs):
        if normalize(name) not in ("cross-entropy", "crossentropy"):
            raise ValueError(f"augmentation.mixup makes shares of classes, which cross_entropy takes. Received: {name}")
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.loss.label_smoothing)
    return losses.get(name, task=task, num_outputs=outputs, **options)


def callbacks_for(recipe: str | Path | Recipe, x=None) -> list[keras.callbacks.Callback]:
    """New callbacks for a `fit` by hand: log gradient norms, stop on divergence, stop early, restore the best weights.

    `fit` then needs `validation_data`; not where the recipe keeps the last weights, for which it only stops on
    divergence. Where weights are averaged, the averages are validated, and shown to callbacks behind.

    Args:
        recipe: A name, a `Recipe`, or the path of a YAML file.
        x: Prepared rows; statistics of activations are taken on 512 of them. Default: no such statistics.
    """
    recipe = _recipe(recipe)
    watching = [GradientNormLogger(), *([] if x is None else [ActivationStatistics(x)])]
    # Without patience the best weights are restored all the same.
    last = EarlyStopping(patience=recipe.fit.patience) if recipe.fit.keep == "best" else AveragedWeights()
    schedule = []
    if recipe.schedule.name == "reduce_on_plateau":
        schedule.append(
            keras.callbacks.ReduceLROnPlateau(factor=recipe.schedule.factor, patience=recipe.schedule.patience)
        )
    # Optimizers that leave out what is not finite may come to a halt at a loss that is: no healthy one grows so far.
    diverged = StopOnDivergence(factor=1e6 if recipe.fit.restarts else None, max_restarts=recipe.fit.restarts)
    return [*watching, *schedule, diverged, last]


def _recipe(recipe: str | Path | Recipe) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Path) or (isinstance(recipe, str) and recipe.endswith((".yaml", ".yml"))):
        return Recipe.from_yaml(recipe)
    if isinstance(recipe, str):
        return catalogue.get(recipe)
    raise ValueError(f"`recipe` must be a name, a Recipe or the path of a YAML file. Received: {recipe!r}")


def changed(recipe, target, data_dir, epochs: int | None, model=None, data=None) -> Recipe:
    """The recipe with what the arguments of `train` change."""
    is_named = isinstance(recipe, str) and not recipe.endswith((".yaml", ".yml"))
    recipe = _recipe(recipe)
    if is_named and data is not None and not same_source(data, recipe.data.name):
        # So many rows of its own data are what the recipe is about; of others it takes all.
        recipe = recipe.replace(data={"train_rows": None})
    if epochs is not None:
        recipe = recipe.replace(fit={"epochs": epochs})
    recipe = recipe.replace(data=with_arguments(recipe.data, target, data_dir))
    if model is not None:
        return recipe
    if recipe.model.builder == "transfer":
        models.check_body(recipe.model.body, recipe.model.weights)
    return recipe.with_kind()


def _resolve(recipe, data, target, data_dir, seed: int, epochs: int | None, model=None) -> tuple[Recipe, Dataset, str]:
    """The recipe with its changes, the data, and the default name of the run."""
    recipe = changed(recipe, target, data_dir, epochs, model, data)
    source = recipe.data.name if data is None else data
    own = same_source(source, recipe.data.name)
    dataset = load_dataset(source, seed, recipe.data)
    default_name = f"{recipe.name}-seed{seed}" if own else f"{recipe.name}-{dataset.name}-seed{seed}"
    if not own:
        name = str(source) if isinstance(source, str | Path) else ARRAYS
        recipe = recipe.replace(data={"name": name, "target": dataset.target_name})
    return recipe, dataset, default_name


def network(recipe: Recipe, dataset: Dataset, model=None) -> tuple[keras.Model, int]:
    """The recipe's network or the user's own, checked against the data and compiled; and the number of its outputs."""
    if model is None:
        core = models.build(recipe, dataset)
    else:
        core = model if isinstance(model, keras.Model) or not callable(model) else model(dataset)
    if not isinstance(core, keras.Model):
        raise ValueError(f"`model` must be a Keras model, or a function of the dataset giving one. Received: {core!r}")
    outputs = _check_fit(core, dataset)
    return compile_model(core, recipe, _steps(recipe, dataset), task=dataset.task, num_outputs=outputs), outputs


def _steps(recipe: Recipe, dataset: Dataset) -> int:
    """Batches of one epoch."""
    return math.ceil(len(dataset.train[1]) / recipe.fit.batch_size)


def _check_fit(core: keras.Model, dataset: Dataset) -> int:
    """Refuse a model of the user's own that does not fit the data; the number of its outputs."""
    rows = dataset.preparation(dataset.train[0][:8])
    try:
        outputs = core(keras.ops.convert_to_tensor(rows))  # builds a subclassed model, too
    except Exception as error:  # whatever the layers make of a wrong shape
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"the model does not take prepared rows of shape {dataset.input_shape}: {reason}") from error
    if not hasattr(outputs, "shape"):
        raise ValueError(f"the model must give one tensor of outputs. Received: {type(outputs).__name__}")
    shape = tuple(outputs.shape)
    allowed = {len(dataset.class_names), dataset.num_outputs} if dataset.class_names else {1}
    if len(shape) != 2 or shape[1] not in allowed:
        wanted = " or ".join(f"(rows, {units})" for units in sorted(allowed))
        received = f"({', '.join(map(str, ['rows', *shape[1:]]))})"
        raise ValueError(f"the model must give outputs of shape {wanted} for {dataset.task}. Received: {received}")
    values = keras.ops.convert_to_numpy(outputs)
    if shape[1] > 1 and sum_to_one(as_array(values, "outputs")):
        raise ValueError(f"the model gives probabilities, {_LOGITS}")
    return shape[1]


def train_core(
    core,
    outputs: int,
    recipe: Recipe,
    dataset: Dataset,
    callbacks,
    seed: int,
    fast_dev_run: bool,
    verbose: bool,
    late_errors: list[Exception] | None = None,
) -> tuple[dict[str, list[float]], Record, int]:
    """Train `core`, then fine-tune it where the recipe says so.

    Returns:
        The history of both, what was seen of them, and the epoch whose weights were kept, counted from 1.

    Errors that `callbacks` raise when training has ended are added to `late_errors`, where that list is given.
    """
    if recipe.fine_tune.epochs:
        body_of(core)  # refuses a model of the user's own without one
    arguments = (callbacks, seed, fast_dev_run, verbose, late_errors)
    history, record, kept = _phase(core, outputs, recipe, dataset, "optimizer.learning_rate", 0, *arguments)
    settings = recipe.fine_tune
    if not settings.epochs:
        return history, record, kept
    rate = settings.learning_rate or recipe.optimizer.learning_rate / 10
    second = recipe.replace(fit={"epochs": settings.epochs}, optimizer={"learning_rate": rate})
    before = [(weight, np.array(keras.ops.convert_to_numpy(weight))) for weight in core.weights]
    factors = unfreeze(core, settings.layers, settings.layer_decay)
    compile_model(
        core, second, _steps(second, dataset), task=dataset.task, num_outputs=outputs, learning_rate_factors=factors
    )
    # Not the loss before: the penalties of the body count only from now on.
    start = _validation_loss(core, recipe, dataset, outputs, fast_dev_run) if recipe.fit.keep == "best" else None
    first = len(history["loss"])
    tuned, later, kept_later = _phase(core, outputs, second, dataset, "fine_tune.learning_rate", first, *arguments)
    if start is None or np.nanmin(tuned["val_loss"]) <= start:
        kept = kept_later
    else:
        for weight, value in before:
            weight.assign(value)
        if verbose:
            print("fine-tuning has not lowered the validation loss: the weights before it are kept")
    history = {name: history[name] + tuned[name] for name in history if name in tuned}
    return history, merged([record, later]), kept


def _validation_loss(core, recipe: Recipe, dataset: Dataset, outputs: int, fast_dev_run: bool) -> float:
    rows = _validation_rows(recipe, dataset, outputs, _limit(recipe, fast_dev_run))
    rows = dict(zip(("x", "y", "sample_weight"), rows, strict=False)) if isinstance(rows, tuple) else {"x": rows}
    return core.evaluate(**rows, return_dict=True, verbose=0)["loss"]


def _phase(
    core,
    outputs,
    recipe,
    dataset,
    rate: str,
    first: int,
    callbacks,
    seed: int,
    fast_dev_run: bool,
    verbose: bool,
    late_errors: list[Exception] | None,
) -> tuple[dict[str, list[float]], Record, int]:
    """One call of `fit`, whose epochs are counted from `first`; `rate` is the setting of its learning rate."""
    brought = tuple(kind for kind in _WATCHING if any(isinstance(callback, kind) for callback in callbacks))
    own = [callback for callback in callbacks_for(recipe, probe_rows(dataset)) if not isinstance(callback, brought)]
    diverged = next(callback for callback in own if isinstance(callback, StopOnDivergence))
    progress = [Progress()] if verbose else []
    epochs = first + recipe.fit.epochs
    ended = _Ended()
    rows = rows_to_fit(recipe, dataset, outputs, seed, _limit(recipe, fast_dev_run), first)
    # On TensorFlow, `fit` traces its step twice where the first trace still creates the optimizer's variables.
    core.optimizer.build(core.trainable_variables)
    try:
        core.fit(**rows, initial_epoch=first, epochs=epochs, callbacks=[*own, *progress, ended, *callbacks], verbose=0)
    except Exception as error:
        if not ended.reached or late_errors is None:
            raise
        late_errors.append(error)
    history = core.history
    if diverged.stopped_epoch is not None:
        raise ValueError(
            f"training diverged: {diverged.reason}; a lower {rate} (now {recipe.optimizer.learning_rate}) or "
            f"optimizer.global_clipnorm may help"
        )
    if verbose:
        for epoch in diverged.restarts:
            print(f"diverged in epoch {epoch + 1}: went back to the last good epoch, with a tenth of the learning rate")
        if isinstance(own[-1], EarlyStopping):
            print(*filter(None, (own[-1].reason, own[-1].kept)), sep="\n")
    watched = [callback.record for callback in (*own, *callbacks) if isinstance(callback, _WATCHING)]
    kept = kept_epoch([*own, *callbacks], last=first + len(history.epoch))
    return _numbers_of_every_epoch(history), merged(watched), kept


def kept_epoch(callbacks, last: int) -> int:
    """Epoch whose weights `fit` ended with, counted from 1: that of the last of `callbacks` which restored any.

    Args:
        callbacks: In their order, which is that in which they restore weights.
        last: The last epoch that was trained.
    """
    for callback in reversed(callbacks):
        stops = isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights
        if stops and callback.best_weights is not None:
            return callback.best_epoch + 1
    return last


class _Ended(keras.callbacks.Callback):
    """Whether training has ended, and the callbacks in front of this one have done their work at its end."""

    reached = False

    def on_train_end(self, logs=None):
        self.reached = True


def probe_rows(dataset: Dataset) -> np.ndarray:
    """Prepared training rows, evenly spaced, on which activations are watched."""
    x = dataset.train[0]
    return dataset.preparation(x[np.linspace(0, len(x) - 1, min(len(x), _PROBE_ROWS)).round().astype(int)])


def rows_to_fit(
    recipe: Recipe, dataset: Dataset, outputs: int, seed: int, limit: int | None = None, epoch: int = 0
) -> dict:
    """What `fit` takes: prepared arrays, or batches where the arrays would be too large.

    Of at most `limit` rows. Batches begin with the order and the random changes of `epoch`.
    """
    weights, size = _class_weights(recipe, dataset), recipe.fit.batch_size
    validation = _validation_rows(recipe, dataset, outputs, limit)

    def augmented(content):
        return AugmentedBatches(content, recipe.augmentation, seed, outputs, epoch)

    if not fits_in_memory(dataset, limit):
        train = Batches(dataset, "train", size, seed, shuffle=True, weights=weights, limit=limit)
        if recipe.augmentation != Augmentation():
            train = augmented(train)
        else:
            for _ in range(epoch):
                train.on_epoch_end()
        return {"x": train, "validation_data": validation, "shuffle": False}
    x, y = dataset.prepared("train", limit)
    if recipe.augmentation != Augmentation():
        content = ArrayBatches(x, y, size, seed, weights=weights)
        return {"x": augmented(content), "validation_data": validation, "shuffle": False}
    return {"x": x, "y": y, "batch_size": size, "validation_data": validation, "class_weight": weights}


def _validation_rows(recipe: Recipe, dataset: Dataset, outputs: int, limit: int | None = None) -> Batches | tuple:
    """The validation part alone, prepared: arrays, or batches where all parts together would be too large."""
    # They are weighted as in training: otherwise early stopping would pick the weights by another loss than the one
    # that is trained.
    weights = _class_weights(recipe, dataset)
    if not fits_in_memory(dataset, limit):
        return Batches(dataset, "validation", max(recipe.fit.batch_size, 1024), weights=weights, limit=limit)
    x, y = dataset.prepared("validation", limit)
    labels = np.eye(outputs, dtype=np.float32)[y] if _mixes_classes(recipe, dataset.task, outputs) else y
    return (x, labels, np.array([weights[label] for label in y])) if weights else (x, labels)


def _mixes_classes(recipe: Recipe, task: str, outputs: int) -> bool:
    """Whether targets are shares of classes, instead of class numbers."""
    return recipe.augmentation.mixup > 0 and task == "classification" and outputs > 1


def check_augmentation(recipe: Recipe, dataset: Dataset) -> None:
    if recipe.augmentation == Augmentation():
        return
    if len(dataset.input_shape) != 3:
        raise ValueError(f"augmentation is for images. Received: rows of shape {dataset.input_shape}")
    if recipe.augmentation.mixup and not fits_in_memory(dataset):
        raise ValueError("augmentation.mixup needs rows that fit the memory: set it to 0")


def _numbers_of_every_epoch(history) -> dict[str, list[float]]:
    """The history without what callbacks added now and then, or what is no number."""
    complete = {}
    for name, values in history.history.items():
        if len(values) == len(history.epoch):
            numbers = [as_number(value) for value in values]
            if None not in numbers:
                complete[name] = numbers
    return complete


def _class_weights(recipe: Recipe, dataset: Dataset) -> dict[int, float] | None:
    setting = recipe.fit.class_weight
    if setting is None:
        return None
    if dataset.class_names is None:
        raise ValueError(f"fit.class_weight is for classification. Received: {setting!r} for a regression")
    if setting == "balanced":
        counts = np.bincount(dataset.train[1], minlength=len(dataset.class_names))
        return {number: counts.sum() / (len(counts) * max(1, count)) for number, count in enumerate(counts)}
    if set(setting) != set(dataset.class_names):
        raise ValueError(
            f"fit.class_weight must name every class ({', '.join(dataset.class_names)}). Received: {', '.join(setting)}"
        )
    return {number: setting[name] for number, name in enumerate(dataset.class_names)}


def _limit(recipe: Recipe, fast_dev_run: bool) -> int | None:
    """How many rows of each part are used; `None` for all."""
    return FAST_DEV_RUN_STEPS * recipe.fit.batch_size if fast_dev_run else None


def _size(model: keras.Model) -> str:
    layers = sum(bool(layer.weights) for layer in model.layers)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    whole = f"model {model.name}: {layers} layers with weights, {model.count_params():,} parameters"
    frozen = any(not layer.trainable for layer in model.layers)
    return f"{whole}, of which {trained:,} are trained" if frozen else whole


def _output_units(model: keras.Model) -> int:
    try:
        return model.output_shape[-1]
    except (AttributeError, ValueError, RuntimeError):
        raise ValueError(f"cannot read the number of outputs off {model.name}: give `num_outputs`") from None
