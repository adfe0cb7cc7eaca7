import keras
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


def test_steps_fall_at_their_shares():
    schedule = recipes.schedules.get("step", 0.1, total_steps=100, milestones=(0.2, 0.5), factor=0.5)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 20, 21, 50, 51, 100)]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_exponential_falls_evenly_to_its_end():
    schedule = recipes.schedules.get("exponential", 0.1, total_steps=100, final_fraction=0.01)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 50, 100)]
    assert rates == pytest.approx([0.1, 0.01, 0.001])


@pytest.mark.backend
def test_one_cycle_goes_up_and_further_down():
    schedule = recipes.schedules.get("one-cycle", 0.1, total_steps=100, warmup_fraction=0.2)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 10, 20, 60, 100, 200)]
    assert rates == pytest.approx([0.004, 0.052, 0.1, 0.050005, 0.00001, 0.00001], rel=1e-3)
    again = type(schedule).from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()


@pytest.mark.backend
def test_coslog_falls_to_zero_after_each_cycle_and_each_is_longer():
    schedule = recipes.schedules.get("coslog", 0.1, total_steps=1500)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 100, 300, 700, 1500, 2000)]
    assert rates == pytest.approx([0] * 6, abs=1e-7)
    # In the middle of a cycle in log2, not in steps: 15 t + 1 is 2 ** 0.5, and so on.
    peaks = [float(keras.ops.convert_to_numpy(schedule(100 * (2 ** (cycle + 0.5) - 1)))) for cycle in range(4)]
    assert peaks == pytest.approx([0.1] * 4)
    shorter = recipes.schedules.get("coslog", 0.1, total_steps=300, cycles=2)
    steps = (40, 100, 250)
    assert [float(shorter(step)) for step in steps] == pytest.approx([float(schedule(step)) for step in steps])
    again = type(schedule).from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()


@pytest.mark.backend
def test_flat_cosine_stays_then_falls():
    schedule = recipes.schedules.get("flat_cosine", 0.1, total_steps=100)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in (0, 50, 75, 100, 200)]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0, 0], abs=1e-7)
    assert type(schedule).from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_on_a_plateau_a_callback_lowers_the_rate():
    assert recipes.schedules.get("reduce_on_plateau", 0.1, total_steps=100) == 0.1
    recipe = recipes.get("digits").replace(schedule={"name": "reduce_on_plateau", "factor": 0.5, "patience": 3})
    (callback,) = [
        callback
        for callback in recipes.callbacks_for(recipe)
        if isinstance(callback, keras.callbacks.ReduceLROnPlateau)
    ]
    assert (callback.factor, callback.patience) == (0.5, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "step", "milestones": (0.5, 0.2)}, r"`milestones` must ascend. Received: \(0.5, 0.2\)"),
        ({"name": "step", "milestones": (0.5, 1.2)}, "`milestones` must be at least 0 and less than 1. Received: 1.2"),
        ({"name": "exponential", "final_fraction": 1}, "`final_fraction` must be .* Received: 1"),
        ({"name": "cosine", "warmup_fraction": -0.1}, "`warmup_fraction` must be .* Received: -0.1"),
        ({"name": "coslog", "cycles": 0}, "`cycles` must be a whole number from 1 to 20. Received: 0"),
        ({"name": "one_cycle", "learning_rate": 0}, "`learning_rate` must be more than 0 and finite. Received: 0"),
    ],
)
def test_shares_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.schedules.get(**{"learning_rate": 0.1, "total_steps": 100, **arguments})
