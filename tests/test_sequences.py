import json

import keras
import numpy as np
import pytest

import custom_layers
import recipes
from recipes import models
from recipes.cli import main
from recipes.data import summary
from recipes.data.preparation.sequence_preparation import PADDING
from recipes.settings import Augmentation, Data, Fit, Model, Optimizer, Recipe

backend = pytest.mark.backend
SEQUENCES = Data(kind="sequences")


def sequences(rows=400, steps=12, seed=0):
    """Rows whose last real step tells the class; behind it stands something else."""
    generator = np.random.default_rng(seed)
    x = generator.normal(3.0, 2.0, (rows, steps, 2)).astype(np.float32)
    lengths = generator.integers(2, steps + 1, rows)
    y = (x[np.arange(rows), lengths - 1, 0] > 3).astype(np.int64)
    return x, y, lengths


def with_nan(x, lengths):
    return np.where(np.arange(x.shape[1])[:, None] < lengths[:, None, None], x, np.nan)


@pytest.fixture
def file(tmp_path):
    x, y, lengths = sequences()
    np.savez(tmp_path / "signals.npz", x=x, y=np.array(["falls", "rises"])[y], lengths=lengths)
    return tmp_path / "signals.npz"


@pytest.fixture(scope="module")
def recipe():
    return Recipe(
        name="short",
        model=Model(builder="recurrent", cell="gru", widths=(12,)),
        optimizer=Optimizer(learning_rate=0.03),
        fit=Fit(epochs=6, batch_size=16),
    )


@backend
@pytest.mark.whole
def test_sequences_of_different_length_are_trained_scored_and_predicted(file, recipe, tmp_path, capsys, assert_alike):
    run = recipes.train(recipe, file, output=tmp_path / "runs", pictures=False, verbose=False)
    assert run.report.accuracy > 0.9
    assert Recipe.from_yaml(run.directory / "recipe.yaml").data.kind == "sequences"
    assert run.model.input_shape == (None, None, 2)
    assert_alike(recipes.evaluate(run.directory), run.report)
    # Other rows, of other lengths, padded by what must not matter.
    x, y, lengths = sequences(rows=60, steps=17, seed=1)
    np.savez(tmp_path / "new.npz", x=x, y=np.array(["falls", "rises"])[y], lengths=lengths)
    assert recipes.evaluate(run.directory, tmp_path / "new.npz").accuracy > 0.85
    capsys.readouterr()
    assert main(["predict", str(run.directory), str(tmp_path / "new.npz"), "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = np.array([[answer["probabilities"]["rises"]] for answer in answers])
    longer = np.concatenate([with_nan(x, lengths), np.full((60, 5, 2), np.nan)], axis=1)
    np.testing.assert_allclose(recipes.predict(run.directory, longer), expected, atol=1e-5)
    alone = recipes.load_model(run.directory)(x[:1, : lengths[0]])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(alone), expected[:1], atol=1e-5)


@backend
@pytest.mark.whole
def test_preparation_scales_the_real_steps_and_marks_the_others():
    x, y, lengths = sequences()
    x[..., 1] = 5  # constant
    x = np.concatenate([1000 + x[..., :1], x[..., 1:]], axis=2)
    dataset = recipes.load_dataset((with_nan(x, lengths), y), settings=SEQUENCES)
    raw, preparation = dataset.train[0], dataset.preparation
    real = raw[~np.isnan(raw[..., 0])].astype(np.float64)
    np.testing.assert_allclose(preparation.mean, real.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(preparation.scale, [real[:, 0].std(), 1], rtol=1e-12)
    prepared, _ = dataset.prepared("train")
    assert prepared.dtype == np.float32
    assert dataset.mask_value == PADDING
    np.testing.assert_array_equal((prepared == PADDING).all(axis=-1), np.isnan(raw[..., 0]))
    assert (prepared[~np.isnan(raw[..., 0])][:, 1] == 0).all()
    layer = custom_layers.SequencePreparation(**preparation.constants())
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(raw)), prepared, atol=1e-5)
    again = custom_layers.SequencePreparation.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()


