import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import custom_layers
import recipes
from recipes.data.precision import to_float32
from recipes.evaluation.rows import rows_for
from recipes.evaluation.units import from_units_of_dataset, in_units_of_model
from recipes.models.outputs import Outputs
from recipes.settings import Data

pandas = pytest.importorskip("pandas")
ROWS = 400


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(0)
    width, color = generator.normal(5, 2, ROWS), generator.choice(["red", "green", "blue"], ROWS)
    shop = generator.integers(0, 25, ROWS)
    return pandas.DataFrame(
        {
            "width": width.round(3),
            "color": pandas.Series(color).mask(generator.random(ROWS) < 0.1),
            "shop": [f"shop {number}" for number in shop],
            "country": "Italy",
            "good": np.where((width > 5) ^ (color == "red"), "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def trained(frame, tmp_path_factory, short_recipe):
    return recipes.train(
        short_recipe, frame, target="good", output=tmp_path_factory.mktemp("runs"), pictures=False, verbose=False
    )


@pytest.mark.extensive
def test_a_new_process_predicts_a_file_with_its_columns_in_any_order(frame, trained, tmp_path):
    rows = frame[["shop", "color", "width"]][:50]  # without the target, and the column that was left out
    rows.to_csv(tmp_path / "rows.csv", index=False, sep=";")
    program = (
        "import json, sys, recipes\nprint(json.dumps(recipes.predict(sys.argv[1], sys.argv[2]).ravel().tolist()))\n"
    )
    command = [sys.executable, "-c", program, trained.directory, tmp_path / "rows.csv"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    np.testing.assert_allclose(json.loads(answer), recipes.predict(trained.model, rows).ravel(), atol=1e-6)


@pytest.mark.backend
@pytest.mark.whole
def test_a_loaded_model_is_evaluated_on_frames_and_files_like_the_run(frame, trained, tmp_path, assert_alike):
    # A run that was trained on a frame does not hold it; the same rows by another way give the same report.
    dataset = recipes.load_dataset(frame, target="good")
    assert_alike(recipes.evaluate(trained.directory, dataset), trained.report)
    whole = recipes.evaluate(trained.directory, frame)
    assert whole.rows == ROWS
    frame.iloc[:, ::-1].to_csv(tmp_path / "rows.csv", index=False)
    with pytest.warns(UserWarning, match="320 of the 400 rows of .* stand in the training or validation part"):
        assert_alike(recipes.evaluate(trained.directory, tmp_path / "rows.csv"), whole)
    beside = (frame.drop(columns="good"), frame["good"])
    assert_alike(recipes.evaluate(trained.directory, beside), whole)
    with pytest.raises(ValueError, match="was trained on arrays, which it does not hold"):
        recipes.evaluate(trained.directory)


@pytest.mark.extensive
def test_a_run_from_a_file_splits_it_again_as_in_its_training(frame, short_recipe, tmp_path, assert_alike):
    frame.to_csv(tmp_path / "rows.csv", index=False)
    run = recipes.train(
        short_recipe, tmp_path / "rows.csv", target="good", output=tmp_path, pictures=False, verbose=False
    )
    assert run.directory.name == "tabular-rows-seed0"
    assert run.recipe.data.target == "good"
    assert_alike(recipes.evaluate(run.directory), run.report)


def test_missing_and_surplus_columns_are_named(frame, trained):
    rows = frame.drop(columns=["color", "width"]).assign(colour="red")
    with pytest.raises(ValueError, match="the frame lacks 2 columns: width, color; it has colour instead"):
        recipes.predict(trained.directory, rows)
    with pytest.warns(UserWarning, match="passed over 1 surplus column: weight"):
        recipes.predict(trained.directory, frame.assign(weight=1))


def test_what_training_did_not_see_is_counted(frame, trained):
    strange = frame[:9].assign(color="purple", width=[np.nan] * 4 + [1.0] * 5)
    with pytest.warns(UserWarning, match="9 rows") as found:
        probabilities = recipes.predict(trained.directory, strange)
    assert [str(warning.message) for warning in found] == [
        "the frame (9 rows): categories not seen in training: color 9",
        "the frame (9 rows): missing values, taken as the mean: width 4",
    ]
    assert np.isfinite(probabilities).all()


def test_text_where_numbers_are_needed_is_refused_with_its_place(frame, trained):
    wide = frame.assign(width=["wide" if row in (7, 9) else "1" for row in range(ROWS)])
    with pytest.raises(ValueError, match="column 'width' .* 2 of its 400 values are text, the first 'wide' at row 7"):
        recipes.predict(trained.directory, wide)


def test_labels_that_are_no_class_are_named(frame, trained):
    with pytest.raises(ValueError, match="unknown classes 'maybe' in the labels. Known: no, yes"):
        recipes.evaluate(trained.directory, frame.assign(good="maybe"))


def test_columns_by_name_need_a_model_that_knows_them(frame, tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(inputs), name="mine")
    with pytest.raises(
        ValueError, match="mine does not know its columns by name: give it an array instead of the frame"
    ):
        recipes.predict(model, frame)
    with pytest.raises(ValueError, match="mine was not trained on images by this package"):
        recipes.predict(model, tmp_path)


def test_codes_of_another_dataset_are_refused(frame, trained):
    other = recipes.load_dataset(frame.replace({"color": {"red": "orange"}}), target="good")
    with pytest.raises(ValueError, match="arrays has other columns or categories than the model was trained on"):
        recipes.evaluate(trained.directory, other)


@pytest.fixture(scope="module")
def times():
    """Rows of ten minutes, a dataset of them, and a model that gives what is prepared."""
    x = np.c_[1_714_730_400 + np.arange(600.0), np.arange(600) % 7]
    dataset = recipes.load_dataset((x, np.arange(600) % 2))
    inputs = keras.Input((2,))
    layer = custom_layers.TablePreparation(**dataset.preparation.constants(), name="preparation")
    return x, dataset, keras.Model(inputs, layer(inputs))


def test_values_that_float32_would_merge_are_rescaled_in_arrays(times, tmp_path):
    x, dataset, model = times
    expected = dataset.preparation(to_float32(x, {0: dataset.preparation.rescaled["column_0"]}))
    assert len(np.unique(expected[:, 0])) == 600
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    outputs = Outputs.of(model)
    for rows in (x, x.astype(np.int64), x.tolist()):
        np.testing.assert_allclose(model.predict(in_units_of_model(outputs, rows), verbose=0), expected, atol=1e-6)
    # Rows of a dataset, and of batches in float32, are rescaled already.
    assert in_units_of_model(outputs, dataset.test[0]) is dataset.test[0]
    with pytest.raises(ValueError, match="`x` is float32, which merges values of column 'column_0'.* as float64"):
        in_units_of_model(outputs, x.astype(np.float32))


def test_a_dataset_with_other_offsets_is_taken_with_those_of_the_model(times):
    x, dataset, model = times
    other = recipes.load_dataset((np.r_[x, np.add(x, (600, 0)), np.add(x, (1200, 0))], np.arange(1800) % 2))
    offset, _ = other.preparation.rescaled["column_0"]
    known, _ = dataset.preparation.rescaled["column_0"]
    assert offset != known
    rows, names = other.test[0], other.feature_names
    outputs = Outputs.of(model)
    found = from_units_of_dataset(outputs, rows, names, other.preparation.rescaled)
    np.testing.assert_array_equal(found, rows + np.float32([offset - known, 0]))
    assert from_units_of_dataset(outputs, rows, None, dataset.preparation.rescaled) is rows


@pytest.mark.extensive
def test_an_array_may_lack_what_the_training_lacked(frame, short_recipe, tmp_path):
    gaps = frame[["width", "good"]].assign(height=frame["width"].mask(frame.index % 9 == 0) + 1)
    run = recipes.train(short_recipe, gaps, target="good", output=tmp_path, pictures=False, verbose=False)
    assert recipes.predict(run.directory, [[5.0, np.nan]]).shape == (1, 1)
    with pytest.raises(ValueError, match=r"`x` must be finite. .*\(nan\) at row 0, column 0"):
        recipes.predict(run.directory, [[np.nan, 5.0]])


@pytest.mark.extensive
@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_image_files_are_predicted_at_any_size(tmp_path, color, assert_alike):
    from PIL import Image

    generator = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(level - 50, level + 50, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    settings = {
        "model": {"builder": "convnet", "widths": [8]},
        "data": {"color": color},
        "optimizer": {"learning_rate": 0.03},
        "fit": {"epochs": 6, "batch_size": 4},
    }
    recipe = recipes.get("digits-convnet").replace(**settings)
    run = recipes.train(recipe, tmp_path / "photos", output=tmp_path, pictures=False, verbose=False)
    assert run.model.input_shape == (None, None, None, 1 if color == "grey" else 3)
    assert_alike(recipes.evaluate(run.directory), run.report)
    assert recipes.evaluate(run.directory, tmp_path / "photos").accuracy == run.report.accuracy == 1
    Image.fromarray(np.full((40, 31), 70, np.uint8)).save(tmp_path / "large.png")
    large = recipes.predict(run.directory, tmp_path / "large.png")
    assert large.shape == (1, 1)
    assert large < 0.5
    assert recipes.predict(run.directory, tmp_path / "photos" / "light").shape == (12, 1)


def image_outputs(mean=100.0, scale=50.0, **kwargs):
    """Facts about a network that was trained on grey images of 4 x 4 pixels."""
    inputs = keras.Input((None, None, 1))
    layer = custom_layers.ImagePreparation(4, 4, [mean], [scale], **kwargs)
    probability = keras.layers.Dense(1, "sigmoid")(keras.layers.Flatten()(layer(inputs)))
    return Outputs.of(keras.Model(inputs, probability, name="icons"))


@pytest.fixture
def icons(tmp_path):
    """A folder of two classes: half-transparent black, in one class within a further folder."""
    from PIL import Image

    alpha = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)
    for name in ("a/1.png", "b/more/1.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.fromarray(np.dstack([np.zeros((4, 4), np.uint8)] * 3 + [alpha])).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("background", "depth", "expected"), [([255, 255, 255], 8, 255), ([0, 0, 0], 8, 0), ([255, 255, 255], 16, 65535)]
)
def test_files_are_read_as_those_of_the_training_were(icons, background, depth, expected):
    outputs = image_outputs(background=background, depth=depth)
    x, _ = rows_for(outputs, icons, Data(), with_target=False)
    scored, y = rows_for(outputs, icons, Data(), with_target=True)
    np.testing.assert_array_equal(scored, x)
    assert (x.shape, y.tolist(), x[1, 0, 0, 0]) == ((2, 4, 4, 1), ["a", "b"], expected)


def test_models_of_older_versions_drop_transparency_with_a_warning(icons):
    for with_target in (False, True):
        with pytest.warns(
            UserWarning, match="holds images with an alpha channel, which is dropped, as in its training"
        ):
            x, _ = rows_for(image_outputs(), icons, Data(), with_target=with_target)
        assert (x.dtype, x.any()) == (np.uint8, False)


def test_bytes_for_a_model_of_arrays_on_another_scale_are_warned_of(icons):
    from PIL import Image

    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(icons / "white.png")
    with pytest.warns(
        UserWarning, match=r"values up to 255, and the model was trained on 0\.3 with .* of 0\.25: give an"
    ):
        rows_for(image_outputs(0.3, 0.25), icons / "white.png", Data(), with_target=False)
    rows_for(image_outputs(2.0, 8.0), icons / "white.png", Data(), with_target=False)  # a rare white pixel


def test_a_model_of_bytes_reduces_deeper_images_with_a_warning_and_refuses_floating_point(icons):
    from PIL import Image

    outputs = image_outputs(background=[255, 255, 255], depth=8)
    Image.fromarray(np.full((4, 4), 257, np.uint16)).save(icons / "a" / "2.png")
    for with_target in (False, True):
        with pytest.warns(UserWarning, match="more than 8 bits, which are reduced to 8, as icons was trained on bytes"):
            x, _ = rows_for(outputs, icons, Data(), with_target=with_target)
        assert x[1].max() == 1
    Image.fromarray(np.ones((4, 4), np.float32)).save(icons / "a" / "3.tif")
    with pytest.raises(ValueError, match=r"3\.tif holds floating-point values, where images of bytes are expected"):
        rows_for(outputs, icons, Data(), with_target=False)


@pytest.mark.parametrize(
    "shape", [(3, 12, 10), *(pytest.param(shape, marks=pytest.mark.extensive) for shape in ((12, 10, 3), (12, 10)))]
)
def test_models_of_image_arrays_take_their_order_of_axes_and_other_sizes(tmp_path, shape):
    generator = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = generator.integers(0, 100, (400, *shape)).astype(np.uint8) + (100 * y).reshape(-1, *[1] * len(shape)).astype(
        np.uint8
    )
    recipe = recipes.get("digits-convnet").replace(
        model={"widths": [4]}, fit={"epochs": 3, "batch_size": 16}, regularization={"dropout": 0}
    )
    run = recipes.train(recipe, (x, y), output=tmp_path, pictures=False, verbose=False)
    assert run.report.accuracy == 1
    larger = np.repeat(np.repeat(x, 2, axis=-1 if shape[0] == 3 else 1), 2, axis=-2 if shape[0] == 3 else 2)
    outputs = recipes.predict(run.directory, larger)
    assert ((outputs[:, 0] > 0.5) == y).all()


def test_a_name_comes_before_a_folder_called_by_it(tmp_path, monkeypatch):
    run = Path(__file__).parent.parent / "saved_models" / "digits"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert recipes.evaluate(run, "digits").rows == 359
