import warnings

import numpy as np
import pyarrow
import pytest

import recipes
from recipes.arguments.labels import encode_labels
from recipes.data.loading import read_source
from recipes.data.tables import csv_file
from recipes.data.tables.matrix import ModelColumns, encode_rows, read_tables
from recipes.data.tables.table import from_frame
from recipes.settings import Data

pandas = pytest.importorskip("pandas")
ROWS = 400


@pytest.fixture(scope="module")
def frame():
    """Columns of every kind; the target depends on a number, a category and a category of many kinds."""
    generator = np.random.default_rng(0)
    width, color = generator.normal(5, 2, ROWS), generator.choice(["red", "green", "blue"], ROWS)
    shop = generator.integers(0, 25, ROWS)
    return pandas.DataFrame(
        {
            "width": np.where(generator.random(ROWS) < 0.1, np.nan, width),
            "color": pandas.Series(color).mask(generator.random(ROWS) < 0.1),
            "shop": [f"shop {number}" for number in shop],
            "new": generator.random(ROWS) < 0.5,
            "sold": pandas.Timestamp("2024-01-01") + pandas.to_timedelta(np.arange(ROWS), unit="D"),
            "country": "Italy",
            "code": [f"{number:04}x" for number in range(ROWS)],
            "good": np.where((width > 5) ^ (color == "red") ^ (shop % 2 == 0), "yes", "no"),
        }
    )


def test_every_kind_of_column_is_understood(frame):
    dataset = recipes.load_dataset(frame, target="good")
    preparation = dataset.preparation
    assert dataset.feature_names == ("width", "color", "shop", "new", "sold", "country", "code")
    assert dataset.class_names == ("no", "yes")
    assert preparation.indicators == ("width",)
    assert preparation.vocabularies["color"] == ("", "blue", "green", "red")
    assert preparation.dates == ("sold",)
    assert preparation.left_out == {"country": "constant", "code": "most of its texts occur only once"}
    assert dataset.embedded == (len(preparation.vocabularies["shop"]) + 1,)
    # width, new, sold; year, month and weekday of sold; whether width is missing; four kinds of color; the code of shop
    assert dataset.input_shape == (3 + 3 + 1 + 4 + 1,)
    assert "note: left out, constant: country" in dataset.describe()


def test_prepared_rows_are_scaled_marked_and_coded(frame):
    dataset = recipes.load_dataset(frame, target="good")
    raw, (x, _) = dataset.train[0], dataset.prepared("train")
    missing = np.isnan(raw[:, 0])
    assert missing.any()
    assert (x[missing, 0] == 0).all()
    np.testing.assert_allclose(x[~missing, 0].std(), 1, atol=1e-5)
    np.testing.assert_array_equal(x[:, 6], missing)
    np.testing.assert_array_equal(x[:, 7:11].argmax(axis=1) + 1, raw[:, 1])
    np.testing.assert_array_equal(x[:, 11], raw[:, 2])


def test_a_file_has_the_contents_of_the_frame_it_was_written_from(frame, tmp_path):
    frame.to_csv(tmp_path / "sales.csv", index=False)
    from_file, from_memory = (
        recipes.load_dataset(data, target="good") for data in (str(tmp_path / "sales.csv"), frame)
    )
    assert from_file.name == "sales"
    assert from_file.preparation.constants() == from_memory.preparation.constants()
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(from_file.prepared(part)[0], from_memory.prepared(part)[0])
        np.testing.assert_array_equal(getattr(from_file, part)[1], getattr(from_memory, part)[1])


def test_targets_may_stand_beside_the_frame(frame):
    beside = recipes.load_dataset((frame.drop(columns="good"), frame["good"]))
    assert beside.target_name == "good"
    np.testing.assert_array_equal(
        beside.prepared("test")[0], recipes.load_dataset(frame, target="good").prepared("test")[0]
    )
    parts = recipes.load_dataset(
        ((frame.drop(columns="good"), frame["good"]), (frame[:50].drop(columns="good"), frame["good"][:50]))
    )
    assert len(parts.validation[1]) == 50


