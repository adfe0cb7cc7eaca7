import numpy as np
import pytest

import recipes
from recipes.lab import learning_rate


@pytest.mark.backend
def test_rates_are_those_of_the_range_test_and_of_the_schedules():
    result = learning_rate.run(epochs=1, steps=40, names=("constant", "one_cycle"))
    low, good, high = (course.rates[0] for course in result.constant.values())
    assert good == result.range.suggestion
    assert low == pytest.approx(good / 100)
    assert high == result.range.rates[result.range.smoothed.argmin()] > good
    one_cycle = result.scheduled["one_cycle"]
    schedule = recipes.schedules.get("one_cycle", 5 * good, 40)
    assert one_cycle.rates[[0, -1]] == pytest.approx([float(schedule(0)), float(schedule(39))])
    assert len(one_cycle.losses) == 1
    assert len(result.panels()) == 4


@pytest.mark.extensive
def test_too_low_hardly_learns_too_high_never_settles_and_schedules_settle_what_a_constant_rate_does_not():
    result = recipes.lab.run("learning-rate")
    low, good, high = result.constant.values()
    assert good.losses[-1] < 0.1
    assert min(low.losses[-1], high.losses[-1]) > 1
    assert np.ptp(np.log(high.losses)) < 1
    assert set(result.scheduled) <= set(recipes.schedules.NAMES)
    constant = result.scheduled["constant"]
    lowered = [course for name, course in result.scheduled.items() if name != "constant"]
    assert all(course.losses[-1] < constant.losses[-1] for course in lowered)
    assert all(course.rates.max() == pytest.approx(constant.rates[0], rel=0.01) for course in result.scheduled.values())
    # The plateau lowered the rate.
    assert result.scheduled["reduce_on_plateau"].rates[-1] < constant.rates[0] / 2
    assert f"{good.losses[-1]:.3f}" in result.explanation
