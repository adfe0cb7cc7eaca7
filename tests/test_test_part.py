import dataclasses
import shutil

import numpy as np
import pandas
import pytest

import recipes
from recipes.cli import main
from recipes.evaluation.test_part import load_test_part
from recipes.runs.stored import Stored
from recipes.runs.writing import write_json


def rows(count, seed):
    draws = np.random.default_rng(seed)
    content = {"a": draws.normal(size=count).round(4), "b": draws.integers(0, 9, count)}
    content |= {"kind": draws.choice(["x", "y"], count), "y": draws.choice(["no", "yes"], count)}
    return pandas.DataFrame(content)


@pytest.fixture(scope="module")
def project(tmp_path_factory, short_recipe, save_run):
    """A folder with a table of 200 rows and a run on it, whose test part has 40."""
    folder = tmp_path_factory.mktemp("project")
    rows(200, 0).to_csv(folder / "table.csv", index=False)
    save_run(folder / "runs" / "run", short_recipe, folder / "table.csv", "y")
    return folder


def load(run, data):
    stored = Stored.of(run)
    return load_test_part(stored, dataclasses.replace(stored.recipe.data, name=str(data)))


CHANGES = {
    "grown": lambda frame: pandas.concat([frame, rows(10, 1)]),
    "a row in front": lambda frame: pandas.concat([rows(1, 1), frame]),
    "shuffled": lambda frame: frame.sample(frac=1, random_state=0),
    "columns moved, and another": lambda frame: frame[["y", "kind", "b", "a"]].assign(more=1),
    "training rows again": lambda frame: pandas.concat([frame, frame]),
    "another class": lambda frame: pandas.concat([frame, rows(2, 1).assign(y="maybe")]),
    "numbers written otherwise": lambda frame: frame.assign(b=frame["b"].astype(float)).iloc[::-1],
}


@pytest.fixture(scope="module")
def run_on_table(project):
    """The run, whose model is loaded once for all tests."""
    return Stored(project / "runs" / "run")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_test_rows_are_found_again_in_a_file_that_changed(project, run_on_table, tmp_path, change):
    recipe = run_on_table.recipe
    x, y = recipes.load_dataset(recipe.data.name, 0, recipe.data).test
    change(pandas.read_csv(project / "table.csv")).to_csv(tmp_path / "table.csv", index=False)
    with pytest.warns(UserWarning, match=r"table.csv has changed since the training of .* on its 40 test rows"):
        found = load(run_on_table, tmp_path / "table.csv")
    assert sorted(map(tuple, found.x.tolist())) == sorted(map(tuple, x.tolist()))
    assert sorted(found.y) == sorted(np.array(["no", "yes"])[y])


@pytest.mark.filterwarnings("error")
def test_a_file_that_did_not_change_is_split_as_in_the_training(project, run_on_table, tmp_path):
    frame = pandas.read_csv(project / "table.csv")
    frame.assign(b=frame["b"].astype(float)).to_csv(tmp_path / "written.csv", index=False)
    for file in (project / "table.csv", tmp_path / "written.csv"):
        dataset = load(run_on_table, file)
        assert dataset.fingerprint.digests == run_on_table.fingerprint.digests


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda frame: frame[:160], None, r"on \d+ of its 40 test rows, found again by their values; \d+ \(\S+%\) are"),
        (lambda frame: frame[:4], ValueError, r"(none|only \d) of its 40 test rows can be found again: give rows"),
        (lambda frame: frame.assign(a=1 - frame["a"]), ValueError, "none of its 40 test rows can be found again"),
        (lambda frame: frame.drop(columns="kind"), ValueError, "lacks columns by which its rows are recognized: kind"),
    ],
)
def test_test_rows_that_are_gone_are_counted(project, run_on_table, tmp_path, change, kind, message):
    change(pandas.read_csv(project / "table.csv")).to_csv(tmp_path / "table.csv", index=False)
    expectation = pytest.raises(kind, match=message) if kind else pytest.warns(UserWarning, match=message)
    with expectation:
        load(run_on_table, tmp_path / "table.csv")


def test_a_row_that_is_trained_and_tested_stays_a_test_row_and_is_counted(tmp_path, short_recipe, save_run):
    frame = pandas.DataFrame({"a": np.arange(100) % 10, "y": np.arange(100) % 2})
    frame.to_csv(tmp_path / "table.csv", index=False)
    run = save_run(tmp_path / "run", short_recipe, tmp_path / "table.csv", "y")
    pandas.concat([frame, frame]).to_csv(tmp_path / "table.csv", index=False)
    with pytest.warns(UserWarning, match="its 20 test rows, .*; 20 of them stand in its training or validation part"):
        assert len(load(run, tmp_path / "table.csv").y) == 20


