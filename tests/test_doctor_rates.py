"""The learning rate that is applied is the one that was asked for, and most of the steps have one."""

import keras
import numpy as np
import pytest
from seen_by_hand import course, data, model, seen

import recipes
from recipes import schedules
from recipes.doctor.facts.optimizer import EVEN_STEPS, facts_since_compile, optimizer_facts
from recipes.doctor.finding import FAULT, NOTE
from recipes.doctor.rules.optimizer import RULES

ROWS, LABELS = np.random.default_rng(0).normal(size=(60, 4)).astype("float32"), np.arange(60) % 3
decays = keras.optimizers.schedules


def network(optimizer):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax", name="out")])
    network.compile(optimizer, "sparse_categorical_crossentropy")
    return network


def found(**facts):
    """Causes and severities of the findings on the optimizer of a training of 20 steps an epoch."""
    facts = {"data": data(np.arange(640) % 3), "epochs": 250, **facts}
    return [(finding.cause, finding.severity) for rule in RULES if (finding := rule(seen(**facts)))]


def found_of(schedule, steps=5000, **facts):
    return found(model=model(**optimizer_facts(keras.optimizers.Adam(schedule), steps)), **facts)


@pytest.mark.parametrize(
    ("facts", "causes"),
    [
        ({"ignored_learning_rate": 0.01}, [("lr_too_low", FAULT)]),
        ({"ignored_learning_rate": 1e-5}, [("lr_too_high", FAULT)]),
        ({"ignored_learning_rate": float(np.float32(0.001))}, []),
        ({"ignored_learning_rate": 0.01, "has_schedule": True}, []),  # which of the two was meant is not known
    ],
)
def test_a_rate_that_keras_ignores_is_named_by_the_direction_in_which_the_applied_one_misses_it(facts, causes):
    assert found(model=model(**facts)) == causes


def test_an_attribute_lr_of_the_optimizer_is_told_as_code_to_paste():
    optimizer = keras.optimizers.Adam()
    optimizer.lr = 0.01
    diagnosis = recipes.diagnose(network(optimizer), ROWS, LABELS, epochs=1)
    assert diagnosis.root.cause == "lr_too_low"
    assert diagnosis.root.remedy == "model.optimizer.learning_rate = 0.01"
    assert "0.001, not with the 0.01 of its attribute `lr`" in str(diagnosis)


class Own(keras.optimizers.SGD):
    pass


@pytest.mark.parametrize(
    ("optimizer", "ignored"),
    [
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01)), 0.5),
        (Own(0.01), None),  # it may read the attribute
    ],
)
def test_the_attribute_lr_of_keras_optimizers_alone_is_known_to_be_ignored(optimizer, ignored):
    optimizer.lr = np.float32(0.5)
    assert facts_since_compile(network(optimizer), ROWS[:1])["ignored_learning_rate"] == ignored


def test_a_layer_frozen_after_the_first_step_is_found_although_the_doctor_trains_with_a_copy_of_the_optimizer():
    trained = network("adam")
    trained.fit(ROWS, LABELS, verbose=0)
    trained.get_layer("out").trainable = False
    found = recipes.diagnose(trained, ROWS, LABELS)
    assert (found.root.cause, found.root.layer) == ("frozen_layer", "out")


@pytest.mark.parametrize(
    ("schedule", "severity"),
    [
        (decays.CosineDecay(0.01, 100), FAULT),
        (decays.CosineDecay(0.0, 80, warmup_target=0.01, warmup_steps=20), FAULT),
        (decays.PolynomialDecay(0.01, 2000, end_learning_rate=0.0), FAULT),
        (decays.ExponentialDecay(0.01, 100, 0.5), FAULT),
        (decays.CosineDecay(0.01, 1000, alpha=1e-4), NOTE),
        (decays.PiecewiseConstantDecay([1000], [0.01, 1e-5]), NOTE),
    ],
)
def test_a_schedule_that_runs_out_in_the_first_half_of_the_training_is_named(schedule, severity):
    assert found_of(schedule, course=None) == [("lr_too_low", severity)]


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.get("one_cycle", 0.01, 5000),
        schedules.get("cosine", 0.01, 5000),
        schedules.get("cosine", 0.01, 5000, warmup_fraction=0.5),
        schedules.get("exponential", 0.01, 5000, final_fraction=0.01),
        schedules.get("step", 0.01, 5000, milestones=(0.2, 0.4, 0.6)),
        decays.CosineDecayRestarts(0.01, 100, m_mul=0.8),
        decays.CosineDecay(0.0, 2000, warmup_target=0.01, warmup_steps=3000),
        decays.PolynomialDecay(0.01, 5000, end_learning_rate=0.0, power=2.0),
        decays.InverseTimeDecay(0.01, 1, 0.1),
        decays.CosineDecay(0.01, 2600),
        0.01,
    ],
)
def test_schedules_as_they_should_be_are_not_named(schedule):
    assert found_of(schedule, course=None) == []


def test_a_schedule_that_ran_out_of_a_training_that_ended_well_is_a_note():
    assert found_of(decays.CosineDecay(0.01, 100), course=course()) == [("lr_too_low", NOTE)]
    poor = course(score=(0.33, 0.4, 0.42, 0.42))
    assert found_of(decays.CosineDecay(0.01, 100), course=poor) == [("lr_too_low", FAULT)]


def test_a_schedule_that_is_0_throughout_is_no_learning_rate():
    assert found_of(decays.CosineDecay(0.0, 100), course=None) == [("lr_invalid", FAULT)]
    assert found_of(decays.CosineDecay(0.0, 100, warmup_target=0.01, warmup_steps=20), steps=None, course=None) == []


def test_a_schedule_is_followed_from_the_first_step_to_the_last():
    facts = optimizer_facts(keras.optimizers.SGD(decays.PolynomialDecay(1.0, 100, end_learning_rate=0.0)), 101)
    assert len(facts["scheduled_rates"]) == EVEN_STEPS
    assert (facts["scheduled_rates"][0], facts["scheduled_rates"][-1], facts["scheduled_peak"]) == (1.0, 0.0, 1.0)
    assert len(optimizer_facts(keras.optimizers.SGD(decays.CosineDecay(1.0, 3)), 1)["scheduled_rates"]) == 1


def test_the_steps_are_those_of_the_training_that_is_asked_for():
    scheduled = network(keras.optimizers.Adam(decays.CosineDecay(0.01, 4)))
    found = recipes.diagnose(scheduled, ROWS, LABELS, epochs=10, batch_size=16)
    note = next(finding for finding in found.findings if finding.cause == "lr_too_low")
    assert "a learning rate of 0 in about 90% of the 40 steps" in note.sentence
    assert "steps = 40 " in note.remedy
