import keras
import numpy as np
import pytest

import recipes

BACKEND = keras.backend.backend()


def told(rows, num_classes, seed=0):
    """Class numbers, and logits that know half of them."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, num_classes, rows)
    logits = generator.normal(size=(rows, num_classes))
    logits[np.arange(rows), labels] += 1.5
    return labels, logits.astype("float32")


def assert_says(metric, report):
    """The metric has the scores of `report`, one by one, and its report is the same."""
    said = {name: float(value) for name, value in metric.result().items()}
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "matthews_correlation"):
        assert said.pop(name) == pytest.approx(report.overall[name], rel=1e-5, nan_ok=True)
    for class_name, scores in report.classes.items():
        for score in ("precision", "recall", "f1"):
            assert said.pop(f"{score}_{class_name}") == pytest.approx(scores[score], rel=1e-5)
    assert said == {}
    np.testing.assert_allclose(metric.confusion_matrix, report.confusion_matrix, rtol=1e-6)
    ours, expected = metric.report(), report
    assert (ours.rows, ours.class_names) == (expected.rows, expected.class_names)
    for name, ends in ours.intervals.items():
        assert ends == pytest.approx(expected.intervals[name], abs=0.01 if name != "accuracy" else 1e-5, nan_ok=True)


@pytest.mark.backend
@pytest.mark.parametrize("weighted", [False, True])
def test_it_says_what_the_report_says(weighted):
    names = ["cat", "dog", "rare", "never"]
    labels, logits = told(900, 4)
    labels[labels == 3] = 0
    labels[labels == 2][5:] = 1
    weights = np.random.default_rng(1).exponential(size=900).astype("float32") if weighted else None
    metric = recipes.ConfusionMatrix(4, class_names=names)
    columns = [labels, labels[:, None], np.eye(4)[labels]]
    for number, start in enumerate(range(0, 900, 300)):
        rows = slice(start, start + 300)
        metric.update_state(columns[number][rows], logits[rows], None if weights is None else weights[rows])
    assert_says(metric, recipes.classification_report(labels, logits.argmax(1), names, weights))
    assert metric.confusion_matrix.dtype == (float if weighted else int)
    metric.reset_state()
    assert metric.confusion_matrix.sum() == 0
    with pytest.raises(ValueError, match="no rows"):
        metric.report()


@pytest.mark.backend
def test_a_single_output_is_decided_by_its_threshold():
    labels, logits = told(400, 2)
    logit = logits[:, 1:]
    probability = 1 / (1 + np.exp(-logit))
    for threshold in (0.5, 0.9):
        expected = recipes.classification_report(labels, (probability[:, 0] > threshold).astype(int), ["0", "1"])
        for given, from_logits in ((logit, True), (probability, False), (probability[:, 0], False)):
            metric = recipes.ConfusionMatrix(2, from_logits=from_logits, threshold=threshold)
            metric.update_state(labels.astype("float32")[:, None], given)
            assert_says(metric, expected)


def on_iris(**options):
    """A compiled model with the metric, the metric, and rows; batches of 35 rows are all of one size."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    metric = recipes.ConfusionMatrix(3, class_names=["setosa", "versicolor", "virginica"])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy", metric], **options)
    return model, metric, recipes.load_dataset("iris").train


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.skipif(BACKEND == "torch", reason="on torch, compiling needs a compiler of C++")
def test_it_counts_in_compiled_steps():
    model, metric, (x, y) = on_iris(jit_compile=True)
    said = model.evaluate(x, y, batch_size=35, verbose=0, return_dict=True)
    report = recipes.classification_report(y, model.predict(x, verbose=0).argmax(1), metric.class_names)
    assert_says(metric, report)
    assert said["macro_f1"] == pytest.approx(report.macro["f1"])


@pytest.mark.extensive
@pytest.mark.backend
def test_its_scores_are_in_the_history_and_it_is_saved_with_the_model(tmp_path):
    model, metric, (x, y) = on_iris(optimizer=keras.optimizers.Adam(0.1), jit_compile=False)
    stop = keras.callbacks.EarlyStopping("val_macro_f1", mode="max", patience=5)
    rows = {"x": x, "y": y, "validation_data": (x, y), "batch_size": 35, "validation_batch_size": 35}
    history = model.fit(**rows, epochs=3, verbose=0, callbacks=[stop]).history
    report = recipes.classification_report(y, model.predict(x, verbose=0).argmax(1), metric.class_names)
    assert_says(metric, report)
    assert history["val_macro_f1"][-1] == pytest.approx(report.macro["f1"])
    assert history["val_recall_versicolor"][-1] == pytest.approx(report.classes["versicolor"]["recall"])
    assert history["val_accuracy"][-1] == pytest.approx(report.accuracy)
    assert {"balanced_accuracy", "matthews_correlation", "precision_setosa", "f1_virginica"} < history.keys()
    model.save(tmp_path / "model.keras")
    loaded = recipes.load_model(tmp_path / "model.keras")
    said = loaded.evaluate(x, y, batch_size=35, verbose=0, return_dict=True)
    assert said["f1_setosa"] == pytest.approx(report.classes["setosa"]["f1"])


