import keras
import numpy as np
import pytest

import recipes
from recipes.models.outputs import Outputs
from recipes.runs.stored import Stored


@pytest.mark.backend
@pytest.mark.whole
def test_a_run_is_evaluated_on_its_own_test_part(run, assert_alike):
    assert_alike(recipes.evaluate(run.directory), run.report)
    assert_alike(recipes.evaluate(run.directory, "breast-cancer"), run.report)
    assert_alike(recipes.evaluate(run.model, "breast_cancer"), run.report)
    with pytest.warns(UserWarning, match="95 of the 113 rows of the test part by seed 1 stand in the training or"):
        assert recipes.evaluate(run.directory, "breast_cancer", seed=1).to_dict() != run.report.to_dict()


@pytest.mark.backend
def test_a_run_a_stored_run_and_a_path_get_the_same_report(run):
    expected = recipes.evaluate(run.directory).to_dict()
    for model in (run, Stored(run.directory), str(run.directory), run.directory / "model.keras"):
        assert recipes.evaluate(model).to_dict() == expected


def test_facts_about_a_model_are_read_once_per_evaluation(run, monkeypatch):
    read, models = Outputs.of, []

    def counted(model):
        models.append(model)
        return read(model)

    monkeypatch.setattr(Outputs, "of", counted)
    rows = recipes.load_dataset("breast_cancer").test
    for arguments in ((run,), (run, rows), (run.model, rows), (run.model, lambda: iter([rows]))):
        recipes.evaluate(*arguments)
    recipes.predict(run, rows[0])
    assert len(models) == 5


@pytest.mark.backend
@pytest.mark.whole
def test_all_rows_of_arrays_and_files_are_evaluated(run, tmp_path, assert_alike):
    x, y = recipes.load_dataset("breast_cancer").test
    names = np.array(["malignant", "benign"])
    np.savez(tmp_path / "test.npz", x=x, y=names[y])
    for data in ((x, y), (x, names[y]), tmp_path / "test.npz"):
        assert_alike(recipes.evaluate(run.directory, data), run.report)


def test_the_classes_of_a_model_file_outside_a_run_folder_are_numbered(run, tmp_path):
    (tmp_path / "bare.keras").write_bytes((run.directory / "model.keras").read_bytes())
    report = recipes.evaluate(tmp_path / "bare.keras", recipes.load_dataset("breast_cancer").test)
    assert report.class_names == ("0", "1")
    assert report.accuracy == run.report.accuracy
    with pytest.raises(ValueError, match="`data` is needed: .* is no run folder"):
        recipes.evaluate(tmp_path / "bare.keras")


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.parametrize(("units", "loss"), [(1, "BinaryCrossentropy"), (2, "SparseCategoricalCrossentropy")])
def test_the_compiled_loss_distinguishes_logits_from_probabilities(units, loss):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    y = (x[:, 0] > 0).astype(int)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
    metric = keras.metrics.BinaryAccuracy(threshold=0) if units == 1 else "accuracy"
    model.compile("adam", getattr(keras.losses, loss)(from_logits=True), metrics=[metric])
    _, accuracy = model.evaluate(x, y, verbose=0)
    for labels in (y, y.astype(bool), np.array(["FALSE", "TRUE"])[y], y.astype("float32")):
        assert recipes.evaluate(model, (x, labels)).accuracy == pytest.approx(accuracy)


@pytest.mark.backend
@pytest.mark.whole
def test_a_regression_model_of_the_user_is_evaluated():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((5, 2))
    report = recipes.evaluate(model, (x, np.arange(5) / 3))
    assert report.mse == pytest.approx(model.evaluate(x, np.arange(5) / 3, verbose=0), rel=1e-4)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((3, 5)), [0, 1, 0], r"the model takes rows of shape \(30,\). Received: rows of shape \(5,\)"),
        (np.ones((3, 5, 6)), [0, 1, 0], r"Received: rows of shape \(5, 6\): x.reshape\(-1, 30\) would fit"),
        (np.full((3, 30), np.nan), [0, 1, 0], "`x` must be finite. Received: 90 values"),
        (np.full((3, 30), "a"), [0, 1, 0], "`x` must hold numbers. Received: .*a.* at row 0, column 0"),
        (np.ones((3, 30)), [0, 1], "as many rows. Received: 3 and 2"),
        (np.ones((3, 30)), [0, 1, 7], "unknown classes '0', '1', '7' in the labels. Known: malignant, benign"),
    ],
)
def test_rows_that_do_not_fit_raise_one_clear_line(run, x, y, message):
    with pytest.raises(ValueError, match=message):
        recipes.evaluate(run.directory, (x, y))


