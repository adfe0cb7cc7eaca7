import contextlib
import csv
import io
import json

import keras
import numpy as np
import pytest

import recipes


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize(
    "name",
    [
        "digits-convnet",
        *(
            pytest.param(name, marks=pytest.mark.extensive)
            for name in ("tabular", "digits", "digits-selu", "digits-transfer")
        ),
    ],
)
def test_every_recipe_goes_through_everything(name, tmp_path):
    run = recipes.train(name, output=tmp_path, fast_dev_run=True, pictures=False, verbose=False)
    assert run.directory == tmp_path / f"{name}-seed0-fast-dev-run"
    assert len(run.history["loss"]) == (2 if run.recipe.fine_tune.epochs else 1)
    assert run.report.rows == 2 * run.recipe.fit.batch_size
    assert recipes.load_model(run.directory).name == run.model.name
    if name == "digits":  # another trial replaces the first
        recipes.train(name, output=tmp_path, fast_dev_run=True, pictures=False, verbose=False)


@pytest.mark.backend
def test_a_network_learns(run):
    assert run.report.accuracy > 0.9
    assert run.history["loss"][-1] < run.history["loss"][0]


@pytest.fixture(scope="module")
def printed(tmp_path_factory, short_recipe):
    """The same training as `run` anew, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        again = recipes.train(short_recipe, output=tmp_path_factory.mktemp("again"), pictures=False)
    return again, stream.getvalue()


@pytest.mark.backend
@pytest.mark.optimized
def test_equal_seeds_train_alike(run, printed):
    again, _ = printed
    for first, second in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.extensive  # tests/test_prepared.py has it without a training
@pytest.mark.backend
@pytest.mark.whole
def test_another_seed_trains_otherwise(tmp_path, short_recipe, run):
    other = recipes.train(short_recipe, output=tmp_path, seed=1, epochs=1, pictures=False, verbose=False)
    assert other.directory.name == "tabular-seed1"
    assert other.history["loss"][0] != run.history["loss"][0]


@pytest.mark.backend
@pytest.mark.whole
def test_the_best_epoch_is_the_one_that_is_kept(tmp_path, short_recipe):
    def spoil_the_last(epoch, logs):
        if epoch == 2:
            core.optimizer.learning_rate = 50.0

    recipe = short_recipe.replace(schedule={"name": "constant"}, fit={"epochs": 3})
    dataset = recipes.load_dataset("breast_cancer")
    core = recipes.mlp(dataset.input_shape, dataset.num_outputs, widths=(16,))
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=spoil_the_last)]
    run = recipes.train(recipe, model=core, callbacks=callbacks, output=tmp_path, pictures=False, verbose=False)
    losses = run.history["val_loss"]
    assert losses[-1] > 10 * min(losses)
    assert run.kept_epoch == 1 + int(np.argmin(losses))
    assert core.evaluate(*dataset.prepared("validation"), verbose=0)[0] == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_other_data_give_the_run_their_name(tmp_path, short_recipe, assert_alike):
    for data, name in (("iris", "tabular-iris-seed0"), ("diabetes", "tabular-diabetes-seed0")):
        run = recipes.train(short_recipe, data, output=tmp_path, pictures=False, verbose=False)
        assert run.directory.name == name
        assert run.recipe.data.name == data
        assert isinstance(run.report, recipes.ClassificationReport if data == "iris" else recipes.RegressionReport)
        assert_alike(recipes.evaluate(run.directory), run.report)


def test_arrays_train_and_say_so(tmp_path, short_recipe):
    x = np.random.default_rng(0).normal(size=(120, 4))
    y = np.where(x[:, 0] + x[:, 1] > 0, "up", "down")
    recipe = short_recipe.replace(optimizer={"learning_rate": 0.05}, fit={"batch_size": 4})
    run = recipes.train(recipe, (x, y), output=tmp_path, pictures=False, verbose=False)
    assert run.directory.name == "tabular-arrays-seed0"
    assert run.report.class_names == ("down", "up")
    assert run.report.accuracy > 0.8
    assert recipes.evaluate(run.directory, (x, y)).rows == 120
    with pytest.raises(ValueError, match="was trained on arrays, which it does not hold"):
        recipes.evaluate(run.directory)


@pytest.mark.extensive
def test_a_yaml_file_is_a_recipe(tmp_path):
    (tmp_path / "mine.yaml").write_text("data: {name: iris}\nmodel: {widths: [8]}\nfit: {epochs: 2}\n")
    run = recipes.train(tmp_path / "mine.yaml", output=tmp_path, pictures=False, verbose=False)
    assert run.directory.name == "mine-seed0"
    assert len(run.history["loss"]) == 2


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize(
    "own",
    [
        pytest.param("model", marks=pytest.mark.extensive),
        pytest.param("function", marks=pytest.mark.extensive),
        "subclass",
    ],
)
def test_users_bring_their_own_model(tmp_path, short_recipe, own):
    @keras.saving.register_keras_serializable(package="tests")
    class Own(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    def function(dataset):
        return keras.Sequential([keras.Input(dataset.input_shape), keras.layers.Dense(dataset.num_outputs)])

    model = {"model": lambda: function(recipes.load_dataset("iris")), "function": lambda: function, "subclass": Own}
    recipe = short_recipe.replace(optimizer={"learning_rate": 0.1}, fit={"batch_size": 4})
    run = recipes.train(recipe, "iris", model=model[own](), output=tmp_path, pictures=False, verbose=False)
    assert run.report.accuracy > 0.8
    loaded = recipes.load_model(run.directory)
    x, _ = recipes.load_dataset("iris").test
    np.testing.assert_allclose(loaded.predict(x, verbose=0), run.model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.extensive
def test_two_outputs_for_two_classes_are_a_users_choice(tmp_path, short_recipe):
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(2)])
    run = recipes.train(short_recipe, model=model, output=tmp_path, epochs=20, pictures=False, verbose=False)
    assert run.model.output_shape == (None, 2)
    assert run.report.accuracy > 0.8


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_callbacks_of_the_users_own_are_passed_to_fit(tmp_path, short_recipe):
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    board = keras.callbacks.TensorBoard(tmp_path / "board")
    callbacks = [logger, board] if keras.backend.backend() == "tensorflow" else [logger]
    run = recipes.train(short_recipe, callbacks=callbacks, output=tmp_path, pictures=False, verbose=False)
    with (tmp_path / "log.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(run.history["loss"])
    assert board not in callbacks or list((tmp_path / "board").rglob("events*"))


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_accuracy_in_training_is_that_of_the_report(tmp_path, short_recipe):
    # With a single logit, Keras's own "accuracy" would compare it to 0.5 instead of 0.
    dataset = recipes.load_dataset("breast_cancer")
    same = recipes.Dataset(**{**vars(dataset), "validation": dataset.test})
    run = recipes.train(short_recipe, same, output=tmp_path, epochs=1, pictures=False, verbose=False)
    assert run.history["val_accuracy"][0] == pytest.approx(run.report.accuracy, abs=1e-6)


@pytest.mark.extensive
def test_class_weights_are_one_setting(tmp_path, short_recipe):
    generator = np.random.default_rng(0)
    y = (np.arange(500) < 40).astype(int)
    x = generator.normal(size=(500, 2)) + y[:, None]
    recalls = {}
    for weight in (None, "balanced", {"0": 0.0, "1": 1.0}):
        recipe = short_recipe.replace(fit={"class_weight": weight})
        run = recipes.train(recipe, (x, y), output=tmp_path, epochs=10, overwrite=True, pictures=False, verbose=False)
        recalls[str(weight)] = run.report.classes["1"]["recall"]
    assert recalls["None"] < 0.3
    assert 0.5 < recalls["balanced"] < 1
    assert recalls["{'0': 0.0, '1': 1.0}"] == 1


def test_what_was_understood_and_found_is_printed(printed):
    run, printed = printed
    assert "569 rows, 30 columns, 2 classes" in printed
    assert "513 parameters" in printed
    assert "left at most" in printed
    assert "accuracy 0.9" in printed
    assert str(run.directory) in printed


def ending_in(activation, units):
    """A function of the dataset: a model whose last layer, in a model inside, has that activation."""

    def model(dataset):
        head = keras.Sequential([keras.Input(dataset.input_shape), keras.layers.Dense(units, activation=activation)])
        return keras.Sequential([keras.Input(dataset.input_shape), head])

    return model


def softmax_in_disguise(dataset):
    inputs = keras.Input(dataset.input_shape)
    return keras.Model(inputs, keras.layers.Reshape((2,))(keras.ops.softmax(keras.layers.Dense(2)(inputs))))


def with_lambda(dataset):
    return keras.Sequential([keras.Input((30,)), keras.layers.Lambda(lambda x: x), keras.layers.Dense(1)])


class Unregistered(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


class TwoOutputs(Unregistered):
    def call(self, inputs):
        return {"a": self.dense(inputs), "b": inputs}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "tabulr"}, "unknown recipe 'tabulr': did you mean 'tabular'"),
        ({"recipe": 5}, "`recipe` must be a name, a Recipe or the path of a YAML file. Received: 5"),
        ({"data": "irsi"}, "unknown dataset 'irsi'"),
        ({"seed": -1}, "`seed` must be a whole number from 0"),
        ({"epochs": 0}, "fit.epochs must be at least 1. Received: 0"),
        ({"seed": True}, "`seed` must be a whole number from 0"),
        ({"name": "a/b"}, "`name` must be the name of a folder"),
        ({"name": ""}, "`name` must be the name of a folder"),
        ({"name": ".."}, "`name` must be the name of a folder"),
        ({"model": "mlp"}, "`model` must be a Keras model, or a function"),
        ({"model": lambda dataset: None}, "`model` must be a Keras model, or a function"),
        (
            {"model": ending_in("sigmoid", 1)},
            "the model ends in sigmoid, but binary_crossentropy takes logits: leave that activation out",
        ),
        ({"model": ending_in("softmax", 2)}, "the model gives probabilities, but recipes train on logits"),
        ({"model": softmax_in_disguise}, "the model gives probabilities, but recipes train on logits"),
        ({"model": ending_in("sigmoid", 1), "data": "diabetes"}, "ends in sigmoid, which cannot reach scaled targets"),
        ({"model": with_lambda}, "could not be loaded again after training: .* use no Lambda layer"),
        ({"model": lambda dataset: Unregistered()}, "register its classes with @keras.saving.register_keras_serial"),
        ({"model": lambda dataset: TwoOutputs()}, "the model must give one tensor of outputs. Received: dict"),
        ({"model": lambda dataset: recipes.mlp((7,), 1)}, r"does not take prepared rows of shape \(30,\)"),
        (
            {"model": lambda dataset: recipes.mlp((30,), 5)},
            r"of shape \(rows, 1\) or \(rows, 2\) .* \(rows, 5\)",
        ),
        (
            {"data": "diabetes", "recipe": {"fit": {"class_weight": "balanced"}}},
            "is for classification",
        ),
        (
            {"recipe": {"fit": {"class_weight": {"bad": 1.0}}}},
            r"every class \(malignant, benign\). Received: bad",
        ),
        (
            {"recipe": {"optimizer": {"learning_rate": 1e30, "global_clipnorm": None}}},
            "diverged: .* in epoch 1",
        ),
    ],
)
def test_what_cannot_be_trained_is_told_and_leaves_nothing_behind(tmp_path, short_recipe, arguments, message):
    recipe = arguments.pop("recipe", short_recipe)
    recipe = short_recipe.replace(**recipe) if isinstance(recipe, dict) else recipe
    with pytest.raises(ValueError, match=message):
        recipes.train(recipe, output=tmp_path / "runs", verbose=False, **arguments)
    assert files(tmp_path) == []


def test_an_existing_run_is_kept(run, short_recipe):
    before = (run.directory / "model.keras").read_bytes()
    with pytest.raises(FileExistsError, match="tabular-seed0 exists"):
        recipes.train(short_recipe, output=run.directory.parent, pictures=False, verbose=False)
    assert (run.directory / "model.keras").read_bytes() == before


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_training_that_ends_in_nan_on_validation_rows_is_told(tmp_path, short_recipe):
    dataset = recipes.load_dataset("diabetes")
    x, y = dataset.validation
    spoiled = recipes.Dataset(**{**vars(dataset), "validation": (np.full_like(x, 1e37), y)})
    with pytest.raises(ValueError, match="training diverged: val_loss was not finite in epoch 1"):
        recipes.train(short_recipe, spoiled, output=tmp_path, pictures=False, verbose=False)


@pytest.mark.extensive
def test_a_training_goes_on_after_a_divergence_and_says_why_it_stops(tmp_path, short_recipe, capsys):
    optimizer = {"name": "sgd", "learning_rate": 1.0, "global_clipnorm": None, "ema_momentum": 0.5}
    recipe = short_recipe.replace(optimizer=optimizer, fit={"restarts": 1, "patience": 2, "epochs": 12})
    run = recipes.train(recipe, "diabetes", output=tmp_path)
    assert run.history["loss"][0] > 1e6
    assert run.report.r2 > 0.3
    printed = capsys.readouterr().out
    assert "diverged in epoch 1: went back to the last good epoch, with a tenth of the learning rate\n" in printed
    best = 1 + int(np.argmin(run.history["val_loss"]))
    assert f" of epoch {best} for 2 epochs\nthe weights of epoch {best} are kept: val_loss was best" in printed


@pytest.mark.extensive
def test_images_are_served_as_they_were_trained_whatever_their_scale(tmp_path):
    x, y = recipes.load_dataset("digits").train
    recipe = recipes.get("digits").replace(fit={"epochs": 5}, model={"widths": [16]})
    reports = []
    for scale in (1e-9, 1, 1e20):
        run = recipes.train(recipe, (x * scale, y), output=tmp_path, overwrite=True, pictures=False, verbose=False)
        reports.append(run.report.accuracy)
    assert min(reports) > 0.5
    assert max(reports) - min(reports) < 0.02


@pytest.mark.extensive
def test_the_run_says_whose_model_it_is(tmp_path, short_recipe, run):
    def own(dataset):
        return recipes.mlp(dataset.input_shape, 1, widths=(4,))

    theirs = recipes.train(short_recipe, model=own, output=tmp_path, pictures=False, verbose=False)
    facts = [json.loads((each.directory / "versions.json").read_text())["model"] for each in (run, theirs)]
    assert facts == ["the recipe's", "the user's own"]


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"loss": {"name": "weston_watkins_hinge"}, "schedule": {"name": "one_cycle"}}, marks=pytest.mark.extensive
        ),
        pytest.param(
            {
                "loss": {"label_smoothing": 0.1},
                "optimizer": {"name": "momentum", "global_clipnorm": None, "adaptive_clip": 0.05},
            },
            marks=pytest.mark.extensive,
        ),
        pytest.param(
            {
                "optimizer": {"ema_momentum": 0.9, "global_clipnorm": None, "percentile_clip": 50},
                "schedule": {"name": "reduce_on_plateau"},
            },
            marks=pytest.mark.extensive,
        ),
        pytest.param(
            {
                "regularization": {"input_dropout": 0.05, "noise": 0.1, "max_norm": 3.0, "bias_start": 0.1},
                "optimizer": {"name": "adamw", "weight_decay": 0.01},
                "schedule": {"name": "step"},
            },
            marks=pytest.mark.extensive,
        ),
    ],
)
def test_every_part_is_one_setting(tmp_path, changes):
    recipe = recipes.get("tabular").replace(model={"widths": [16]}, fit={"epochs": 5, "batch_size": 8}, **changes)
    recipe = recipe.replace(optimizer={"learning_rate": 0.02})
    run = recipes.train(recipe, "wine", output=tmp_path, pictures=False, verbose=False)
    assert run.report.accuracy > 0.75  # the largest class is 0.4
    assert recipes.Recipe.from_yaml(run.directory / "recipe.yaml") == run.recipe
    assert recipes.evaluate(run.directory).accuracy == run.report.accuracy


@pytest.mark.extensive
@pytest.mark.parametrize("mixup", [0.0, 0.2])
def test_images_are_augmented_by_settings(tmp_path, mixup):
    changes = {"shift": 0.1, "rotate": 10, "zoom": 0.1, "cutout": 0.2, "mixup": mixup}
    recipe = recipes.get("digits").replace(augmentation=changes, fit={"epochs": 6})
    run = recipes.train(recipe, output=tmp_path, pictures=False, verbose=False)
    assert run.report.accuracy > 0.85
    assert run.history["val_accuracy"][-1] > 0.85


def test_tables_are_not_augmented(tmp_path):
    recipe = recipes.get("tabular").replace(augmentation={"flip": "horizontal"})
    with pytest.raises(ValueError, match=r"augmentation is for images. Received: rows of shape \(13,\)"):
        recipes.train(recipe, "wine", output=tmp_path, pictures=False, verbose=False)