@pytest.mark.backend
def test_pixels_are_counted_but_for_those_without_a_class():
    labels, logits = told(2 * 5 * 6, 3)
    labels[::7] = 255
    metric = recipes.ConfusionMatrix(3, ignore_class=255)
    metric.update_state(labels.reshape(2, 5, 6), logits.reshape(2, 5, 6, 3))
    judged = labels != 255
    assert_says(metric, recipes.classification_report(labels[judged], logits[judged].argmax(1), ["0", "1", "2"]))


@pytest.mark.backend
def test_a_label_that_is_no_class_is_not_hidden():
    metric = recipes.ConfusionMatrix(3)
    metric.update_state(np.array([0, 1, 3, -1]), np.eye(3)[[0, 1, 2, 0]])
    assert np.isnan([float(value) for value in metric.result().values()]).all()
    with pytest.raises(ValueError, match="class numbers from 0 to 2. Received: 2 others among 4"):
        metric.report()


@pytest.mark.backend
@pytest.mark.optimized
def test_counts_and_weights_stay_exact_beyond_what_float32_can_count():
    many = 2**24
    metric = recipes.ConfusionMatrix(2)
    metric._counts.assign([[many, 0], [0, many]])
    for _ in range(3):
        metric.update_state(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]], "float32"))
    assert metric.confusion_matrix.tolist() == [[many + 3, 0], [3, many + 3]]
    weighted = recipes.ConfusionMatrix(2)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    model.compile("sgd", "mse", weighted_metrics=[weighted], jit_compile=BACKEND != "torch")
    x, weights = np.tile(np.eye(2, dtype="float32"), (20, 1)), np.full(40, 0.1, "float32")
    weights[:2] = many
    model.evaluate(x, x, sample_weight=weights, batch_size=2, verbose=0)
    exact = many + 19 * float(np.float32(0.1))
    np.testing.assert_allclose(np.diag(weighted.confusion_matrix), exact, rtol=1e-9)


@pytest.mark.backend
def test_many_classes_do_not_flood_the_logs_and_a_name_distinguishes_two_outputs():
    assert len(recipes.ConfusionMatrix(21).result()) == 4
    assert len(recipes.ConfusionMatrix(21, per_class=True).result()) == 4 + 3 * 21
    assert len(recipes.ConfusionMatrix(2, per_class=False).result()) == 4
    assert "species_macro_f1" in recipes.ConfusionMatrix(3, name="species").result()


@pytest.mark.extensive
@pytest.mark.skipif(BACKEND != "tensorflow", reason="MirroredStrategy is TensorFlow's")
def test_the_rows_of_both_devices_are_counted_together(scopes):
    rows = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
    labels = (rows @ np.random.default_rng(1).normal(size=(6, 3))).argmax(axis=1)
    with scopes[1]():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
        metric = recipes.ConfusionMatrix(3)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.0), loss, metrics=[metric])
    report = recipes.classification_report(labels, np.asarray(model(rows)).argmax(1), ["0", "1", "2"])
    trained = model.fit(rows, labels, batch_size=48, verbose=0).history
    assert trained["macro_f1"] == [np.float32(report.macro["f1"])]
    evaluated = model.evaluate(rows, labels, batch_size=48, verbose=0, return_dict=True)
    assert evaluated["recall_2"] == np.float32(report.classes["2"]["recall"])
    np.testing.assert_array_equal(metric.report().confusion_matrix, report.confusion_matrix)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "`num_classes` must be a whole number of at least 2. Received: 1"),
        ({"num_classes": 3, "class_names": ["a", "b"]}, "`class_names` must name 3 classes. Received: 2 names"),
        ({"num_classes": 2, "class_names": ["a", "a"]}, "`class_names` must differ"),
        ({"num_classes": 2, "threshold": 1.5}, "`threshold` must be between 0 and 1. Received: 1.5"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.ConfusionMatrix(**arguments)


def test_shapes_that_do_not_fit_are_refused_in_one_sentence():
    metric = recipes.ConfusionMatrix(3)
    with pytest.raises(ValueError, match=r"`y_pred` must have 3 outputs, one for each class. Received: \(5, 4\)"):
        metric.update_state(np.zeros(5), np.zeros((5, 4)))
    with pytest.raises(ValueError, match=r"`y_true` must have class numbers, or 3 columns"):
        metric.update_state(np.zeros((5, 2)), np.zeros((5, 3)))
