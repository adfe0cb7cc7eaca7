import numpy as np
import pytest

from recipes import catalogue
from recipes.settings import Data, FineTune, Fit, Model, Optimizer, Recipe, Regularization, Schedule


@pytest.mark.parametrize("name", catalogue.names())
def test_yaml_gives_back_every_named_recipe(name):
    recipe = catalogue.get(name)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_yaml_gives_back_mappings_and_lists():
    recipe = Recipe(name="mine", model=Model(widths=[3, 4]), fit=Fit(class_weight={"a": 1, "b": 2.5}, patience=None))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert recipe.model.widths == (3, 4)


def test_a_file_gives_its_name_to_the_recipe(tmp_path):
    (tmp_path / "mine.yaml").write_text("fit: {epochs: 5}\n")
    recipe = Recipe.from_yaml(tmp_path / "mine.yaml")
    assert (recipe.name, recipe.fit.epochs) == ("mine", 5)
    assert Recipe.from_yaml(str(tmp_path / "mine.yaml")) == recipe


def test_yaml_leaves_what_it_does_not_name_as_in_the_base():
    base = Recipe(name="base", fit=Fit(epochs=7, batch_size=8))
    changed = Recipe.from_yaml("fit: {batch_size: 9}", base=base)
    assert (changed.name, changed.fit.epochs, changed.fit.batch_size) == ("base", 7, 9)


def test_yaml_reads_floats_without_a_dot():
    assert Recipe.from_yaml("optimizer: {learning_rate: 1e-3}").optimizer.learning_rate == 0.001


def test_a_heading_with_nothing_under_it_changes_nothing():
    assert Recipe.from_yaml("fit:") == Recipe(name="recipe")


def test_names_that_look_like_numbers_stay_names():
    recipe = Recipe(name="1e3", fit=Fit(class_weight={"1e5": 1.0, 0: 2}))
    assert recipe.fit.class_weight == {"1e5": 1.0, "0": 2.0}
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert Recipe.from_yaml("fit: {class_weight: {0: 1.0, 1: 2.0}}").fit.class_weight == {"0": 1.0, "1": 2.0}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{no: 1, yes: 8}", ["no", "yes"]),
        ("{on: 1, off: 8}", ["on", "off"]),
        ("{null: 1, 1.0: 8}", ["null", "1.0"]),
        ("{010: 1, 1:30: 8, 2024-01-31: 2}", ["010", "1:30", "2024-01-31"]),
        ("{true: 1, 'false': 8}", ["true", "false"]),
    ],
)
def test_yaml_reads_class_names_as_they_are_written(text, names):
    recipe = Recipe.from_yaml(f"fit: {{class_weight: {text}}}")
    assert list(recipe.fit.class_weight) == names
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_classes_of_python_are_called_as_in_reports():
    assert Fit(class_weight={False: 1, True: 8}).class_weight == {"False": 1.0, "True": 8.0}
    assert Fit(class_weight={0.0: 1, np.int64(1): 8}).class_weight == {"0": 1.0, "1": 8.0}


@pytest.mark.parametrize(
    ("part", "name", "value", "expected"),
    [
        (Data, "ignore", "alive", ("alive",)),
        (Data, "ignore", np.array(["alive", "who"]), ("alive", "who")),
        (Data, "ignore", {"who", "alive"}, ("alive", "who")),
        (Data, "missing", -999, ("-999",)),
        (Data, "categorical", 2020, ("2020",)),
        (Data, "target", 2020, "2020"),
        (Model, "widths", 64, (64,)),
        (Schedule, "milestones", 0.5, (0.5,)),
        (Model, "separable", "yes", True),
    ],
)
def test_a_single_value_is_a_list_of_one(part, name, value, expected):
    assert getattr(part(**{name: value}), name) == expected


def test_yaml_takes_words_for_texts_where_texts_are_wanted():
    data = Recipe.from_yaml("data: {ignore: alive, missing: [no, off, 007, -9], categorical: [1_0], target: y}").data
    assert (data.ignore, data.missing, data.categorical) == (("alive",), ("no", "off", "007", "-9"), ("10",))


def test_numbers_of_numpy_are_numbers():
    fit = Fit(epochs=np.int64(3))
    assert type(fit.epochs) is int
    assert type(Optimizer(learning_rate=np.float32(0.5)).learning_rate) is float


def test_a_name_in_the_file_wins_over_the_name_of_the_file(tmp_path):
    (tmp_path / "my recipe.yaml").write_text("name: mine")
    assert Recipe.from_yaml(tmp_path / "my recipe.yaml").name == "mine"
    (tmp_path / "my recipe.yaml").write_text("fit: {epochs: 5}")
    assert Recipe.from_yaml(tmp_path / "my recipe.yaml").name == "my-recipe"


def test_replace_takes_whole_parts_and_single_settings():
    recipe = Recipe(name="mine").replace(name="yours", optimizer=Optimizer(name="sgd"), fit={"epochs": 5})
    assert (recipe.name, recipe.optimizer.name, recipe.fit.epochs) == ("yours", "sgd", 5)


