import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import recipes
from recipes.cli import COMMANDS, main
from recipes.cli.arguments import read_recipe
from recipes.cli.starting import start_keras
from recipes.cli.train import _parser


def refused(capsys, *arguments):
    """The one line with which a command refuses its arguments."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("keras-recipes: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_help_names_every_command(capsys):
    assert main([]) == main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {command} " in printed for command in COMMANDS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{recipes.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as status:
        main([command, "--help"])
    assert status.value.code == 0
    assert f"usage: keras-recipes {command}" in capsys.readouterr().out


def test_help_for_training_shows_the_recipes_own_settings(capsys):
    with pytest.raises(SystemExit):
        main(["train", "digits", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--optimizer.learning_rate LEARNING_RATE Peak step size" in printed
    assert f"default: {recipes.get('digits').optimizer.learning_rate}" in printed
    assert "--data.dates DATES Order of dates such as 05/06/2024." in printed
    assert "(one of day_first, month_first; default: not set)" in printed
    assert "Columns to leave out. (a list of texts, such as [age, city]; default: none)" in printed


def test_help_comes_without_a_recipe_too(capsys):
    with pytest.raises(SystemExit) as status:
        main(["train", "--data", "iris", "--help"])
    assert status.value.code == 0
    assert "--fit.epochs" in capsys.readouterr().out


def test_list_names_every_recipe(capsys):
    assert main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == recipes.names()
    assert main(["list", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == recipes.names()


@pytest.fixture
def one_step(monkeypatch):
    """`show` times one step instead of seconds of them."""
    monkeypatch.setattr("recipes.training.epoch_cost.SECONDS", 0.0)


@pytest.mark.usefixtures("one_step")
def test_show_prints_yaml_that_reads_back_and_the_network_as_comments(capsys):
    assert main(["show", "digits_selu"]) == 0
    printed = capsys.readouterr().out
    assert recipes.Recipe.from_yaml(printed) == recipes.get("digits-selu")
    _, network = printed.rsplit("\n\n", 1)
    heads, *_, total, seconds, memory, backend = network.splitlines()
    assert backend.startswith(f"# backend: {keras.backend.backend()}")
    assert heads.split()[:4] == ["#", "layer", "kind", "output"]
    assert f"{recipes.mlp((8, 8, 1), 10, widths=recipes.get('digits-selu').model.widths).count_params():,}" in total
    assert re.match(r"# time on this machine: compiling .* s, then about .* s an epoch of 40 steps of 32 rows", seconds)
    assert memory.startswith("# memory, an estimate without the backend's own: ")


@pytest.mark.usefixtures("one_step")
def test_show_takes_the_flags_of_a_training(capsys, tmp_path):
    (tmp_path / "my.yaml").write_text("optimizer: {name: sgd}\nmodel: {widths: [4]}\n")
    flags = ["--config", str(tmp_path / "my.yaml"), "--model.widths", "8 x 2", "--fit.batch_size=64", "--json"]
    assert main(["show", "tabular", *flags]) == 0
    content = json.loads(capsys.readouterr().out)
    network = content.pop("network")
    assert (content["model"]["widths"], content["optimizer"]["name"]) == ("8 x 2", "sgd")
    assert [row["shape"] for row in network["rows"] if row["kind"] == "Dense"] == [[8], [8], [1]]
    assert network["parameters"] == 30 * 8 + 8 + 8 * 8 + 8 + 8 + 1
    assert (network["epoch"]["batch_size"], network["epoch"]["steps"]) == (64, 7)


def test_show_tells_what_flags_change(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_RECIPES_DATA", str(tmp_path))
    assert main(["show", "digits", "--model.widths", "8 x 2", "--data-dir", str(tmp_path), "--no-network"]) == 0
    printed = capsys.readouterr().out
    assert "\n# Changed: model.widths; the result is that of the recipe without it\n" in printed
    (tmp_path / "mine.yaml").write_text(printed)
    assert main(["show", str(tmp_path / "mine.yaml"), "--no-network"]) == 0
    assert "widths: 8 x 2" in capsys.readouterr().out


def test_without_the_data_show_says_why_there_is_no_network(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_RECIPES_DATA", str(tmp_path))
    assert main(["show", "adult"]) == 0
    printed = capsys.readouterr().out
    assert recipes.Recipe.from_yaml(printed) == recipes.get("adult")
    note = printed.splitlines()[-1]
    assert note.startswith("# the network is not shown, because its size depends on the data: adult.data of")
    assert "--data-dir or the environment variable KERAS_RECIPES_DATA" in note
    assert main(["show", "adult", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["network"] is None
    assert captured.err.startswith("keras-recipes: note: the network is not shown")


@pytest.mark.usefixtures("one_step")
def test_show_of_data_for_a_recipe_adds_its_network(capsys):
    assert main(["show", "tabular", "--data", "iris", "--model.widths", "[5]", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert list(content["classes"]) == ["setosa", "versicolor", "virginica"]
    assert content["network"]["parameters"] == 4 * 5 + 5 + 5 * 3 + 3


@pytest.mark.backend
@pytest.mark.whole
def test_train_evaluate_and_predict_work_together(tmp_path, capsys):
    flags = ["--data", "iris", "--epochs", "3", "--model.widths", "[8]", "--output", str(tmp_path)]
    assert main(["train", "tabular", *flags, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    folder = trained.pop("directory")
    assert Path(folder) == tmp_path / "tabular-iris-seed0"
    assert main(["evaluate", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == trained
    assert main(["evaluate", folder]) == 0
    assert "setosa" in capsys.readouterr().out
    np.savez(tmp_path / "rows.npz", x=recipes.load_dataset("iris").test[0])
    assert main(["predict", folder, str(tmp_path / "rows.npz")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == trained["rows"]
    assert all(row["class"] == max(trained["classes"], key=lambda name: float(row[name])) for row in rows)
    assert main(["predict", folder, str(tmp_path / "rows.npz"), "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["class"] == rows[0]["class"]
    assert list(first["probabilities"]) == list(trained["classes"])


@pytest.mark.parametrize(
    ("flags", "part", "expected"),
    [
        (["--data.ignore", "alive"], "data", {"ignore": ("alive",)}),
        (["--data.ignore=a: b #1"], "data", {"ignore": ("a: b #1",)}),
        (["--data.ignore", "[no, 2020, 'x']", "--data.missing", "-999"], "data",
         {"ignore": ("no", "2020", "x"), "missing": ("-999",)}),
        (["--model.widths", "64"], "model", {"widths": (64,)}),
        (["--model.widths=500 x 100"], "model", {"widths": "500 x 100"}),
        (["--schedule.milestones", "0.5"], "schedule", {"milestones": (0.5,)}),
        (["--fit.class_weight", "{no: 1, yes: 8}"], "fit", {"class_weight": {"no": 1.0, "yes": 8.0}}),
        (["--fit.class_weight", "balanced", "--fit.epochs", "2"], "fit", {"class_weight": "balanced", "epochs": 2}),
    ],
)  # fmt: skip
def test_a_flag_takes_a_single_name_and_names_as_they_are_written(flags, part, expected):
    _, recipe, _ = read_recipe("train", ["tabular", *flags], _parser)
    assert {name: getattr(getattr(recipe, part), name) for name in expected} == expected


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data.ignore", "a", "b"], r"unrecognized arguments: b; a list is one argument, such as '\[a, b\]'"),
        (["--data.ignore", "a", "--data.ignore=b"], "--data.ignore is given twice: a list is one argument"),
        (["--data.ignore", "--epochs", "3"], "--data.ignore: expected one argument"),
        (["--data.ignore", "[a"], r"--data.ignore must be a list of texts, .* Received: \[a$"),
        (["--data.missing", "[true]"], "--data.missing must be a list of texts, .*; what is text stands in quotation"),
    ],
)
def test_a_wrong_list_is_reported_in_one_line(flags, message):
    with pytest.raises(ValueError, match=message):
        read_recipe("train", ["tabular", *flags], _parser)


def test_flags_win_over_the_config_file_which_wins_over_the_recipe(tmp_path):
    (tmp_path / "my.yaml").write_text("fit: {epochs: 2, batch_size: 64}\nmodel: {widths: [4]}\n")
    flags = ["--fit.batch_size=50", "--config", str(tmp_path / "my.yaml"), "--output", str(tmp_path), "--name", "mine"]
    _, recipe, options = read_recipe("train", [*flags, "tabular"], _parser)
    assert (options.output, options.name) == (str(tmp_path), "mine")
    assert (recipe.fit.epochs, recipe.fit.batch_size, recipe.model.widths) == (2, 50, (4,))
    assert recipe.regularization == recipes.get("tabular").regularization


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_a_trial_goes_through_everything_and_may_be_repeated(tmp_path, capsys):
    for _ in range(2):
        assert main(["train", "digits", "--fast-dev-run", "--output", str(tmp_path)]) == 0
    assert "accuracy" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["digits-seed0-fast-dev-run"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command 'trian': did you mean 'train'? Known: list, show"),
        (["list", "--jsn"], "unknown flag --jsn: did you mean --json?"),
        (["show", "digit"], "unknown recipe 'digit': did you mean 'digits'?"),
        (["show"], "show needs the name of a recipe, or --data. Known: adding"),
        (["show", "--model.widths", "[5]"], "show needs the name of a recipe, or --data. Known: adding"),
        (["show", "--data", "iris", "--model.widths", "[5]"], "--model.widths needs the name of a recipe"),
        (["show", "digits", "--model.width", "[5]"], "did you mean --model.widths?"),
        (["show", "tabular", "--data", "none.csv"], "there is no file none.csv"),
        (["train"], "train needs the name of a recipe. Known: adding"),
        (["train", "digit"], "unknown recipe 'digit': did you mean 'digits'?"),
        (["train", "digits", "more"], "unrecognized arguments: more"),
        (["train", "digits", "--optimizer.lerning_rate", "1"], "did you mean --optimizer.learning_rate?"),
        (["train", "digits", "--optimizer.learning_rate", "fast"], "must be a number. Received: fast"),
        (["train", "digits", "--optimizer.name", "adm"], "must be one of sgd, momentum, nesterov, adadelta"),
        (
            ["train", "digits", "--model.normalization", "bach"],
            "one of batch, layer or not set (null). Received: bach",
        ),
        (["train", "digits", "--fit.patience", "abc"], "a whole number or not set (null). Received: abc"),
        (["train", "digits", "--fit.class_weight", "balnced"], "must be balanced or a mapping"),
        (["train", "digits", "--epochs", "1.5"], "--fit.epochs must be a whole number. Received: 1.5"),
        (["train", "digits", "--epochs", "0"], "fit.epochs must be at least 1. Received: 0"),
        (["train", "digits", "--seed", "one"], "--seed must be a whole number. Received: one"),
        (["train", "digits", "--seed"], "--seed: expected one argument"),
        (
            ["train", "digits", "--model.widths", "0"],
            "model.widths must be whole numbers of at least 1, or a rule",
        ),
        (["train", "digits", "--data", "digts"], "unknown dataset 'digts': did you mean 'digits'?"),
        (["train", "digits", "--data", "none.npz"], "there is no file none.npz"),
        (["train", "digits", "--config", "none.yaml"], "there is no recipe file none.yaml"),
        (["train", "digits", "--output", "/dev/null/runs"], "cannot write to the output folder /dev/null/runs"),
        (["train", "tabular", "--model.builder", "convnet"], "convnet takes images"),
        (["evaluate", "none"], "there is no run folder or .keras file none"),
        (["predict", "none", "none.npz"], "there is no run folder or .keras file none"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_needs_overwrite(run, capsys):
    arguments = ["train", "tabular", "--output", run.directory.parent, "--epochs", "1"]
    assert "tabular-seed0 exists" in refused(capsys, *arguments)


def test_rows_that_do_not_fit_the_run_are_refused(run, capsys, tmp_path):
    np.savez(tmp_path / "narrow.npz", x=np.ones((2, 3)), y=[0, 1])
    for command in ("predict", "evaluate"):
        assert "takes rows of shape (30,). Received" in refused(capsys, command, run.directory, tmp_path / "narrow.npz")
    np.savez(tmp_path / "other.npz", a=np.ones((2, 30)), b=np.ones(2))
    assert "must hold the array x. Received: a, b" in refused(capsys, "predict", run.directory, tmp_path / "other.npz")


def test_a_traceback_is_shown_on_request(monkeypatch):
    monkeypatch.setenv("KERAS_RECIPES_TRACEBACK", "1")
    with pytest.raises(ValueError, match="unknown recipe"):
        main(["show", "digit"])


def command(*arguments):
    return [sys.executable, "-c", "import sys; from recipes.cli import main; sys.exit(main())", *arguments]


def process(*arguments, **changes):
    """Run the command in a process of its own, as a shell does."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(command(*arguments), env={**environment, **changes}, capture_output=True, text=True)


