"""Robust scaling, smooth clipping and parts of dates: in arrays, and alike in the layer of the saved model."""

import keras
import numpy as np
import pyarrow
import pyarrow.csv
import pytest

import custom_layers
import recipes
from recipes.data.preparation import TablePreparation, table_scaling
from recipes.data.preparation.date_parts import PARTS, date_parts
from recipes.models.serving import serving_model
from recipes.settings import Data


def fitted(x, **settings):
    names = tuple("abcdefgh"[: x.shape[1]])
    return TablePreparation.fit(x.astype(np.float32), np.arange(len(x)) % 2, "classification", names, **settings)


def test_robust_scaling_puts_the_median_at_0_and_the_quartiles_1_apart():
    generator = np.random.default_rng(0)
    x = np.c_[generator.exponential(size=999), np.r_[generator.normal(size=989), np.full(10, 1e6)]]
    prepared = fitted(x, scaling="robust")(x)
    low, median, high = np.quantile(prepared, (0.25, 0.5, 0.75), axis=0)
    np.testing.assert_allclose(median, 0, atol=1e-6)
    np.testing.assert_allclose(high - low, 1, atol=1e-6)


def test_a_column_of_mostly_one_value_is_scaled_by_half_of_its_range():
    x = np.c_[np.r_[np.zeros(90), np.full(10, 8.0)], np.full(100, 3.0), np.arange(100)]
    preparation = fitted(x, scaling="robust")
    np.testing.assert_array_equal(np.unique(preparation(x)[:, 0]), [0, 2])
    assert preparation.left_out == {"b": "constant"}


def test_missing_numbers_are_at_the_median():
    x = np.array([[1.0, 2.0, np.nan, 10.0, 3.0]]).T
    assert fitted(x, scaling="robust").mean[0] == 2.5
    assert fitted(x, scaling="robust", smooth_clip=3)(x)[2].tolist() == [0.0, 1.0]  # and the mark of a missing number


def test_quartiles_of_very_many_rows_are_those_of_a_sample(monkeypatch):
    x = np.random.default_rng(0).exponential(size=(30_000, 2)).astype(np.float32)
    whole = fitted(x, scaling="robust")
    monkeypatch.setattr(table_scaling, "MOST_ROWS_OF_QUANTILES", 5_000)
    part, again = fitted(x, scaling="robust"), fitted(x, scaling="robust")
    np.testing.assert_array_equal(part.mean, again.mean)
    np.testing.assert_allclose(part.mean, whole.mean, rtol=0.1)
    np.testing.assert_allclose(part.scale, whole.scale, rtol=0.1)
    assert (part.mean != whole.mean).all()


def test_smooth_clipping_keeps_small_numbers_and_bounds_outliers():
    x = np.r_[np.linspace(-1, 1, 99), 1e30][:, None]
    plain, clipped = (fitted(x, scaling="robust", smooth_clip=bound)(x) for bound in (None, 3))
    np.testing.assert_allclose(clipped[:99], plain[:99] / np.sqrt(1 + (plain[:99] / 3) ** 2), rtol=1e-5)
    assert clipped[99] == pytest.approx(3)
    assert (np.diff(clipped[:, 0]) > 0).all()


@pytest.mark.backend
def test_the_layer_clips_huge_numbers_and_passes_missing_ones_on():
    layer = custom_layers.SmoothClip(bound=2)
    found = np.asarray(layer(np.array([0.0, 1.0, 1e38, -np.inf, np.nan], np.float32)))
    np.testing.assert_allclose(found, [0, 1 / np.sqrt(1.25), 2, -2, np.nan], rtol=1e-6)
    assert custom_layers.SmoothClip.from_config(layer.get_config()).bound == 2


@pytest.mark.parametrize("bound", [0, -1.0, float("inf"), float("nan")])
def test_bounds_that_are_none_are_refused(bound):
    with pytest.raises(ValueError, match="`bound` must be more than 0 and finite. Received: "):
        custom_layers.SmoothClip(bound)
    with pytest.raises(ValueError, match="data.smooth_clip must be more than 0 and finite. Received: "):
        Data(smooth_clip=bound)


@pytest.mark.parametrize("settings", [{"scaling": "robust"}, {"smooth_clip": 3}])
def test_scaling_of_tables_is_refused_for_images(settings):
    images = np.zeros((20, 4, 4), np.uint8), np.arange(20) % 2
    with pytest.raises(ValueError, match=r"data\.(scaling|smooth_clip) is for tables. Received: .* for images"):
        recipes.load_dataset(images, settings=Data(**settings))


def days(*texts):
    return np.array(texts, "datetime64[s]").astype(np.int64) / 86_400