def test_arrow_tables_are_frames_too(frame):
    import pyarrow

    arrow = recipes.load_dataset(pyarrow.table(frame), target="good")
    np.testing.assert_array_equal(
        arrow.prepared("train")[0], recipes.load_dataset(frame, target="good").prepared("train")[0]
    )


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        (np.arange(ROWS) % 3, "classification", ("0", "1", "2")),
        (np.arange(ROWS) % 2 == 0, "classification", ("False", "True")),
        (np.arange(ROWS) / 7, "regression", None),
        ((np.arange(ROWS) * 7919) % 100_003, "regression", None),
        (pandas.Categorical(["a", "b"] * (ROWS // 2)), "classification", ("a", "b")),
    ],
)
def test_the_task_is_read_off_the_target_column(frame, tmp_path, target, task, classes):
    frame = frame[["width", "color"]].assign(target=target)
    frame.to_csv(tmp_path / "t.csv", index=False)
    for data in (frame, tmp_path / "t.csv"):
        dataset = recipes.load_dataset(data, target="target")
        assert (dataset.task, dataset.class_names) == (task, classes)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["00501", "00502", "501"], ("501", "00501", "00502")),
        (["2134", "02134"], ("2134", "02134")),
        ([f"1000000000000000{number}" for number in range(1, 5)], [f"1000000000000000{n}" for n in range(1, 5)]),
        ([str(2**64 + number) for number in range(2)], (str(2**64), str(2**64 + 1))),
        (["10", "9", "0"], ("0", "9", "10")),
        (["1.0", "2.0"], ("1", "2")),
        (["TRUE", "False", "true", "FALSE"], ("False", "True")),
    ],
)
def test_labels_keep_their_text(tmp_path, labels, classes):
    rows = pandas.DataFrame({"x": np.random.default_rng(0).normal(size=120), "y": labels * (120 // len(labels))})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    dataset = recipes.load_dataset(tmp_path / "rows.csv", target="y")
    assert dataset.class_names == tuple(classes)
    # The order of the rows is kept within a part, and x tells which row it is.
    x, y = dataset.train
    expected = dict(zip(rows["x"].astype(np.float32), rows["y"], strict=True))
    assert {value: dataset.class_names[number] for value, number in zip(x[:, 0], y, strict=True)} == {
        value: {"1.0": "1", "2.0": "2", "TRUE": "True", "true": "True", "FALSE": "False"}.get(text, text)
        for value, text in expected.items()
        if value in x[:, 0]
    }


def test_whole_numbers_of_many_kinds_are_numbers_to_predict_up_to_the_last_digit(tmp_path):
    y = 10**16 + np.arange(200) * 3
    pandas.DataFrame({"x": np.arange(200.0), "y": y}).to_csv(tmp_path / "rows.csv", index=False)
    table = csv_file.open_csv(tmp_path / "rows.csv")
    source = read_tables({"all": table}, Data(target="y"), "rows")
    assert source.parts["all"][1].tolist() == y.tolist()
    assert recipes.load_dataset(tmp_path / "rows.csv", target="y").task == "regression"


def containers(frame, path):
    """The rows of `frame` in a file, as pandas reads it, and in Arrow."""
    frame.to_csv(path, index=False)
    read = pandas.read_csv(path)
    return [csv_file.open_csv(path), from_frame(read), from_frame(pyarrow.Table.from_pandas(read))]


def with_gaps(frame, path):
    """The same, with a further row without values, for which pandas makes floats of whole numbers."""
    read = pandas.read_csv(path)
    gaps = pandas.concat([read, pandas.DataFrame({name: [np.nan] for name in read})], ignore_index=True)
    gaps.to_csv(path.with_name("gaps.csv"), index=False)
    return [from_frame(gaps), csv_file.open_csv(path.with_name("gaps.csv"))]


def test_a_category_is_the_same_in_every_container(tmp_path):
    rows = pandas.DataFrame(
        {
            "code": [100, 200, 300] * 20, "zip": ["00501", "02134", "12345"] * 20, "half": [0.5, 1.5, 2.0] * 20,
            "truth": ["TRUE", "FALSE", "TRUE"] * 20, "x": np.arange(60.0), "y": ["a", "b"] * 30,
        }
    )  # fmt: skip
    categorical = ("code", "zip", "half", "truth")
    settings = Data(target="y", categorical=categorical)
    alike = containers(rows, tmp_path / "rows.csv")
    for trained in alike:
        source = read_tables({"all": trained}, settings, "rows")
        codes = source.parts["all"][0][:, :4]
        assert codes.min() == 1
        for table in (*alike, *with_gaps(rows, tmp_path / "rows.csv")):
            x, _ = encode_rows(table, ModelColumns(source.feature_names, source.vocabularies), known=["y"])
            np.testing.assert_array_equal(x[:60, :4], codes, err_msg=f"{trained.where} {table.where}")


@pytest.mark.parametrize("labels", [["TRUE", "FALSE"], [0, 1], ["00501", "00502"], [1.0, 2.0]])
def test_labels_are_found_in_every_container(tmp_path, labels):
    rows = pandas.DataFrame({"x": np.arange(60.0), "y": labels * 30})
    alike = containers(rows, tmp_path / "rows.csv")
    for data in (tmp_path / "rows.csv", pandas.read_csv(tmp_path / "rows.csv")):
        source, _ = read_source(data, Data(target="y"), 0)
        for table in alike:
            _, y = encode_rows(table, ModelColumns(["x"]), target="y")
            np.testing.assert_array_equal(encode_labels(y, source.class_names)[0], source.parts["all"][1])


def stamped(rows=300):
    """Rows of one minute, as seconds since 1970 and as dates, and a column that float32 holds."""
    seconds = 1_714_730_400 + np.arange(rows) / 5
    return pandas.DataFrame(
        {
            "seconds": seconds, "date": pandas.to_datetime(np.round(seconds * 1e6).astype("int64"), unit="us"),
            "width": np.random.default_rng(0).normal(size=rows).round(3), "y": ["a", "b"] * (rows // 2),
        }
    )  # fmt: skip


def test_times_that_float32_would_merge_stay_different(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 4096)
    frame = stamped()
    tables_of_all = containers(frame, tmp_path / "rows.csv")
    dataset = recipes.load_dataset(frame, target="y")
    assert list(dataset.preparation.rescaled) == ["seconds", "date"]
    assert "shifted in float64, since float32 would merge different values: seconds, date" in dataset.notes
    x = np.concatenate([x for x, _ in (dataset.train, dataset.validation, dataset.test)])
    assert [len(np.unique(column)) for column in x.T[:2]] == [300, 300]
    prepared, _ = dataset.prepared("train")
    np.testing.assert_allclose(prepared[:, 0], prepared[:, 1], atol=1e-4)
    np.testing.assert_allclose(prepared.std(axis=0), 1, atol=1e-5)
    # Alike from every container, in training and in prediction.
    for table in tables_of_all:
        source = read_tables({"all": table}, Data(target="y"), "rows")
        assert source.rescaled.keys() == {"seconds", "date"}
        columns = ModelColumns(source.feature_names, dates=source.dates, rescaled=source.rescaled)
        for other in tables_of_all:
            x, _ = encode_rows(other, columns, known=["y"])
            np.testing.assert_array_equal(x, source.parts["all"][0])


def test_values_beyond_float32_are_rescaled_where_they_then_stay_different(tmp_path):
    frame = pandas.DataFrame({"large": 1e39 + np.arange(60) * 1e37, "y": ["a", "b"] * 30})
    x, _ = recipes.load_dataset(frame, target="y").train
    assert len(np.unique(x)) == len(x)
    frame.loc[7, "large"] = 1e300
    with pytest.raises(ValueError, match="column 'large' .* infinite or beyond float32, the first at row 0"):
        recipes.load_dataset(frame, target="y")
    frame = frame.assign(large=np.arange(60.0) % 7)
    frame.loc[9, "large"] = 1e300
    with pytest.raises(ValueError, match="1 values are infinite or beyond float32, the first at row 9"):
        recipes.load_dataset(frame, target="y")


def test_columns_that_float32_holds_are_not_touched(frame):
    assert recipes.load_dataset(frame, target="good").preparation.rescaled == {}
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        assert recipes.load_dataset(name).preparation.rescaled == {}


def test_a_class_may_be_called_by_what_usually_means_missing(tmp_path):
    rows = pandas.DataFrame({"x": np.arange(60.0), "color": ["None", "red", "?"] * 20, "y": ["NA", "b"] * 30})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(ValueError, match=r"30 missing values, the first at row 0: .* \(data.kept_classes: \[NA\]\)"):
        recipes.load_dataset(tmp_path / "rows.csv", target="y")
    for data in (tmp_path / "rows.csv", rows):
        dataset = recipes.load_dataset(data, settings=Data(target="y", kept_classes=("na",)))
        assert dataset.class_names == ("NA", "b")
        assert dataset.preparation.vocabularies["color"] == ("", "red")
    _, y = encode_rows(from_frame(rows), ModelColumns(["x"]), Data(kept_classes=("NA",)), target="y", known=["color"])
    assert y[:2].tolist() == ["NA", "b"]


def test_columns_can_be_ignored_and_called_categories(frame):
    frame = frame[["width", "good"]].assign(zip=np.arange(ROWS) % 5 + 1000, row=np.arange(ROWS))
    dataset = recipes.load_dataset(frame, settings=Data(target="good", ignore=("row",), categorical=("zip",)))
    assert dataset.feature_names == ("width", "zip")
    assert dataset.preparation.vocabularies == {"zip": ("1000", "1001", "1002", "1003", "1004")}


def test_columns_that_say_nothing_are_left_out_with_the_reason(frame, tmp_path):
    rows = frame[["width", "good", "country"]].assign(none=np.nan, row=np.arange(ROWS)[::-1] + 7)
    rows.to_csv(tmp_path / "rows.csv")
    for data, index in ((rows, []), (tmp_path / "rows.csv", ["Unnamed: 0"])):
        dataset = recipes.load_dataset(data, target="good")
        counting = [*index, "row"]
        assert {name for name, why in dataset.preparation.left_out.items() if "the rows" in why} == set(counting)
        assert dataset.preparation.left_out["none"] == "no value in any row"
        assert dataset.preparation.left_out["country"] == "constant"
    note = "note: left out, counts or names the rows (data.keep: ['Unnamed: 0', row] keeps them): Unnamed: 0, row"
    assert note in dataset.describe()
    kept = recipes.load_dataset(rows, settings=Data(target="good", keep=("row",)))
    assert kept.preparation.left_out.keys() == {"none", "country"}
    # Left to itself, it is what there is to learn from.
    assert recipes.load_dataset(rows[["row", "good"]], target="good").preparation.left_out == {}


@pytest.fixture(scope="module")
def written(frame):
    """Numbers and dates as people write them."""
    width, sold = frame["width"].fillna(3), frame["sold"]
    return pandas.DataFrame(
        {
            "comma": [f"{value:.1f}".replace(".", ",") for value in width],
            "dollar": [f"${1000 * abs(value):,.0f}" for value in width],
            "share": [f"{value:.1f}%" for value in width],
            "kg": [f"{value:.1f} kg" for value in width],
            "open": [f"{20_000 + 1000 * value:,.0f}" for value in width],
            "day": sold.dt.strftime("%d/%m/%Y"),
            "nanoseconds": sold.dt.strftime("%Y-%m-%d 12:00:00.000000001"),
            "utc": sold.dt.strftime("%Y-%m-%dT12:00:00 UTC"),
            "time": [f"{row % 24}:30" for row in range(ROWS)],
            "good": frame["good"],
        }
    )


def test_numbers_and_dates_are_read_as_people_write_them(frame, written, tmp_path):
    written.to_csv(tmp_path / "written.csv", index=False)
    from_file, from_memory = (recipes.load_dataset(data, target="good") for data in (tmp_path / "written.csv", written))
    np.testing.assert_array_equal(from_file.train[0], from_memory.train[0])
    assert from_file.preparation.formats == from_memory.preparation.formats
    assert from_file.preparation.vocabularies.keys() == {"open"}
    assert from_file.preparation.dates == ("day", "nanoseconds", "utc")
    notes = from_file.notes
    assert "column 'open' is taken as text, but looks like numbers with a comma such as '2" in notes[0]
    assert "data.thousands: ',' (or data.decimal: ',') reads them" in notes[0]
    assert "read as numbers with the unit 'kg': kg (such as '" in "\n".join(notes)
    assert "read as dates with the day first: day (such as '13/01/2024')" in notes
    decided = recipes.load_dataset(written, settings=Data(target="good", thousands=","))
    assert decided.preparation.formats["open"] == {"thousands": ","}
    assert decided.preparation.formats["comma"] == {"decimal": ","}


def test_rows_to_predict_are_read_as_those_of_training(frame, written):
    layer = recipes.load_dataset(written, target="good").preparation
    columns = ModelColumns(layer.feature_names, layer.vocabularies, layer.dates, formats=layer.formats)

    def rows(**changes):
        table = from_frame(written.drop(columns="good").assign(**changes))
        return encode_rows(table, columns)[0]

    expected = rows()
    assert not np.isnan(expected).any()
    plain = {
        "kg": written["kg"].str.removesuffix(" kg").astype(float),
        "day": frame["sold"],
        "time": pandas.to_timedelta("0:" + written["time"].str.replace("24", "0")) * 60,
    }
    np.testing.assert_allclose(rows(**plain), expected, rtol=1e-6)
    for change, message in (
        ({"kg": "12 lb"}, "'kg' .* holds numbers with the unit 'kg', but 400 of its 400 .* the first '12 lb' at row 0"),
        ({"comma": "1.5"}, "'comma' of the frame holds numbers with a decimal comma, but 400"),
        ({"day": "12/31/2024"}, "'day' of the frame holds dates with the day first, but 400"),
        ({"utc": "soon"}, "'utc' of the frame holds dates, but 400"),
    ):
        with pytest.raises(ValueError, match=message):
            rows(**change)


@pytest.mark.parametrize(
    ("column", "holds"), [("kg", "numbers with the unit 'kg'"), ("day", "dates with the day first")]
)
def test_stray_values_are_reported(written, column, holds):
    written = written.assign(**{column: written[column].mask(written.index % 50 == 7, "n.k.")})
    message = rf"'{column}' .* holds {holds}, but 8 of its 400 values .* 'n.k.' at row 7: .* \(data.missing: \[n.k.\]"
    with pytest.raises(ValueError, match=message):
        recipes.load_dataset(written, target="good")
    settings = Data(target="good", missing=("n.k.",))
    assert recipes.load_dataset(written, settings=settings).preparation.indicators[-1:] == (column,)


def test_a_target_is_read_as_people_write_it(written):
    dataset = recipes.load_dataset(written, target="dollar")
    assert (dataset.task, dataset.preparation.formats["dollar"]) == ("regression", {"thousands": ",", "unit": "$"})
    table = from_frame(written[["comma", "dollar"]])
    _, y = encode_rows(table, ModelColumns(["comma"], formats=dataset.preparation.formats), target="dollar")
    assert y[0] == float(written["dollar"][0].replace("$", "").replace(",", ""))
    with pytest.raises(ValueError, match="the target 'open' of the frame looks like numbers with a comma .*thousands"):
        recipes.load_dataset(written, target="open")
    # Names of classes rather than measures.
    dataset = recipes.load_dataset(written.assign(good=np.where(np.arange(ROWS) % 2, "3D", "2D")), target="good")
    assert dataset.class_names == ("2D", "3D")


def test_further_texts_may_mean_missing(frame):
    frame = frame[["good"]].assign(age=["unknown" if row % 50 == 0 else str(row) for row in range(ROWS)])
    with pytest.raises(
        ValueError, match=r"holds numbers, but 8 of its 400 values are text, the first 'unknown' at row 0"
    ):
        recipes.load_dataset(frame, target="good")
    assert recipes.load_dataset(frame, settings=Data(target="good", missing=("Unknown",))).preparation.indicators == (
        "age",
    )


def test_categories_are_learnt_from_the_training_part_alone(frame):
    rows = frame[["color", "width", "good"]]
    strange = rows[:40].assign(color="purple")
    dataset = recipes.load_dataset(
        ((rows.drop(columns="good"), rows["good"]), (strange.drop(columns="good"), strange["good"]))
    )
    assert "purple" not in dataset.preparation.vocabularies["color"]
    assert (dataset.validation[0][:, 0] == 0).all()


def test_a_category_that_occurs_once_counts_as_unseen(frame):
    rows = frame[["color", "width", "good"]].copy()
    rows.loc[7, "color"] = "purple"
    pairs = (rows.drop(columns="good"), rows["good"])
    dataset = recipes.load_dataset((pairs, (pairs[0][:40], pairs[1][:40]), (pairs[0][:40], pairs[1][:40])))
    assert dataset.train[0][7, 0] == 0
    assert dataset.preparation.vocabularies["color"] == ("", "blue", "green", "red")


def test_own_files_for_validation_and_test(frame, tmp_path):
    for name, part in (("train", frame[:300]), ("later", frame[300:].iloc[:, ::-1])):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    settings = Data(target="good", test_file=str(tmp_path / "later.csv"))
    dataset = recipes.load_dataset(tmp_path / "train.csv", settings=settings)
    assert [len(getattr(dataset, part)[1]) for part in ("train", "validation", "test")] == [270, 30, 100]
    settings = Data(target="good", test_file=str(tmp_path / "later.csv"), validation_file=str(tmp_path / "later.csv"))
    dataset = recipes.load_dataset(tmp_path / "train.csv", settings=settings)
    assert [len(getattr(dataset, part)[1]) for part in ("train", "validation", "test")] == [300, 100, 100]
    assert "split as given" in dataset.describe()
    frame[300:].drop(columns=["width", "color"]).assign(breadth=1).to_csv(tmp_path / "later.csv", index=False)
    with pytest.raises(ValueError, match=r"later.csv lacks 2 columns: width, color; it has breadth instead"):
        recipes.load_dataset(tmp_path / "train.csv", settings=settings)


def test_groups_stay_together(frame):
    dataset = recipes.load_dataset(frame, settings=Data(target="good", group_column="shop"))
    assert "shop" not in dataset.feature_names
    assert "split by group, seed 0" in dataset.describe()
    sold = dataset.feature_names.index("sold")
    shop_of_day = dict(zip(range(ROWS), frame["shop"], strict=True))
    first = (frame["sold"][0] - pandas.Timestamp("1970-01-01")).days
    shops = [
        {shop_of_day[int(day) - first] for day in getattr(dataset, part)[0][:, sold]}
        for part in ("train", "validation", "test")
    ]
    assert sum(map(len, shops)) == frame["shop"].nunique()


def test_the_latest_rows_are_the_test(frame):
    shuffled = frame.assign(row=np.arange(ROWS) / 2).sample(frac=1, random_state=0)
    dataset = recipes.load_dataset(shuffled, settings=Data(target="good", time_column="sold"))
    row = dataset.feature_names.index("row")
    parts = [getattr(dataset, part)[0][:, row] * 2 for part in ("train", "validation", "test")]
    assert [sorted(part.astype(int)) for part in parts] == [
        list(range(280)),
        list(range(280, 320)),
        list(range(320, 400)),
    ]


def test_groups_and_times_of_arrays_are_columns_by_number():
    x, y = np.random.default_rng(0).normal(size=(90, 3)), np.arange(90) % 2
    x[:, 1] = np.arange(90) // 10
    dataset = recipes.load_dataset((x, y), settings=Data(group_column="column_1"))
    assert dataset.feature_names == ("column_0", "column_2")
    assert [len(part[1]) for part in (dataset.train, dataset.validation, dataset.test)] == [60, 10, 20]
    with pytest.raises(ValueError, match=r"unknown column for data.time_column: 'column_3'"):
        recipes.load_dataset((x, y), settings=Data(time_column="column_3"))


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda f: f, {}, "which column of the frame is to be predicted"),
        (lambda f: f, {"target": "god"}, "unknown column for data.target of the frame: 'god': did you mean 'good'"),
        (lambda f: f, {"target": "good", "ignore": ("colour",)}, "'colour': did you mean 'color'"),
        (lambda f: f, {"target": "good", "group_column": "shops"}, "'shops': did you mean 'shop'"),
        (lambda f: f.assign(width=np.where(f.width > 9, np.inf, f.width)), {}, "column 'width' .* values are infinite"),
        (lambda f: f[["code", "good"]], {}, r"no column is left .* \(code: most of its texts occur only once\)"),
        (lambda f: f.assign(good="yes"), {}, "there is only one class, 'yes'"),
        (lambda f: f.assign(good=f.good.mask(f.index == 3)), {}, "1 missing values, the first at row 3"),
        (lambda f: f.assign(good=f.good.mask(f.index < 2, "maybe")), {}, "class 'maybe' has 2 rows"),
        (lambda f: f.assign(good=f.code), {}, "'good' looks like an identifier: it has 400 different values"),
        (lambda f: f.assign(good=np.arange(ROWS) + 17), {}, "looks like an identifier: .* such as '17' and '416'"),
        (lambda f: f.assign(good=f.sold), {}, "the target 'good' of the frame holds dates"),
        (lambda f: f[["good"]], {}, "has no column besides the target"),
        (lambda f: f[:0], {}, "the frame has no rows"),
        (lambda f: f.assign(good=f.good), {"time_column": "color"}, "data.time_column 'color' .* missing values"),
        (lambda f: f, {"time_column": "shop"}, "data.time_column must hold numbers or dates .* Received: 'shop"),
        (lambda f: f, {"group_column": "country"}, "the group column has 1 groups: splitting .* needs at least 3"),
        (lambda f: f, {"time_column": "country"}, "must hold numbers or dates"),
        (lambda f: f.assign(width=[[1]] * ROWS), {}, "column 'width' of the frame must hold numbers, texts or dates"),
        (lambda f: f, {"task": "regression"}, "regression needs numbers as targets. Received: 'no', 'yes'"),
        (lambda f: f, {"group_column": "shop", "time_column": "sold"}, "only one of data.group_column and"),
        (lambda f: f, {"image_size": (8, 8)}, r"data.image_size is for images. Received: \(8, 8\) for a table"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_trained_on_are_reported_in_one_line(frame, change, settings, message):
    if settings is not None and "target" not in settings and message[:5] != "which":
        settings = {"target": "good", **settings}
    with pytest.raises(ValueError, match=message) as error:
        recipes.load_dataset(change(frame), settings=Data(**settings))
    assert "\n" not in str(error.value)


def test_mixed_values_in_a_frame_are_reported_like_those_of_a_file(frame):
    mixed = frame[["good"]].assign(age=pandas.Series([*range(ROWS - 1), "old"], dtype=object))
    with pytest.raises(ValueError, match="1 of its 400 values are text, the first 'old' at row 399"):
        recipes.load_dataset(mixed, target="good")


def test_surplus_columns_are_named_and_passed_over(frame):
    table = from_frame(frame[["width", "good"]].assign(more=1))
    with pytest.warns(UserWarning, match="the frame: passed over 1 surplus column: more"):
        x, y = encode_rows(table, ModelColumns(["width"]), target="good")
    assert (x.shape, set(y)) == ((ROWS, 1), {"no", "yes"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode_rows(table, ModelColumns(["width"]), known=("good", "more"))


def test_a_large_table_lies_on_the_disk_and_is_split_there(frame, monkeypatch):
    from recipes.data import store

    whole = recipes.load_dataset(frame, target="good")
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(store, "CHUNK_BYTES", 500)
    large = recipes.load_dataset(frame, target="good")
    assert store.is_on_disk(large.train[0])
    np.testing.assert_allclose(large.preparation.mean, whole.preparation.mean)
    np.testing.assert_allclose(large.preparation.scale, whole.preparation.scale)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(large, part)[0], getattr(whole, part)[0])


def test_a_target_of_too_many_texts_is_an_identifier(frame, monkeypatch):
    from recipes.data.tables import column_values

    monkeypatch.setattr(column_values, "MOST_CATEGORIES", 100)
    with pytest.raises(
        ValueError, match="the target 'code' .* looks like an identifier: it has 100 different texts or more"
    ):
        recipes.load_dataset(frame[["width", "code"]], target="code")