def test_sequences_of_one_length_need_no_mask_and_may_be_longer_later(recipe):
    x, y, _ = sequences()
    dataset = recipes.load_dataset((x, y), settings=SEQUENCES)
    core = models.build(recipe, dataset)
    assert "mask" not in [layer.name for layer in core.layers]
    model = models.serving_model(core, dataset)
    assert recipes.predict(model, np.repeat(x[:3], 2, axis=1)).shape == (3, 1)
    x[1, 4:] = np.nan
    with pytest.raises(ValueError, match="trained on sequences without padding: .* Received: 4 of 12 steps at row 1"):
        recipes.predict(model, x)


def test_parts_have_lengths_of_their_own(tmp_path):
    parts = {}
    for part, steps in (("train", 12), ("val", 12), ("test", 15)):
        x, y, lengths = sequences(40, steps)
        parts |= {f"x_{part}": x, f"y_{part}": y, f"lengths_{part}": lengths}
    np.savez(tmp_path / "parts.npz", **parts)
    dataset = recipes.load_dataset(tmp_path / "parts.npz")
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        real = ~np.isnan(getattr(dataset, part)[0]).all(axis=-1)
        np.testing.assert_array_equal(real.sum(axis=1), parts[f"lengths_{name}"])
    assert dataset.test[0].shape == (40, 15, 2)


