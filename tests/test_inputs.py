import keras
import numpy as np
import pandas
import pyarrow
import pytest

import recipes
from recipes.data.arrays import check_target
from recipes.metrics import ClassificationCounts, ClassificationReport, MultiLabelReport
from recipes.metrics.inputs import class_probabilities, column_names, is_multi_label, sum_to_one

TRUE, PREDICTED = ["b", "a", "c", "a", "b"], ["b", "a", "c", "b", "b"]
NAMES = np.array(["cat", "dog", "ant"])


def series(dtype):
    return lambda values: pandas.Series(values, dtype=dtype, index=range(len(values), 0, -1))


@pytest.mark.parametrize(
    "form",
    [
        series("object"), series("string"), series("str"), series("category"), list, tuple, np.array, pyarrow.array,
        lambda values: pyarrow.chunked_array([values[:2], values[2:]]).dictionary_encode(),
        lambda values: pandas.DataFrame({"species": values}), lambda values: np.array(values)[:, None],
        lambda values: np.array(values, dtype=np.dtypes.StringDType()),
    ],
)  # fmt: skip
def test_text_of_any_container_is_labels(form):
    for y_true, y_pred in ((form(TRUE), form(PREDICTED)), (form(TRUE), PREDICTED), (TRUE, form(PREDICTED))):
        report = recipes.classification_report(y_true, y_pred)
        assert (report.accuracy, report.class_names) == (0.8, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("form", "names"),
    [(series("Int64"), ("0", "1")), (series("boolean"), ("False", "True")), (series("object"), ("False", "True"))],
)
def test_nullable_numbers_and_truth_values_are_labels(form, names):
    values = [True, False, True] if names[0] == "False" else [1, 0, 1]
    assert recipes.classification_report(form(values), form(values)).class_names == names


@pytest.mark.parametrize(
    ("y_true", "y_score", "message"),
    [
        (["a", float("nan")], ["a", "b"], "`y_true` has missing values in 1 rows, the first at row 1"),
        (pandas.Series(["a", pandas.NA]), ["a", "b"], "`y_true` has missing values in 1 rows, the first at row 1"),
        (pandas.Series([None, 1], dtype="Int64"), [0, 1], "`y_true` has 1 missing labels, the first at row 0"),
        (np.ma.array([0, 1], mask=[False, True]), [0, 1], "`y_true` has masked values, the first at row 1"),
        (["a", 1], ["a", "b"], "`y_true` must be of one kind. Received: 'a' and 1"),
        (pandas.Series(["a", "b"]), [0, 1], "labels and predictions must be of one kind. Received: 'a' and 0"),
        ([True, False], ["True", "False"], "must be of one kind. Received: True and 'True'"),
    ],
)
def test_missing_and_mixed_labels_are_refused(y_true, y_score, message):
    with pytest.raises(ValueError, match=message):
        recipes.classification_report(y_true, y_score)


def test_masked_values_are_nowhere_taken_for_values():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(ValueError, match="`y_true` has masked values, the first at row 1"):
        recipes.metrics.regression_report(masked, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"`y` has masked values: leave those rows out, or give y.filled"):
        check_target(masked, 2)
    numbers = pandas.Series([1.0, 2.0], dtype=object)
    assert recipes.metrics.regression_report(numbers, masked.filled(5.0)).mae == 1.5


