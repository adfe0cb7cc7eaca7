import pytest

import recipes


def test_constant_is_a_plain_number():
    assert recipes.schedules.get("constant", 0.1, total_steps=100) == 0.1


@pytest.mark.parametrize("warmup_fraction", [0.0, 0.1])
@pytest.mark.backend
def test_cosine_climbs_to_the_peak_and_falls_to_zero(warmup_fraction):
    schedule = recipes.schedules.get("cosine", 0.1, total_steps=100, warmup_fraction=warmup_fraction)
    rates = {step: float(schedule(step)) for step in (0, 5, 10, 50, 55, 100)}
    peak = round(100 * warmup_fraction)
    assert rates[peak] == max(rates.values()) == pytest.approx(0.1)
    assert rates[0] == pytest.approx(0.01 if peak else 0.1)
    assert rates[100] == pytest.approx(0, abs=1e-7)
    assert rates[(100 + peak) // 2] == pytest.approx(0.05)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="unknown schedule 'cosin': did you mean 'cosine'"):
        recipes.schedules.get("cosin", 0.1, total_steps=100)


def test_a_training_without_steps_is_refused():
    with pytest.raises(ValueError, match="`total_steps` must be at least 1. Received: 0"):
        recipes.schedules.get("cosine", 0.1, total_steps=0)
