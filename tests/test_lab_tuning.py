import numpy as np
import pytest

import recipes
from recipes.lab.tuning import BIASES, RATES, Search, Tuning

GRID = Search(np.array([0.01, 0.1] * 2), np.array([0.0, 0.0, 0.2, 0.2]), np.array([2.0, 0.5, 2.0, 0.6]))
RANDOM = Search(np.array([0.02, 0.2, 0.4, 1.0]), np.array([0.1, 0.05, 0.2, 0.0]), np.array([1.8, 0.4, 0.3, 2.0]))


def test_the_settings_that_matter_are_told_from_the_trials_of_the_grid():
    result = Tuning({"grid": GRID, "random": RANDOM})
    assert result.spread("rate") == pytest.approx(4)
    assert result.spread("bias") == pytest.approx(1.2)
    assert 0 < result.share_of_wins(100) <= 1
    assert result.tables()[0].rows == [("grid", 4, 2, 0.1, 0.0, 0.5), ("random", 4, 4, 0.4, 0.2, 0.3)]
    assert len(result.plot()) == 4


@pytest.mark.extensive
def test_random_search_beats_the_grid_where_the_rate_alone_matters():
    result = recipes.lab.run("tuning")
    grid, chance = result.searches["grid"], result.searches["random"]
    assert len(grid.losses) == len(chance.losses) == 16
    assert (len(np.unique(grid.rates)), len(np.unique(chance.rates))) == (4, 16)
    assert np.log(RATES) == pytest.approx([np.log(grid.rates.min()), np.log(grid.rates.max())])
    assert (grid.biases.min(), grid.biases.max()) == BIASES
    assert chance.losses.min() < grid.losses.min()
    assert result.spread("rate") > 5
    assert result.spread("bias") < 1.2
    assert result.share_of_wins() > 0.6