@pytest.mark.backend
def test_parts_of_dates_are_those_of_the_calendar():
    # Each day of 330 years, and each hour of 3.
    hours = np.arange(19_000 * 24, 20_000 * 24)
    every = np.r_[np.arange(-60_000, 60_000), hours / 24].astype(np.float32)
    whole = np.r_[np.arange(-60_000, 60_000), hours // 24]
    expected = {
        "year": whole.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": whole.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1,
        "weekday": (whole + 3) % 7,
        "hour": np.r_[np.zeros(120_000), hours % 24],
    }
    in_arrays, in_layer = date_parts(every), np.asarray(custom_layers.DateParts()(every))
    for number, part in enumerate(PARTS):
        np.testing.assert_array_equal(in_arrays[part], expected[part])
        np.testing.assert_array_equal(in_layer[:, number], expected[part])


@pytest.mark.backend
def test_an_offset_keeps_minutes_apart():
    offset, unit = 20_000.25, 0.5
    value = (days("2024-10-04T23:59", "2024-10-05T00:00", "2024-10-05T13:00", "2024-10-05T12:59") - offset) / unit
    found = date_parts(value.astype(np.float32), (offset, unit))
    assert found["hour"].tolist() == [23, 0, 13, 12]
    assert found["weekday"].tolist() == [4, 5, 5, 5]
    layer = custom_layers.DateParts(["hour", "weekday"], offset, unit)
    np.testing.assert_array_equal(np.asarray(layer(value.astype(np.float32))), np.c_[found["hour"], found["weekday"]])
    assert custom_layers.DateParts.from_config(layer.get_config()).get_config() == layer.get_config()


def test_unknown_parts_are_refused():
    with pytest.raises(ValueError, match="`parts` must be among year, month, weekday, hour. Received: "):
        custom_layers.DateParts(["minute"])
    with pytest.raises(ValueError, match="parts of dates must be among year, month, weekday, hour. Received: "):
        custom_layers.TablePreparation(["a"], [0.0], [1.0], dates=["a"], date_parts={"a": {"minute": [0, 1]}})


def table(rows=200):
    """Rentals on days of two years, with days missing, beside a time of day and a number with outliers."""
    generator = np.random.default_rng(0)
    start = np.datetime64("2023-01-01", "m")
    day = (start + generator.integers(0, 730, rows).astype("m8[D]")).astype("datetime64[D]").astype(object)
    moment = start + generator.integers(0, 700_000, rows).astype("m8[m]")
    return pyarrow.table({
        "day": pyarrow.array([None if number % 10 == 0 else one for number, one in enumerate(day)], pyarrow.date32()),
        "moment": pyarrow.array(moment.astype("datetime64[s]")),
        "price": generator.standard_cauchy(rows),
        "rented": np.where(moment.astype("datetime64[h]").astype(int) % 24 > 12, "yes", "no"),
    })  # fmt: skip


def test_dates_become_parts_beside_their_number_and_those_that_do_not_vary_are_left_out():
    dataset = recipes.load_dataset(table(), target="rented")
    parts = {name: list(found) for name, found in dataset.preparation.date_parts.items()}
    assert parts == {"day": ["year", "month", "weekday"], "moment": ["year", "month", "weekday", "hour"]}
    x, _ = dataset.prepared("train")
    assert dataset.numbers == 3 + 7
    assert x.shape[1] == dataset.numbers + 1  # the mark of a missing day
    np.testing.assert_allclose(x[:, :10].mean(axis=0), 0, atol=1e-4)
    assert recipes.load_dataset(table(), target="rented", settings=Data(date_parts=False)).numbers == 3


@pytest.mark.backend
def test_the_saved_model_prepares_rows_and_files_as_the_arrays_were(tmp_path):
    settings = Data(scaling="robust", smooth_clip=3)
    dataset = recipes.load_dataset(table(), target="rented", settings=settings)
    core = keras.Sequential([keras.Input(dataset.input_shape), keras.layers.Dense(1)])
    serving_model(core, dataset).save(tmp_path / "model.keras")
    model = recipes.load_model(tmp_path / "model.keras")
    prepared, _ = dataset.prepared("test")
    np.testing.assert_allclose(np.asarray(model.get_layer("preparation")(dataset.test[0])), prepared, atol=2e-5)
    pyarrow.csv.write_csv(table().drop_columns("rented"), tmp_path / "rows.csv")
    x = np.concatenate([getattr(dataset, part)[0] for part in ("train", "validation", "test")])
    found = recipes.predict(model, tmp_path / "rows.csv")
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(recipes.predict(model, x), axis=0), atol=1e-5)
