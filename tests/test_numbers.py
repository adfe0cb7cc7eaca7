"""Numbers and labels of every kind through `train`, `evaluate` and `predict`: each works, or gets one clear line."""

import datetime
import decimal

import keras
import numpy as np
import pandas
import pytest
from sklearn.datasets import load_diabetes, load_iris

import recipes
from recipes.runs.stored import Stored
from recipes.settings import Data
from recipes.training.prepared import Training

X, CLASSES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
Y = NAMES[CLASSES]
MEASURES, PROGRESS = (values[:90] for values in load_diabetes(return_X_y=True))
REGRESSION = Data(task="regression")
# The first is written with a combining character, and the second with one that looks the same.
UNICODE = ("e\u0301t\u00e9", "\u00e9t\u00e9", "\u65e5\u672c \U0001f642")


def short(**changes):
    """The `tabular` recipe, cut to two epochs of a small network."""
    settings = {"model": {"widths": [8]}, "optimizer": {"learning_rate": 0.01}, "fit": {"epochs": 2}}
    for part, values in changes.items():
        settings[part] = settings.get(part, {}) | values
    return recipes.get("tabular").replace(**settings)


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    def train(data, recipe=None, **options):
        output = tmp_path_factory.mktemp("runs")
        return recipes.train(recipe or short(), data, output=output, pictures=False, verbose=False, **options)

    return train