@pytest.mark.extensive
def test_the_start_up_of_the_backend_is_not_shown(run, tmp_path):
    result = process("evaluate", run.directory)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("accuracy 0.9")
    # A terminal or log file that knows no UTF-8 must not end a training.
    result = process("train", "tabular", "--fast-dev-run", "--output", tmp_path, PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert "epoch 1/1  ====================  0:00 left at most  accuracy" in result.stdout


@pytest.mark.backend
@pytest.mark.whole
def test_a_backend_that_is_not_there_is_reported_in_one_line():
    result = process("evaluate", "anything", KERAS_BACKEND="nonesuch")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


@pytest.mark.extensive
def test_a_reader_that_stops_reading_is_no_error(run, tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.tile(recipes.load_dataset("breast_cancer").test[0], (200, 1)))
    arguments = command("predict", run.directory, tmp_path / "rows.npz")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "class,malignant,benign\n"
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait() == 0


@pytest.mark.extensive
def test_a_training_that_is_ended_leaves_nothing(tmp_path):
    arguments = command("train", "digits", "--output", tmp_path / "runs")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while "epoch" not in running.stdout.readline():
            assert running.poll() is None
        running.terminate()
        assert running.wait() == 130
        assert running.stderr.read().splitlines()[-1] == "keras-recipes: interrupted; nothing was written"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("value", "expected"), [(None, "1"), ("0", "0")])
def test_tensorflow_is_started_with_onednn_unless_the_user_says_otherwise(value, expected, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)  # as if it were not loaded
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # so that it is put back afterwards
    if value is None:
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    start_keras()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == expected


def test_what_tensorflow_was_loaded_with_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", keras)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    start_keras()
    assert "TF_ENABLE_ONEDNN_OPTS" not in os.environ
