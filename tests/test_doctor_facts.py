import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from recipes.doctor.facts.blocks import Moments
from recipes.doctor.facts.inputs import input_facts
from recipes.doctor.facts.rows import data_facts
from recipes.doctor.facts.targets import class_numbers, target_facts

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("y", "form", "classes"),
    [
        (load_digits().target, "labels", 10),
        (load_iris().target.astype("float32"), "labels", 3),
        (load_iris().target[:, None].astype("uint8"), "labels", 3),
        (load_breast_cancer().target, "binary", 2),
        (load_breast_cancer().target[:, None].astype(bool), "binary", 2),
        (np.eye(3)[load_wine().target], "one_hot", 3),
        (np.eye(3, dtype="float32")[load_wine().target] * 0.9 + 0.1 / 3, "one_hot", 3),
        (RNG.integers(0, 2, (50, 5)), "multi_label", 5),
        (RNG.integers(0, 2, (50, 3, 3, 1)).astype("float32"), "multi_label", 1),
        (RNG.integers(0, 4, (50, 8, 8)), "labels", 4),
        (np.zeros(20, "int32"), "binary", 2),
        (load_diabetes().target, "numbers", 0),
        (load_diabetes().target.astype(int), "numbers", 0),
        (RNG.poisson(15, 1000).astype("float32"), "numbers", 0),
        (RNG.poisson(2, 1000).astype("float32"), "numbers", 0),
        (RNG.choice([-1, 1], 100), "numbers", 0),
        (np.arange(4.0) ** 2, "numbers", 0),
        (RNG.integers(0, 5, (5, 4)).astype("float32"), "numbers", 0),
        (load_digits().images / 16, "numbers", 0),
        (RNG.permutation(600), "numbers", 0),
    ],
)
def test_the_form_of_targets_is_told_from_their_values(y, form, classes):
    facts = target_facts(y)
    assert (facts.form, facts.classes) == (form, classes)


def test_targets_are_described_in_float64_without_the_values_that_are_not_finite():
    y = (load_diabetes().target + 1e6).astype("float32")
    facts = target_facts(y)
    assert facts.std == pytest.approx(load_diabetes().target.std(), rel=1e-3)
    assert facts.mean == pytest.approx(y.mean(dtype=np.float64), rel=1e-9)
    y[[5, 7]] = np.nan
    facts = target_facts(y)
    assert not facts.finite
    assert facts.first_bad == 5
    assert np.isfinite([facts.mean, facts.std, facts.low, facts.high]).all()


def test_classes_are_counted():
    np.testing.assert_array_equal(target_facts(load_wine().target).counts, [59, 71, 48])
    np.testing.assert_array_equal(target_facts(np.eye(4)[load_wine().target]).counts, [59, 71, 48, 0])
    assert target_facts(np.zeros(9)).distinct == 1
    np.testing.assert_array_equal(class_numbers(np.eye(3)[[2, 0]], "one_hot"), [2, 0])


def test_inputs_have_a_column_for_each_feature_or_channel():
    wine = input_facts(load_wine().data)
    np.testing.assert_allclose(wine.std, load_wine().data.std(axis=0))
    np.testing.assert_allclose(wine.high, load_wine().data.max(axis=0))
    assert wine.kind == "table"
    images = input_facts(load_digits().images[..., None].astype("uint8"))
    assert (images.kind, images.mean.shape, images.constant.shape) == ("image", (1,), (64,))
    assert images.std[0] == pytest.approx(load_digits().images.std())
    assert images.constant.sum() == 3
    tokens = input_facts(RNG.integers(0, 50, (20, 6)), tokens=True)
    assert (tokens.kind, tokens.mean.shape) == ("tokens", (1,))


def test_moments_in_blocks_keep_a_large_offset():
    rows = RNG.normal(3.2e9, 2.0, (1000, 2))
    moments = Moments(2)
    for block in np.array_split(rows, 7):
        moments.add(block)
    np.testing.assert_allclose(moments.std, rows.std(axis=0), rtol=1e-6)


def test_the_first_value_that_is_not_finite_is_found():
    x = load_wine().data.astype("float32")
    x[[4, 9], [3, 1]] = np.nan, np.inf
    facts = input_facts(x)
    assert facts.first_bad == (4, 3)
    assert facts.finite == pytest.approx(176 / 178)
    assert input_facts(np.full((2, 1), 1e39)).finite == 0  # beyond float32, in which a network computes


def test_leaked_and_repeated_rows_are_counted_whatever_their_dtype():
    x, y = load_wine(return_X_y=True)
    facts = data_facts(x[:100].astype("float32"), y[:100], (x[90:110].astype("float32").astype("float64"), y[90:110]))
    assert (facts.rows, facts.validation_rows, facts.leaked, facts.repeated) == (100, 20, 0.5, 0.0)
    assert facts.is_sorted
    assert data_facts(np.repeat(x, 2, axis=0), np.repeat(y, 2)).repeated == 0.5
    assert not data_facts(x[::-1][RNG.permutation(178)], y[RNG.permutation(178)]).is_sorted