def objects(values):
    """An array of Python objects `(rows,)`, also of those that NumPy would take for rows."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def of_classes(*labels, dtype=None):
    return np.array(labels, dtype)[CLASSES]


WHOLE = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i2", ">i4", ">i8", ">u8"]


@pytest.mark.parametrize(
    ("y", "names"),
    [
        *((CLASSES.astype(kind), "0 1 2") for kind in (*WHOLE, *"SUO", "float16", "float32", ">f8", "longdouble")),
        (of_classes(-128, 0, 127, dtype="int8"), "-128 0 127"),
        (of_classes(-5, 7, 2**62), "-5 7 4611686018427387904"),
        (of_classes(0, 2**63, 2**64 - 1, dtype="uint64"), "0 9223372036854775808 18446744073709551615"),
        ([[-(2**70), 1, 2**70][number] for number in CLASSES], f"-{2**70} 1 {2**70}"),
        ([[-1, 5, 2**63][number] for number in CLASSES], "-1 5 9223372036854775808"),
        (np.eye(3, dtype=">i2")[CLASSES], "0 1 2"),
        (np.eye(3, dtype=bool)[CLASSES], "0 1 2"),
        (Y, "setosa versicolor virginica"),
        (Y.astype("S"), "setosa versicolor virginica"),
        (objects(list(Y.astype("S"))), "setosa versicolor virginica"),
        (Y.astype(np.dtypes.StringDType()), "setosa versicolor virginica"),
        (objects([np.str_(name) for name in Y]), "setosa versicolor virginica"),
        (list(Y), "setosa versicolor virginica"),
        (Y[:, None], "setosa versicolor virginica"),
        (np.ma.array(CLASSES), "0 1 2"),
        (pandas.Series(Y, dtype="category"), "setosa versicolor virginica"),
        (pandas.Categorical(Y, ["virginica", "unused", "versicolor", "setosa"]), "setosa versicolor virginica"),
        (pandas.Series(CLASSES, dtype="Int64"), "0 1 2"),
        (pandas.Index(Y), "setosa versicolor virginica"),
        (of_classes("\u00e9".encode(), b"b", b"c"), "b c \u00e9"),
    ],
)  # fmt: skip
def test_labels_of_every_kind_are_the_same_classes_by_the_names_that_the_user_gave(y, names):
    dataset = recipes.load_dataset((X, y))
    order = names.split()
    assert dataset.class_names == tuple(order)
    expected = recipes.load_dataset((X, of_classes(2, 0, 1) if order[0] == "b" else CLASSES))
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(dataset, part)[1], getattr(expected, part)[1])


def test_labels_that_look_alike_stay_different_classes():
    assert recipes.load_dataset((X, of_classes(*UNICODE))).class_names == UNICODE
    assert recipes.load_dataset((X, of_classes("a", " a", "a "))).class_names == (" a", "a", "a ")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(150, 7), "there is only one class, '7': a classifier needs at least two"),
        (CLASSES.astype(complex), "must hold numbers or text. Received: complex128"),
        (CLASSES.astype("datetime64[D]"), r"must hold numbers or text. Received: datetime64\[D\]"),
        ([datetime.date(2020, 1, 1 + number) for number in CLASSES], "Received: datetime.date.* at row 0"),
        (objects([decimal.Decimal(int(number)) for number in CLASSES]), r"Received: Decimal\('0'\) at row 0"),
        (objects([{}] * 150), r"must hold numbers or text. Received: \{\} at row 0"),
        (objects([(1, 2)] * 75 + [(1,)] * 75), r"one target for each row. Received: \(1, 2\) at row 0"),
        (objects([np.zeros(2)] * 150), r"one target for each row. Received: array\(\[0., 0.\]\) at row 0"),
        (of_classes(b"\xe9", b"b", b"c"), r"`y` must hold text in UTF-8. Received: b'\\xe9' at row 0"),
        (objects(["b"] * 149 + [b"\xe9"]), r"`y` must hold text in UTF-8. Received: b'\\xe9' at row 149"),
        (of_classes("\ud800", "b", "c"), r"names of classes must be valid Unicode. Received: '\\ud800'"),
        (of_classes(None, "b", "c"), "`y` has 50 missing values, the first at row 0"),
        ([np.nan if number == 1 else Y[0] for number in CLASSES], "`y` has 50 missing values, the first at row 50"),
        (pandas.Series(["a", pandas.NA, "b"] * 50), "`y` has 50 missing values, the first at row 1"),
        (np.where(CLASSES == 2, np.nan, CLASSES), r"50 values that are NaN or infinite, the first \(nan\) at row 100"),
        (np.where(CLASSES == 2, -np.inf, CLASSES), r"the first \(-inf\) at row 100"),
        (np.ma.array(CLASSES, mask=CLASSES == 1), r"`y` has masked values: leave those rows out"),
        (None, "one target for each row, or one-hot rows. Received: None"),
        (set(Y), "Received: set"),
        (np.zeros((150, 0)), r"Received: shape \(150, 0\)"),
    ],
)
def test_what_is_no_label_is_refused_before_training(train, y, message):
    with pytest.raises(ValueError, match=message) as error:
        train((X, y))
    assert "\n" not in str(error.value)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


FORMS = {
    "big-endian": lambda x: x.astype(">f8"),
    "longdouble": lambda x: x.astype("longdouble"),
    "column by column": np.asfortranarray,
    "read-only": read_only,
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "unaligned": lambda x: np.frombuffer(b" " + x.tobytes(), np.uint8)[1:].view(float).reshape(x.shape),
    "masked nowhere": np.ma.array,
    "lists": lambda x: x.tolist(),
    "arrays in a list": list,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_arrays_of_every_form_are_the_same_rows(form):
    expected = recipes.load_dataset((X, CLASSES)).prepared("train")[0]
    np.testing.assert_array_equal(recipes.load_dataset((form(X), CLASSES)).prepared("train")[0], expected)


@pytest.mark.parametrize("kind", ["float16", ">f4", "int8", ">i4", "uint8", "uint16", "int64", ">u8"])
def test_numbers_of_every_type_are_the_same_rows_as_float32(kind):
    x = (10 * X).astype(kind)
    expected = recipes.load_dataset((x.astype("float32"), CLASSES)).prepared("train")[0]
    np.testing.assert_array_equal(recipes.load_dataset((x, CLASSES)).prepared("train")[0], expected)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X.astype(complex), "`x` must hold numbers. Received: complex128"),
        (X.astype("datetime64[s]"), r"`x` must hold numbers. Received: datetime64\[s\]"),
        (X.astype(object), r"Received: numbers stored as objects; convert them with .astype\('float32'\)"),
        (np.where(X > 7.8, None, X), "`x` must hold numbers. Received: None at row 131, column 0"),
        (np.where(X > 7.8, np.nan, X), r"`x` must be finite. Received: 1 values .* \(nan\) at row 131, column 0"),
        (np.where(X > 7.8, 1e300, X), r"beyond float32, the first \(1e\+300\) at row 131, column 0"),
        (np.where(X > 7.8, 3e37, X), "within 1e.18 standard deviations .* in column 'column_0' of the test part"),
        (np.ma.array(X, mask=X > 7), "`x` has masked values"),
        (np.ones_like(X), "no column is left to learn from .*column_0: constant"),
        (np.full((150, 4, 4), 65504, np.float16), "every pixel is 65504 in the 105 training images"),
        (np.arange(150 * 16).reshape(150, 4, 4) * 1e-42, "from 0 to .*e-39, differ by less than float32 resolves"),
        (X[:0], r"`x` is empty. Received: shape \(0, 4\)"),
        (X[:, :0], r"`x` is empty. Received: shape \(150, 0\)"),
        (np.zeros(150, "f4,f4"), "`x` must hold numbers"),
    ],
)
def test_what_is_no_number_is_refused_before_training(train, x, message):
    with pytest.raises(ValueError, match=message) as error:
        train((x, Y[: len(x)]))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(90, 7), "every target of the 63 training rows is 7"),
        (PROGRESS * 1e300, "targets must be within float32, up to 1e.35. Received: 3.41e.302"),
        (PROGRESS * np.longdouble("1e400"), r"infinite, the first \(inf\) at row 0"),
        (PROGRESS * 1e-40, "from 3.*e-39 to .*, differ by less than float32 resolves: multiply them by a constant"),
        (PROGRESS * 1e-320, "differ by less than float32 resolves"),
        (PROGRESS + 1j, "must hold numbers or text. Received: complex128"),
        (np.where(PROGRESS > 300, np.nan, PROGRESS), r"the first \(nan\) at row"),
        (PROGRESS.astype(str), "regression needs numbers as targets. Received: '151.0' in all row 0"),
    ],
)
def test_what_cannot_be_predicted_is_refused_before_training(train, y, message):
    with pytest.raises(ValueError, match=message):
        train((MEASURES, y), short(data={"task": "regression"}))


@pytest.mark.parametrize("kind", ["int16", "uint16", "float16", ">f4", "longdouble", "O", ">i8"])
def test_numbers_to_predict_are_the_same_in_every_type(kind):
    expected = recipes.load_dataset((MEASURES, PROGRESS), settings=REGRESSION)
    dataset = recipes.load_dataset((MEASURES, PROGRESS.astype(kind)), settings=REGRESSION)
    np.testing.assert_array_equal(dataset.prepared("train")[1], expected.prepared("train")[1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (lambda: (X[[0, 149]], Y[[0, 149]]), "class 'setosa' has 1 rows: splitting .* needs at least 3"),
        (lambda: ((X[:99], Y[:99]), (X, Y), (X, Y)), "unknown classes 'virginica' in the labels. Known: setosa, vers"),
        (lambda: ((X, Y), (X, Y), (X, np.where(CLASSES, Y, "rose"))), "unknown classes 'rose' in the labels"),
        (lambda: ((X, Y), (X[:0], Y[:0])), r"`x_validation` is empty. Received: shape \(0, 4\)"),
        (lambda: ((X, Y), (X, Y), (np.where(X > 7.8, np.nan, X), Y)), r"`x_test` must be finite.*\(nan\) at row 131"),
        (lambda: ((X, Y), (np.where(X > 7.8, -np.inf, X), Y)), r"`x_validation` must be finite.*\(-inf\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_training(train, parts, message):
    with pytest.raises(ValueError, match=message):
        train(parts())


@pytest.mark.parametrize(
    ("factor", "kind"), [(1e300, "f8"), (1e-300, "f8"), (4e37, "f8"), (4e37, "f4"), (1e-40, "f8"), (1e-40, "f4")]
)
def test_huge_and_tiny_numbers_are_predicted_as_they_were_prepared(factor, kind):
    """Backends replace the least numbers of float32 by 0, and differences of the greatest overflow."""
    x = (X * factor).astype(kind)
    dataset = recipes.load_dataset((x, CLASSES))
    training = Training.of(short(), dataset)
    prepared = dataset.preparation(recipes.load_dataset(((x, CLASSES),) * 3).train[0])
    logits = keras.ops.convert_to_numpy(training.core(prepared))
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    assert expected.std() > 0.1
    np.testing.assert_allclose(recipes.predict(training.serving(), x), expected, rtol=1e-4)
    np.testing.assert_allclose(prepared.std(axis=0), 1, atol=0.2)


@pytest.fixture(scope="module")
def odd(train):
    """A training where much is odd: looks of labels, order of bytes and axes, a constant column, a batch of one row.

    Validation and test part lack classes, and the validation part has one row.
    """
    x, y = np.c_[X, np.full(150, 3.0)], of_classes(*UNICODE, dtype=object)
    x = np.asfortranarray(x.astype(">f8"))
    recipe = short(model={"normalization": "batch"}, fit={"batch_size": 149})
    run = train(((x, y), (x[:1], y[:1]), (x[40:60], y[40:60])), recipe)
    return run, Stored(run), x, y


def test_a_training_on_odd_data_is_reported_by_the_names_that_the_user_gave(odd):
    run, stored, *_ = odd
    assert stored.class_names == UNICODE
    assert [scores["support"] for scores in run.report.classes.values()] == [10, 10, 0]
    assert np.isfinite([run.history[name] for name in ("loss", "val_loss")]).all()


@pytest.mark.extensive
def test_a_training_does_not_depend_on_the_form_of_its_arrays_and_labels(odd, train):
    run, _, x, _ = odd
    plain = np.ascontiguousarray(x.astype(float))
    same = train(((plain, CLASSES), (plain[:1], CLASSES[:1]), (plain[40:60], CLASSES[40:60])), run.recipe)
    for weights, expected in zip(run.model.get_weights(), same.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_rows_of_every_form_are_predicted_alike(odd):
    _, stored, x, y = odd
    expected = recipes.predict(stored, np.ascontiguousarray(x.astype(float)))
    assert expected.shape == (150, 3)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    x = np.where(np.arange(5) == 4, 7.0, x)  # a column that was constant in the training has no part in it
    for name, form in FORMS.items():
        np.testing.assert_array_equal(recipes.predict(stored, form(x)), expected, err_msg=name)
    np.testing.assert_allclose(recipes.predict(stored, x[-1:].astype("float32")), expected[-1:], rtol=1e-4)
    correct = np.mean(expected.argmax(axis=1) == CLASSES)
    for labels in (
        y,
        y.astype(str),
        list(y),
        pandas.Series(y, dtype="category"),
        CLASSES.astype(">u2"),
        np.eye(3)[CLASSES],
    ):
        report = recipes.evaluate(stored, (x, labels))
        assert (report.class_names, report.accuracy) == (UNICODE, pytest.approx(correct))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (lambda x: np.where(x > 7.8, np.nan, x), r"`x` must be finite.* \(nan\) at row 131, column 0"),
        (lambda x: x * 1e300, "beyond float32, the first .*e.300. at row 0, column 0"),
        (lambda x: np.where(x > 7.8, 3e38, x), "outputs are not finite in 1 of 150 rows, the first of them row 131"),
        (lambda x: x.astype(complex), "`x` must hold numbers. Received: complex128"),
        (lambda x: np.ma.array(x, mask=x > 7), "`x` has masked values"),
        (lambda x: x[:0], "`x` is empty"),
        (lambda x: x[:, :3], r"takes rows of shape \(5,\). Received: rows of shape \(3,\)"),
    ],
)
def test_rows_that_cannot_be_predicted_are_refused(odd, x, message):
    _, stored, rows, y = odd
    for score in (recipes.predict, lambda *arguments: recipes.evaluate(arguments[0], (arguments[1], y))):
        with pytest.raises(ValueError, match=message) as error:
            score(stored, x(rows))
        assert "\n" not in str(error.value)


@pytest.fixture
def policy(request):
    """The dtype policy of the backend while a test runs."""
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.extensive
@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ((X[::3], Y[::3]), {"fit": {"batch_size": 1}}),
        (((X[[0, 149]], Y[[0, 149]]), (X[:1], Y[:1]), (X[-1:], Y[-1:])), {}),
        (((MEASURES[:2], PROGRESS[:2]),) * 3, {"data": {"task": "regression"}}),
        ((X[:, :1], Y), {}),
        ((X * 1e300, Y), {}),
        (((X * 1e-40).astype("f4"), Y), {}),
        ((np.r_[X[:-1], 1e25 + X[-1:]], Y), {}),
        ((MEASURES, PROGRESS.astype("f2")), {}),
        ((MEASURES, PROGRESS * 1e32), {"data": {"task": "regression"}}),
        ((MEASURES, PROGRESS * 1e-25), {"data": {"task": "regression"}}),
    ],
)
def test_extreme_data_are_trained_on_and_predicted(train, data, changes):
    run = train(data, short(**changes))
    x = data[0][0] if isinstance(data[0], tuple) else data[0]
    predicted = recipes.predict(run, x)
    assert predicted.shape == (len(x), run.model.output_shape[-1])
    assert predicted.any()
    assert np.isfinite(predicted).all()


@pytest.mark.extensive
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"], indirect=True)
def test_half_precision_keeps_what_it_could_not_hold(train, policy):
    """Raw values, targets and outputs are beyond the largest number of float16, 65,504."""
    run = train((MEASURES * 1e7, PROGRESS * 1e6), short(data={"task": "regression"}))
    predicted = recipes.predict(Stored(run), MEASURES * 1e7)
    assert np.isfinite(predicted).all()
    assert predicted.max() > 65_504


@pytest.mark.parametrize("policy", ["float16", "float64"], indirect=True)
def test_penalties_of_another_precision_than_the_loss_are_refused(policy):
    with pytest.raises(ValueError, match=f"penalties l1 and l2 need weights of float32, .* Received: {policy}"):
        Training.of(short(), recipes.load_dataset((X, Y)))


def test_batches_of_one_row_are_refused_where_they_would_be_normalized_to_0():
    recipe = short(model={"normalization": "batch"}, fit={"batch_size": 1})
    with pytest.raises(
        ValueError, match="fit.batch_size must be at least 2 for the batch normalization 'dense_1_norm'"
    ):
        Training.of(recipe, recipes.load_dataset((X, Y)))


@pytest.mark.extensive
@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd"},
        {"name": "sgd", "global_clipnorm": 1.0},
        {"name": "adam"},
        {"name": "sgd", "global_clipnorm": None, "clipvalue": 1.0},
    ],
    ids=str,
)
def test_a_loss_that_is_not_finite_stops_the_training_and_leaves_no_run(train, tmp_path, optimizer):
    recipe = short(optimizer=optimizer | {"learning_rate": 1e38})
    with pytest.raises(ValueError, match="training diverged: (val_)?loss was not finite in epoch 1; a lower optimizer"):
        recipes.train(recipe, (X, Y), output=tmp_path, pictures=False, verbose=False)
    assert not list(tmp_path.iterdir())


def square_root_of_nothing(dataset):
    """A network whose outputs are finite, and whose gradients are not."""
    inputs = keras.Input(dataset.input_shape)
    cut = keras.ops.sqrt(keras.ops.relu(keras.layers.Dense(3)(inputs) - 1e9))
    return keras.Model(inputs, cut + keras.layers.Dense(3)(inputs))


@pytest.mark.extensive
def test_gradients_that_are_not_finite_are_counted_and_never_reach_the_weights(train):
    run = train((X, Y), short(optimizer={"global_clipnorm": 1.0}), model=square_root_of_nothing)
    assert np.isfinite(np.concatenate([weight.ravel() for weight in run.model.get_weights()])).all()
    assert np.nansum(run.record.nonfinite_steps) > 0
