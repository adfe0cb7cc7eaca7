import numpy as np
import pytest

import recipes
from recipes.lab import exploding

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("exploding")


def test_norms_are_those_before_clipping_and_clipped_updates_are_counted():
    ways = {"global norm 0.5": {"global_clipnorm": 0.5}}
    course = exploding.run(rows=256, epochs=1, ways=ways).courses["global norm 0.5"]
    assert len(course.norms) == 4
    assert course.clipped == (course.norms > 0.5).sum() > 0


@pytest.mark.extensive
def test_without_clipping_the_network_explodes_and_is_of_no_use_afterwards(result):
    free = result.courses["no clipping"]
    assert free.clipped == 0
    assert not np.nanmax(free.norms) < 1000
    assert not free.loss[-1] < 0.95 * result.constant_loss


@pytest.mark.extensive
def test_with_any_clipping_it_learns_although_the_gradients_stay_large(result):
    for name, course in result.courses.items():
        if name != "no clipping":
            assert course.loss[-1] < 0.95 * result.constant_loss, name
            assert course.loss.max() < 2, name
            assert course.norms.max() > 10, name
            assert course.clipped > 0.9 * len(course.norms), name


@pytest.mark.extensive
def test_the_best_constant_has_the_variance_of_the_sums_as_its_loss(result):
    assert result.constant_loss == pytest.approx(1 / 6, abs=0.01)
