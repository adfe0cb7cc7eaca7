import keras
import pytest

from recipes import schedules
from recipes.optimizers.rates import current_rate, rate_at

pytestmark = pytest.mark.backend


def test_rates_are_those_of_the_schedule_at_the_step():
    schedule = schedules.get("one_cycle", 0.1, 100)
    optimizer = keras.optimizers.SGD(schedule)
    optimizer.iterations.assign(40)
    assert current_rate(optimizer) == rate_at(schedule, 40, optimizer) == pytest.approx(float(schedule(40)))
    assert rate_at(schedule, 99, optimizer) < current_rate(optimizer)


def test_a_rate_without_a_schedule_is_that_of_the_optimizer():
    assert current_rate(keras.optimizers.SGD(0.25)) == 0.25