def test_sequences_are_called_so(file, capsys):
    dataset = recipes.load_dataset(file)
    first = dataset.describe().splitlines()[0]
    assert first == "signals: 400 rows, sequences of up to 12 steps of 2 features, 2 classes"
    text = summary.to_text(dataset)
    assert "sequences of 2 to 12 steps (median 7), values from " in text
    assert "feature 1: mean 3" in text
    assert "image" not in text
    assert main(["show", "--data", str(file), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["steps"] == {"least": 2, "median": 7.0, "greatest": 12}
    # The same array without lengths is images, unless it is told otherwise.
    x, y, _ = sequences()
    assert "images of 12 x 2," in recipes.load_dataset((x, y)).describe()
    assert "sequences of 12 steps of 2 features," in recipes.load_dataset((x, y), settings=SEQUENCES).describe()


def test_grey_images_are_read_line_by_line_where_sequences_are_asked_for():
    dataset = recipes.load_dataset("digits", settings=SEQUENCES)
    assert "sequences of 8 steps of 8 features" in dataset.describe()
    np.testing.assert_array_equal(dataset.test[0], recipes.load_dataset("digits").test[0][..., 0])


def test_padded_rows_that_stand_in_two_parts_are_found():
    x, y, lengths = sequences(40)
    x = with_nan(x, lengths)
    dataset = recipes.load_dataset(((x, y), (x[:7], y[:7])), settings=SEQUENCES)
    assert any("rows of the validation part stand in the training part" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lengths": np.full(40, 2.5)}, "`lengths` must be whole numbers from 1 to 12, .* Received: 2.5 at row 0"),
        ({"lengths": np.arange(40)}, "`lengths` must be whole numbers from 1 to 12, .* Received: 0 at row 0"),
        ({"lengths": np.full(40, 13)}, "`lengths` must be whole numbers from 1 to 12, .* Received: 13 at row 0"),
        ({"lengths": np.full(40, "5")}, "`lengths` must be whole numbers. Received: <U1"),
        ({"lengths": np.full(39, 5)}, r"`lengths` must hold one length for each of 40 rows. Received: \(39,\)"),
        ({"x": np.zeros((40, 12))}, r"`lengths` are for sequences: .* Received: float64 of shape \(40, 12\)"),
        ({"row": (3, 1, 0)}, "`x` must be finite up to the end of each sequence; .* Received: nan at row 3, step 1"),
        ({"row": (5, 1)}, "`x` must be finite up to `lengths`. Received: only NaN at row 5, step 1"),
        ({"row": (6, 0)}, "`x` must be finite up to the end .* Received: nan, nan at row 6, step 0"),
        ({"lengths_train": np.full(40, 5)}, "has lengths_train, but no x_train. Received: x, y, lengths"),
    ],
)
def test_wrong_lengths_and_gaps_are_refused_with_their_place(tmp_path, change, message):
    x, y, _ = sequences(40)
    if "row" in change:
        x[change["row"]] = np.nan
        change = {}
    np.savez(tmp_path / "wrong.npz", **{"x": x, "y": y, "lengths": np.full(40, 2), **change})
    with pytest.raises(ValueError, match=message):
        recipes.load_dataset(tmp_path / "wrong.npz")


def test_what_is_not_for_sequences_is_refused(file, recipe, tmp_path):
    x, y, _ = sequences(40)

    def train(source=file, **changes):
        recipes.train(recipe.replace(**changes), source, output=tmp_path, pictures=False, verbose=False)

    with pytest.raises(ValueError, match=r"augmentation is for images. Received: rows of shape \(12, 2\)"):
        train(augmentation=Augmentation(shift=0.1))
    with pytest.raises(ValueError, match="mlp takes no sequences of different length, which signals has: use rec"):
        train(model=Model())
    with pytest.raises(ValueError, match="data.kind='images' does not fit signals, which has lengths of sequences"):
        train(data={"kind": "images"})
    with pytest.raises(ValueError, match="sequences cannot be read from breast-cancer, a table of 30 columns"):
        train("breast-cancer")
    with pytest.raises(ValueError, match=r"sequences have the shape \(rows, steps, features\). .*x\[..., None\]"):
        recipes.load_dataset((x[..., 0], y), settings=SEQUENCES)
    with pytest.raises(ValueError, match="data.image_size is for images. Received: .* for sequences"):
        recipes.load_dataset((x, y), settings=Data(kind="sequences", image_size=(4, 4)))
    x[4] = np.nan
    with pytest.raises(ValueError, match="`x` must have at least one step in each row. Received: none at row 4"):
        recipes.load_dataset((x, y), settings=SEQUENCES)
    with pytest.raises(ValueError, match="was not trained on sequences by this package: the lengths in .* not used"):
        recipes.predict(keras.Sequential([keras.Input((12, 2)), keras.layers.Flatten()]), file)


def test_the_adding_problem_is_generated_from_its_seed():
    dataset = recipes.load_dataset("adding:7", seed=3)
    assert (dataset.name, dataset.task) == ("adding-7", "regression")
    rows = [
        np.concatenate([getattr(dataset, part)[index] for part in ("train", "validation", "test")]) for index in (0, 1)
    ]
    x, y = rows
    assert x.shape == (10_000, 7, 2)
    assert ((x[..., 0] > 0) & (x[..., 0] < 1)).all()
    assert set(np.unique(x[..., 1])) == {0, 1}
    assert (x[:, :3, 1].sum(axis=1) == 1).all()
    assert (x[:, 3:, 1].sum(axis=1) == 1).all()
    np.testing.assert_allclose(y, (x[..., 0] * x[..., 1]).sum(axis=1), rtol=1e-6)
    assert y.var() == pytest.approx(1 / 6, rel=0.05)
    same, other = (recipes.load_dataset("Adding:7", seed=seed) for seed in (3, 4))
    np.testing.assert_array_equal(same.test[0], dataset.test[0])
    assert not np.array_equal(other.test[0], dataset.test[0])
    assert dataset.mask_value is None


@pytest.mark.parametrize("name", ["adding:1", "adding:", "adding:2.5", "adding:-5", "adding:ten"])
def test_the_adding_problem_needs_two_steps(name):
    with pytest.raises(ValueError, match="adding:STEPS needs a whole number of at least 2, such as .* Received: "):
        recipes.load_dataset(name)


def test_the_error_for_an_unknown_dataset_lists_adding():
    with pytest.raises(ValueError, match="uci:NAME, adding:STEPS, or the path"):
        recipes.load_dataset("addition")


@pytest.mark.extensive
def test_a_gru_learns_to_add_over_ten_steps(tmp_path):
    recipe = recipes.get("adding").replace(data={"name": "adding:10"}, model={"widths": [32]}, fit={"epochs": 3})
    run = recipes.train(recipe, output=tmp_path, pictures=False, verbose=False)
    assert run.report.mse < 0.02  # 0.167 without reading the sequence
