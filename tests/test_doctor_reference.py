import random

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from recipes.doctor.facts.reference import reference

RNG = np.random.default_rng(0)


def test_classes_of_images_are_learnt_by_simple_models():
    x, y = load_digits().images[..., None], np.eye(10)[load_digits().target]
    found = reference(x[:600], y[:600], (x[600:800], y[600:800]))
    assert found.chance < 0.2
    assert min(found.trees, found.linear, found.neighbors, found.validation, found.balanced) > 0.75
    assert found.permuted < 0.2


def test_numbers_are_scored_by_r2_on_each_row_without_itself_where_nothing_is_held_out():
    x, y = load_diabetes(return_X_y=True)
    found = reference(x, y)
    assert found.chance == 0
    assert found.linear == pytest.approx(0.48, abs=0.03)  # R2 of cross-validated least squares
    assert found.permuted < 0.05
    assert np.isnan(found.balanced)
    assert np.isnan(found.validation)


def test_damaged_training_labels_show_beside_those_of_the_validation_rows():
    x, y = load_wine(return_X_y=True)
    order = RNG.permutation(len(x))
    x, y = x[order], y[order]
    some = np.where(RNG.random(100) < 0.5, RNG.permutation(y[:100]), y[:100])
    found = reference(x[:100], some, (x[100:], y[100:]))
    assert found.neighbors < found.best - 0.15
    found = reference(x[:100], RNG.permutation(y[:100]), (x[100:], y[100:]))
    assert found.best < found.validation - 0.3


def test_a_reference_is_deterministic_and_leaves_all_generators_alone():
    x, y = load_breast_cancer(return_X_y=True)
    np.random.seed(3)  # noqa: NPY002  (the global generator is what must be left alone)
    expected = np.random.random(), random.getstate()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    first, second = reference(x[:200], y[:200], (x[200:], y[200:])), reference(x[:200], y[:200], (x[200:], y[200:]))
    assert first == second
    assert (np.random.random(), random.getstate()) == expected  # noqa: NPY002


NAN = np.where(RNG.random((40, 3)) < 0.02, np.nan, 1.0) * RNG.normal(size=(40, 3))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (RNG.normal(size=(60, 4)), RNG.integers(0, 2, (60, 3))),
        (RNG.normal(size=(60, 20, 30)), RNG.normal(size=(60, 2))),
        (RNG.random((40, 6, 6, 1)), RNG.random((40, 6, 6, 1))),
        (RNG.random((40, 4, 4, 1)), RNG.integers(0, 3, (40, 4, 4))),
        (RNG.normal(size=(300, 2)), np.arange(300) % 150),
        (RNG.normal(size=(2, 2)), np.array([0, 1])),
        (np.ones((20, 3)), RNG.integers(0, 2, 20)),
        (NAN, RNG.normal(size=40)),
        (np.full((20, 3), np.nan), np.arange(20.0)),
        (RNG.normal(size=(20, 3)), np.zeros(20)),
        (RNG.normal(size=(20, 3)) * 1e30, RNG.normal(size=20) * 1e30),
        (RNG.integers(0, 256, (20, 3), dtype=np.uint8), np.repeat(RNG.normal(size=(20, 1)), 2, axis=1) * [1, 0]),
    ],
)
def test_rows_of_any_shape_have_a_reference_without_a_warning(x, y):
    cut = len(x) // 2
    for validation in (None, (x[cut:], y[cut:])):
        found = reference(x, y, validation)
        assert -1 <= found.best <= 1


def test_tokens_are_learnt_from_their_presence():
    x = RNG.integers(1, 40, (400, 12))
    y = (x == 7).any(axis=1)
    assert reference(x, y, tokens=True).best > 0.95