@pytest.fixture(scope="module")
def softmax():
    """Class numbers, and probabilities that are right for some."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 300)
    odds = np.exp(generator.normal(size=(300, 3)) + np.eye(3)[y])
    return y, odds / odds.sum(axis=1, keepdims=True)


def test_one_hot_rows_with_scores_that_sum_to_one_are_one_class_each(softmax):
    y, scores = softmax
    expected = recipes.classification_report(y, scores)
    for truth in (np.eye(3)[y], np.eye(3, dtype=bool)[y], pandas.DataFrame(np.eye(3, dtype=int)[y])):
        report = recipes.classification_report(truth, scores)
        assert isinstance(report, ClassificationReport)
        assert report.to_dict() == expected.to_dict()
    decided = scores.argmax(axis=1)
    for labels in (decided, np.eye(3, dtype=int)[decided], NAMES[decided]):
        names = None if labels.dtype.kind == "i" else NAMES
        assert recipes.classification_report(np.eye(3)[y], labels, names).accuracy == expected.accuracy
    assert recipes.classification_report(y, np.eye(3, dtype=int)[decided]).accuracy == expected.accuracy
    one = recipes.classification_report(np.eye(2)[y % 2], scores[:, :1])
    assert one.accuracy == recipes.classification_report(y % 2, scores[:, 0]).accuracy


def test_multi_label_says_what_targets_do_not(softmax):
    y, scores = softmax
    independent = np.sqrt(scores)
    assert isinstance(recipes.classification_report(np.eye(3)[y], independent), MultiLabelReport)
    assert isinstance(recipes.classification_report(np.eye(3)[y], scores, multi_label=True), MultiLabelReport)
    assert not is_multi_label(np.eye(3)[y], scores)
    assert is_multi_label(np.maximum(np.eye(3)[y], [1, 0, 0]), scores)
    with pytest.raises(ValueError, match="must sum to 1"):
        recipes.classification_report(np.eye(3)[y], independent, multi_label=False)
    with pytest.raises(ValueError, match="a single 1 in each row for multi_label=False"):
        recipes.classification_report(np.ones((300, 3)), scores, multi_label=False)
    with pytest.raises(ValueError, match=r"for multi_label=True. Received: \(300,\)"):
        recipes.classification_report(y, scores, multi_label=True)


def test_named_columns_of_a_frame_are_matched_by_their_names(softmax):
    y, _ = softmax
    frame = pandas.DataFrame(np.eye(3)[y], columns=NAMES)
    for scores in (frame, frame[["ant", "dog", "cat"]], frame.astype("Float32"), pyarrow.table(frame)):
        assert recipes.classification_report(NAMES[y], scores).accuracy == 1
        assert recipes.classification_report(y, scores, class_names=NAMES).accuracy == 1
        counts = ClassificationCounts(class_names=sorted(NAMES))
        counts.update(NAMES[y], scores)
        assert counts.result().accuracy == 1
    assert recipes.classification_report(pandas.get_dummies(NAMES[y]), frame).accuracy == 1
    numbers = np.array([7, 3, 5])
    assert recipes.classification_report(numbers[y], frame.set_axis(numbers, axis=1)).accuracy == 1
    assert recipes.classification_report(NAMES[y], frame.set_axis(range(3), axis=1), NAMES).accuracy == 1
    labels = pandas.DataFrame(np.maximum(np.eye(3, dtype=int)[y], [1, 0, 0]), columns=NAMES)
    assert recipes.classification_report(labels, labels[["dog", "ant", "cat"]]).accuracy == 1
    with pytest.raises(ValueError, match="must have the names of the classes cat, dog, ant. Received: p, dog, ant"):
        recipes.classification_report(NAMES[y], frame.rename(columns={"cat": "p"}), class_names=NAMES)


def test_columns_that_are_numbered_have_no_names():
    assert column_names(np.zeros((2, 2))) is None
    assert column_names(pandas.DataFrame([[1, 2]])) is None
    assert column_names(pandas.DataFrame({"a": [1]})) is None
    assert column_names(pandas.DataFrame({"a": [1], "b": [2]})) == ["a", "b"]


@pytest.mark.backend
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("classes", [3, 200])
def test_softmax_in_half_precision_gives_probabilities(dtype, classes):
    y = np.arange(200) % classes
    odds = 3 * np.random.default_rng(0).normal(size=(200, classes)) + 4 * np.eye(classes)[y]
    outputs = keras.ops.softmax(keras.ops.cast(odds, dtype))
    exact = keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.convert_to_tensor(odds, "float32")))
    report = recipes.classification_report(y, outputs, [str(number) for number in range(classes)])
    expected = recipes.classification_report(y, exact, report.class_names)
    assert report.probabilities.log_loss == pytest.approx(expected.probabilities.log_loss, rel=0.02)


def test_sums_are_as_exact_as_the_scores():
    half = np.array([[0.5, 0.5078125]], np.float32)  # 1.0078 in bfloat16, as its rounding may do
    assert sum_to_one(half)
    assert class_probabilities(half).sum() == pytest.approx(1, abs=1e-7)
    assert class_probabilities(half).dtype == np.float32
    assert not sum_to_one(np.array([[0.5, 0.51]], np.float32))
    with pytest.raises(ValueError, match="must sum to 1. Received: 1.01 at row 0"):
        class_probabilities(np.array([[0.5, 0.51]]))
    with pytest.raises(ValueError, match="must sum to 1. Received: 0.75 at row 0"):
        class_probabilities(np.array([[0.5, 0.25]], np.float32))