def test_recipes_are_frozen():
    with pytest.raises(AttributeError):
        Recipe(name="mine").fit.epochs = 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fti: {epochs: 5}", "unknown setting 'fti': did you mean 'fit'"),
        ("fit: {epoch: 5}", "unknown setting 'fit.epoch': did you mean 'fit.epochs'"),
        ("fit: {epochs: five}", "fit.epochs must be a whole number. Received: 'five'"),
        ("fit: {epochs: true}", "fit.epochs must be a whole number. Received: True"),
        ("fit: 5", "recipe.fit must be a mapping of settings, such as {batch_size: ...}. Received: 5"),
        ("model: {widths: [64, a]}", r"model.widths must be a list of whole numbers, such as \[64, 32\] or text"),
        ("optimizer: {name: adm}", "optimizer.name must be one of sgd, momentum, nesterov, .* lamb, .* Received"),
        (
            "optimizer: {rates: {biases: 0.1}}",
            "unknown kind of weight in optimizer.rates 'biases': did you mean 'bias'",
        ),
        ("optimizer: {rates: {bias: 0}}", "optimizer.rates must be a mapping to factors more than 0 and finite"),
        ("optimizer: {rates: 0.1}", "optimizer.rates must be a mapping from names to numbers or not set"),
        ("schedule: {name: coslog, cycles: 0}", "schedule.cycles must be from 1 to 20. Received: 0"),
        ("fit: {patience: x}", r"fit.patience must be a whole number or not set \(null\). Received: 'x'"),
        ("fit: {epochs: 5, epochs: 6}", "is not valid YAML: 'epochs' is given twice"),
        ("data: digits", "recipe.data must be a mapping of settings, such as {name: ...}. Received: 'digits'"),
        ("fit: {class_weight: balnced}", "fit.class_weight must be balanced or a mapping from names to numbers or not"),
        (
            "data: {missing: [true]}",
            "data.missing must be a list of texts, .*; what is text stands in quotation",
        ),
        (
            "data: {target: 1.0}",
            "data.target must be text or .* Received: 1.0; what is text stands in quot",
        ),
        ("fit: {[1]: 2}", "is not valid YAML: a name must be a text"),
        ("[1, 2]", "must hold settings such as"),
        ("a: [", "is not valid YAML"),
        ("name: ../up", "recipe.name must be letters"),
    ],
)
def test_wrong_yaml_is_reported_in_one_line(text, message):
    with pytest.raises(ValueError, match=message) as error:
        Recipe.from_yaml(text)
    assert "\n" not in str(error.value)


def test_an_error_names_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("fit: {epochs: 0}\n")
    with pytest.raises(ValueError, match=r"fit.epochs must be at least 1. Received: 0 \(in .*mine.yaml\)"):
        Recipe.from_yaml(tmp_path / "mine.yaml")
    with pytest.raises(FileNotFoundError, match="there is no recipe file"):
        Recipe.from_yaml(tmp_path / "yours.yaml")


@pytest.mark.parametrize(
    ("part", "arguments", "message"),
    [
        (Data, {"name": ""}, "data.name must be a dataset"),
        (Data, {"test_fraction": 1.0}, "data.test_fraction must be between 0 and 1"),
        (Data, {"validation_fraction": 0.5, "test_fraction": 0.5}, "their sum must be less than 1. Received: 0.5"),
        (Model, {"widths": [0]}, "model.widths must be whole numbers of at least 1, or a rule"),
        (Model, {"kernel_size": 0}, "model.kernel_size must be at least 1"),
        (Regularization, {"dropout": 1.0}, "regularization.dropout must be at least 0 and less than 1"),
        (Regularization, {"l2": -0.1}, "regularization.l2 must be at least 0 and finite"),
        (Optimizer, {"learning_rate": 0.0}, "optimizer.learning_rate must be more than 0"),
        (Optimizer, {"learning_rate": float("nan")}, "optimizer.learning_rate must be more than 0"),
        (Optimizer, {"clipnorm": 0}, "optimizer.clipnorm must be more than 0"),
        (Optimizer, {"clipnorm": 1, "clipvalue": 1}, "only one of clipnorm, .* can be set"),
        (Schedule, {"warmup_fraction": 1.0}, "schedule.warmup_fraction must be at least 0 and less than 1"),
        (Fit, {"batch_size": 0}, "fit.batch_size must be at least 1"),
        (Fit, {"patience": 0}, "fit.patience must be at least 1"),
        (Fit, {"restarts": -1}, "fit.restarts must be at least 0. Received: -1"),
        (Data, {"train_rows": 0}, "data.train_rows must be at least 1. Received: 0"),
        (Data, {"background": "blue"}, "data.background must be white, black or a colour such as .#ff8000.. Received"),
        (Data, {"depth": 16}, "data.depth must be 8, or not set. Received: 16"),
        (Fit, {"keep": "first"}, "fit.keep must be one of best, error, refined, last. Received: 'first'"),
        (
            Fit,
            {"keep": "last"},
            "fit.keep: last uses no .* fit.patience must not be set. Received: 15",
        ),
        (FineTune, {"epochs": -1}, "fine_tune.epochs must be at least 0. Received: -1"),
        (FineTune, {"learning_rate": 0.0}, "fine_tune.learning_rate must be more than 0"),
        (FineTune, {"layers": 0}, "fine_tune.layers must be at least 1. Received: 0"),
        (FineTune, {"layer_decay": 1.5}, "fine_tune.layer_decay must be more than 0 and at most 1. Received: 1.5"),
        (Fit, {"class_weight": {"a": -1}}, "fit.class_weight must be a mapping to finite weights"),
        (Fit, {"class_weight": {"a": float("inf")}}, "fit.class_weight must be a mapping to finite weights"),
        (Fit, {"class_weight": {"a": 0, "b": 0}}, "a mapping with at least one weight above 0. Received: {'a': 0.0"),
    ],
)
def test_values_out_of_range_are_refused_when_the_part_is_made(part, arguments, message):
    with pytest.raises(ValueError, match=message):
        part(**arguments)


def test_the_last_weights_need_no_validation_rows_anywhere():
    with pytest.raises(ValueError, match="fit.keep: last uses no validation rows, and schedule.name:"):
        Recipe(name="mine", fit=Fit(keep="last", patience=None), schedule=Schedule(name="reduce_on_plateau"))