def test_a_model_in_memory_needs_data(run):
    with pytest.raises(ValueError, match="`data` is needed to evaluate a model in memory"):
        recipes.evaluate(run.model)


@pytest.mark.extensive
@pytest.mark.parametrize("labels", [np.arange(11).astype(str), np.arange(-5, 6), np.arange(11) / 2])
def test_labels_that_look_like_other_class_numbers_are_not_mixed_up(tmp_path, short_recipe, labels):
    # As text, "10" sorts before "2", so that class 2 is called "10".
    numbers = np.random.default_rng(0).integers(0, 11, 1100)
    x, y = np.eye(11)[numbers], labels[numbers]
    recipe = short_recipe.replace(data={"task": "classification"})
    run = recipes.train(recipe, (x, y), output=tmp_path, epochs=15, pictures=False, verbose=False)
    assert run.report.accuracy > 0.95
    assert recipes.evaluate(run.directory, (x[:99], y[:99])).accuracy > 0.95
    with np.load(run.directory / "predictions.npz") as stored:
        assert (stored["label"] == stored["predicted"]).mean() == run.report.accuracy


@pytest.mark.extensive
def test_only_the_test_part_of_the_file_of_the_training_is_evaluated(tmp_path, short_recipe, monkeypatch, assert_alike):
    monkeypatch.chdir(tmp_path)
    x, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 2
    np.savez("my_data.npz", x=x, y=y)
    np.savez("my-data.npz", x=x, y=1 - y)
    run = recipes.train(short_recipe, "my_data.npz", output=tmp_path, pictures=False, verbose=False)
    for data in (None, "my_data.npz", "./my_data.npz", tmp_path / "my_data.npz"):
        assert_alike(recipes.evaluate(run.directory, data), run.report)
    assert recipes.evaluate(run.directory, "my-data.npz").rows == 100


def test_a_classifier_is_known_by_its_last_layer_inside_or_its_loss():
    x, y = np.ones((6, 4)), np.arange(6) % 2
    head = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    nested = keras.Sequential([keras.Input((4,)), head])
    assert recipes.evaluate(nested, (x, y)).accuracy == 0.5
    named = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    named.compile("sgd", "sparse_categorical_crossentropy")
    assert recipes.evaluate(named, (x, y)).rows == 6
    with pytest.raises(ValueError, match="cannot tell whether mlp is a classifier: compile it"):
        recipes.evaluate(recipes.mlp((4,), 3), (x, y))


def test_models_with_several_inputs_or_outputs_are_refused():
    inputs = keras.Input((4,)), keras.Input((4,))
    both = keras.layers.Concatenate()(inputs)
    for model in (keras.Model(inputs, both), keras.Model(inputs[0], [inputs[0], keras.layers.Dense(1)(inputs[0])])):
        with pytest.raises(ValueError, match="must have one input and one output"):
            recipes.evaluate(model, (np.ones((6, 4)), np.arange(6) % 2))


def test_a_dataset_that_numbers_its_classes_otherwise_is_refused(run):
    dataset = recipes.load_dataset("breast_cancer")
    turned = recipes.Dataset(**{**vars(dataset), "class_names": dataset.class_names[::-1]})
    with pytest.raises(ValueError, match="the model knows the classes malignant, benign. Received: benign, malignant"):
        recipes.evaluate(run.directory, turned)


def test_what_is_no_path_is_refused():
    with pytest.raises(ValueError, match="or the path of a run folder or .keras file. Received: None"):
        recipes.evaluate(None)