def test_images_are_found_again(tmp_path, short_recipe, save_run):
    from PIL import Image

    draws = np.random.default_rng(0)

    def draw(label, number, side=8):
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        pixels = draws.integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number:02}.png")

    for number in range(1, 21):
        draw("cat", number)
        draw("dog", number)
    run = save_run(tmp_path / "run", short_recipe, tmp_path / "photos")
    expected = recipes.load_dataset(tmp_path / "photos").test
    draw("cat", 0, side=30)  # of another size, and in front of all others
    with pytest.warns(UserWarning, match=r"photos has changed since the training of .* on its 8 test rows"):
        found = load(run, tmp_path / "photos")
    np.testing.assert_array_equal(found.x, expected[0])
    assert found.y.tolist() == np.array(["cat", "dog"])[expected[1]].tolist()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_arrays_are_found_again_whatever_their_units(tmp_path, short_recipe, save_run, task):
    draws = np.random.default_rng(0)
    seconds = 1_700_000_000 + 60 * np.arange(60)  # counted from an offset, which more of them change
    x, y = np.c_[draws.normal(size=60), seconds], np.arange(60) % 2 if task == "classification" else np.arange(60) / 7
    np.savez(tmp_path / "arrays.npz", x=x, y=y)
    run = save_run(tmp_path / "run", short_recipe, tmp_path / "arrays.npz")
    dataset = recipes.load_dataset(tmp_path / "arrays.npz")
    more = np.c_[draws.normal(size=500), 1_600_000_000 + np.arange(500)]
    np.savez(tmp_path / "arrays.npz", x=np.r_[more, x], y=np.r_[y, y, y, y, y, y, y, y, y[:20], y])
    with pytest.warns(UserWarning, match=r"arrays.npz has changed since the training of .* on its 12 test rows"):
        found = load(run, tmp_path / "arrays.npz")
    np.testing.assert_array_equal(found.x, dataset.test[0])
    np.testing.assert_array_equal(found.y.astype(float), dataset.test[1])


@pytest.mark.filterwarnings("default:.*has changed since")  # the command prints the warning
def test_a_file_is_found_from_another_folder_and_after_a_move(project, tmp_path, monkeypatch, capsys):
    moved = tmp_path / "moved"
    shutil.copytree(project, moved)
    recipe = moved / "runs" / "run" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(str(project / "table.csv"), "table.csv"))
    paths = Stored(moved / "runs" / "run").versions["paths"]
    assert paths == {"name": [str(project / "table.csv"), "../../table.csv"]}
    monkeypatch.chdir(tmp_path)
    assert Stored("moved/runs/run").recipe.data.name == str(project / "table.csv")
    facts = Stored(moved / "runs" / "run").versions
    facts["paths"]["name"][0] = str(tmp_path / "no" / "table.csv")
    write_json(moved / "runs" / "run" / "versions.json", facts)
    assert Stored("moved/runs/run").recipe.data.name == str(moved / "table.csv")
    CHANGES["grown"](pandas.read_csv(moved / "table.csv")).to_csv(moved / "table.csv", index=False)
    assert main(["evaluate", "moved/runs/run"]) == 0
    printed = capsys.readouterr()
    assert "40 rows" in printed.out
    assert "table.csv has changed since the training of moved/runs/run: the report is on its 40 test" in printed.err
    (moved / "table.csv").unlink()
    assert main(["evaluate", "moved/runs/run"]) == 2
    places = f"{tmp_path / 'no' / 'table.csv'} nor at {moved / 'table.csv'}"
    assert f"the data of moved/runs/run are not at {places}: put them there" in capsys.readouterr().err


def test_training_rows_in_other_files_are_counted(project, run_on_table, tmp_path):
    frame = pandas.read_csv(project / "table.csv")
    frame.to_csv(tmp_path / "copy.csv", index=False)
    with pytest.warns(
        UserWarning, match=r"160 of the 200 rows of .*copy.csv stand in the training or validation"
    ) as seen:
        recipes.evaluate(project / "runs" / "run", tmp_path / "copy.csv")
    assert [warning.filename for warning in seen] == [__file__]
    rows(40, 5).to_csv(tmp_path / "new.csv", index=False)
    assert recipes.evaluate(project / "runs" / "run", tmp_path / "new.csv").rows == 40


def test_a_run_of_an_older_version_says_that_it_cannot_be_checked(project, tmp_path):
    old = shutil.copytree(project / "runs" / "run", tmp_path / "old")
    facts = {name: value for name, value in Stored(old).versions.items() if name not in ("fingerprint", "paths")}
    write_json(old / "versions.json", facts)
    with pytest.warns(UserWarning, match="an older version .* is still the same cannot be checked"):
        assert load(old, project / "table.csv").test[1].shape == (40,)
    kept = shutil.copytree(project / "runs" / "run", tmp_path / "kept")
    (kept / "rows.npz").unlink()
    rows(200, 3).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ValueError, match=r"without its file rows.npz the test rows cannot be found again"):
        load(kept, tmp_path / "table.csv")


def test_the_warning_that_data_have_changed_names_the_users_line(project, tmp_path):
    moved = shutil.copytree(project, tmp_path / "moved")
    pandas.concat([pandas.read_csv(moved / "table.csv"), rows(10, 1)]).to_csv(moved / "table.csv", index=False)
    facts = Stored(moved / "runs" / "run").versions
    write_json(moved / "runs" / "run" / "versions.json", {**facts, "paths": {"name": [str(moved / "table.csv")]}})
    with pytest.warns(UserWarning, match="has changed since the training") as seen:
        recipes.evaluate(moved / "runs" / "run")
    assert [warning.filename for warning in seen] == [__file__]
