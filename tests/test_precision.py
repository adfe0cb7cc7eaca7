import keras
import numpy as np
import pytest

import custom_layers
import recipes
from recipes.data.precision import Precision, of_columns, rescale, restore, to_float32
from recipes.data.summary import summarize
from recipes.evaluation.units import in_units_of_model
from recipes.models.outputs import Outputs
from recipes.settings import Data

pandas = pytest.importorskip("pandas")
SHUFFLE = np.random.default_rng(0).permutation(1000)
DRAWN = np.random.default_rng(0)
SECONDS = 1_700_000_000 + SHUFFLE
DAYS = pandas.date_range("2022-04-01", periods=1000).strftime("%Y%m%d").astype(int).to_numpy()


def rescaling_of(values, block=300):
    precision = Precision()
    for start in range(0, len(values), block):
        precision.update(np.asarray(values, np.float64)[start : start + block])
    return precision.rescaling


@pytest.mark.parametrize(
    "values",
    [
        SECONDS,
        np.sort(SECONDS),
        np.r_[0, SECONDS],  # a missing time
        np.r_[SECONDS, np.nan],
        SECONDS * 1000.0,
        DAYS[SHUFFLE],
        19_700 + SHUFFLE / 86_400,  # days, a second apart
        19_700 + SHUFFLE * 1e-3 / 86_400,
        1e12 + SHUFFLE,
        -1e9 - SHUFFLE,
        2**60 + SHUFFLE * 1024,
        1e39 * (1 + SHUFFLE / 1000),  # beyond float32
        DRAWN.normal(0, 1e-50, 1000),
        np.r_[np.full(999, 1.7e9), 1.7e9 + 1],
    ],
)
def test_different_values_stay_different(values):
    rescaling = rescaling_of(values)
    values = values[np.isfinite(values)].astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        assert len(np.unique(values.astype(np.float32))) < len(np.unique(values))
    rows = to_float32(values[:, None], {0: rescaling})[:, 0]
    assert np.isfinite(rows).all()
    assert len(np.unique(rows)) == len(np.unique(values))
    step = np.diff(np.unique(values)).min()
    np.testing.assert_allclose(restore(rows, rescaling)[:1000], values[:1000], rtol=0, atol=max(step / 10, 1e-9))
    assert of_columns(values[:, None]).keys() == {0}


def test_distances_stay_what_they_are():
    # In float32, days are different five minutes apart, but not five minutes apart.
    values = 19_700 + np.arange(1000) * 300 / 86_400
    rows = to_float32(values[:, None], {0: rescaling_of(values)})[:, 0]
    np.testing.assert_allclose(np.diff(rows.astype(np.float64)), 300 / 86_400, rtol=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(1000.0),
        2024 + np.arange(30) % 9,
        DRAWN.normal(5, 2, 100_000),  # float32 merges a few by chance, whatever is subtracted
        DRAWN.normal(100, 1, 1000),
        (36.6 + DRAWN.normal(0, 0.5, 1000)).round(1),
        DRAWN.uniform(32, 42, 20_000).round(2),
        DRAWN.uniform(1, 1e6, 20_000).round(2),
        18_000 + DRAWN.integers(0, 5 * 365 * 86_400, 1000) / 86_400,  # times of five years
        19_700.0 + SHUFFLE,  # whole days
        DRAWN.integers(0, 2**60, 1000),
        np.float32(1e9) + np.arange(1000, dtype=np.float32) * 64,
        np.r_[DRAWN.normal(size=1000), 1e300],  # which is then refused
        np.full(100, 0.1),
        np.full(100, np.nan),
        np.array([np.inf, 1.0, 2.0]),
    ],
)
def test_other_columns_are_left_alone(values):
    assert rescaling_of(values) is None
    if np.isfinite(values).all():
        assert of_columns(np.asarray(values)[:, None]) == {}


def test_whole_numbers_stay_whole_and_few_more_rows_change_nothing():
    offset, unit = rescaling_of(SECONDS)
    assert (offset, unit) == (round(offset), 1)
    assert rescaling_of(np.r_[SECONDS, SECONDS.max() + np.arange(1, 11)]) == (offset, unit)


def test_the_extremes_of_float64_do_not_overflow():
    values = np.array([-1.5e308, 0, 1.5e308])
    rescaling = (0.0, 2.0**1000)
    np.testing.assert_array_equal(restore(rescale(values, rescaling), rescaling), values)


def test_features_of_sequences_are_rescaled_too(tmp_path):
    times = 1_714_730_400 + np.arange(60)[:, None] * 7.0 + np.arange(5)
    x = np.stack([times, np.sin(times)], axis=-1)
    x[::2, 3:] = np.nan  # padding
    settings = Data(kind="sequences")
    dataset = recipes.load_dataset((x, np.arange(60) % 2), settings=settings)
    assert list(dataset.preparation.rescaled) == ["column_0"]
    steps = np.concatenate([part[..., 0].ravel() for part, _ in (dataset.train, dataset.validation, dataset.test)])
    assert len(np.unique(steps[~np.isnan(steps)])) == np.isfinite(x[..., 0]).sum()
    inputs = keras.Input((5, 2))
    layer = custom_layers.SequencePreparation(**dataset.preparation.constants())
    model = keras.Model(inputs, layer(inputs))
    rows = in_units_of_model(Outputs.of(model), x)
    prepared = keras.ops.convert_to_numpy(layer(rows))
    np.testing.assert_allclose(prepared, dataset.preparation(rows), atol=1e-6)
    assert custom_layers.SequencePreparation.from_config(layer.get_config()).rescaled == layer.rescaled
    # From a file with lengths, likewise.
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(60) % 2, lengths=np.isfinite(x[..., 0]).sum(axis=1))
    stored = recipes.load_dataset(tmp_path / "x.npz")
    np.testing.assert_array_equal(stored.train[0], dataset.train[0])
    assert abs(summarize(stored)["features"][0]["mean"] - np.nanmean(times)) < 60
