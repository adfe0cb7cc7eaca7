import numpy as np
import pytest
from seen_by_hand import OUTPUT, course, data, layer, model, record, seen

from recipes.doctor import outcome, planning
from recipes.doctor.causes import CAUSES
from recipes.doctor.finding import FAULT, NOTE, Finding
from recipes.doctor.ranking import explains, ranked
from recipes.doctor.rules import course as rules
from recipes.doctor.rules import start
from recipes.doctor.rules.trials import cured
from recipes.doctor.scores import balanced_accuracy, score

NAN = np.nan


def found(rules, facts):
    return {finding.cause: finding.severity for rule in rules if (finding := rule(facts))}


def test_a_healthy_training_has_no_findings():
    assert found([*rules.RULES, *start.RULES], seen()) == {}
    assert planning.next_change(seen(), []) is None


# Each training differs from the healthy one in what its rule is about.
FADED = record(gradient_norm_mean=[[NAN] * 3, [1e-6, 1e-3, 0.1]])
DEAD = record(activation_dead=[[0.4, 0.4, NAN], [0.5, 1.0, NAN]])
NEVER_ALIVE = record(activation_dead=[[0.5, 1.0, NAN], [0.5, 1.0, NAN]])
PINNED = record(activation_saturated=[[0.2, 0.2, NAN], [0.95, 0.4, NAN]])
STILL = record(gradient_norm_mean=[[NAN] * 3, [0.1] * 3], update_ratio=[[NAN] * 3, [0.0] * 3])
MOVING = record(gradient_norm_mean=[[NAN] * 3, [0.1] * 3], update_ratio=[[NAN] * 3, [0.0, 0.0, 1e-7]])
AT_CHANCE = (0.33, 0.33, 0.34, 0.33)
LINEAR = layer("wide", kernel_std=1.0, kernel_rule_std=0.06)


@pytest.mark.parametrize(
    ("facts", "cause", "severity"),
    [
        ({"course": course(is_finite=False)}, "exploding_gradient", FAULT),
        ({"course": course(AT_CHANCE, record=FADED)}, "vanishing_gradient", FAULT),
        ({"course": course(record=FADED)}, "vanishing_gradient", NOTE),
        ({"course": course(AT_CHANCE, record=DEAD)}, "dying_relu", FAULT),
        ({"course": course((0.33, 0.5, 0.6, 0.6), record=DEAD)}, "dying_relu", NOTE),
        ({"course": course(AT_CHANCE, record=PINNED)}, "saturation", FAULT),
        ({"course": course(AT_CHANCE, record=STILL)}, "lr_too_low", FAULT),
        ({"course": course((0.3, 0.9, 0.8, 0.9, 0.8, 0.9, 0.8))}, "oscillating_loss", NOTE),
        ({"course": course((0.3, 0.8, 0.8, 0.8, 0.6, 0.6, 0.6), (0.3, 0.9, 1, 1, 1, 1, 1))}, "overfit", FAULT),
        (
            {"course": course((0.33, 0.5, 0.6, 0.6)), "model": model(layers=(layer("narrow", units=1), OUTPUT))},
            "capacity_too_small",
            NOTE,
        ),
        ({"course": course(AT_CHANCE, record=NEVER_ALIVE)}, "bad_init", FAULT),
        ({"model": model(layers=(layer("alike", identical_units=True), OUTPUT))}, "bad_init", FAULT),
        ({"model": model(layers=(LINEAR, OUTPUT))}, "bad_init", NOTE),
        ({"course": course(losses=np.array([25.0]))}, "bad_init", NOTE),
        ({"course": course(losses=np.array([250.0]))}, "bad_init", FAULT),
    ],
)
def test_each_rule_names_its_cause(facts, cause, severity):
    assert found([*rules.RULES, *start.RULES], seen(**facts))[cause] == severity


@pytest.mark.parametrize(
    "facts",
    [
        {"course": course(record=DEAD)},  # sparse units that do well
        {"course": course(record=PINNED)},
        {"course": course(record=MOVING)},
        {
            "course": course((0.3, 0.8, 0.82, 0.8, 0.81, 0.8, 0.8), (0.3, 0.9, 1, 1, 1, 1, 1))
        },  # learnt by heart, no harm
        {"model": model(layers=(layer("pretrained", kernel_std=1.0, kernel_rule_std=0.06, untouched=False), OUTPUT))},
        {"model": model(layers=(layer("unit", units=1, identical_units=True), OUTPUT))},
        {"model": model(layers=(*model().layers[:2], layer("output", identical_units=True)))},  # zeros may begin there
        {"course": course((0.3, 0.9, 0.9, 0.9)), "model": model(layers=(layer("narrow", units=1), OUTPUT))},
    ],
)
def test_what_works_is_no_finding(facts):
    assert found([*rules.RULES, *start.RULES], seen(**facts)) == {}


def test_a_trial_with_one_thing_mended_makes_a_fault_of_a_note():
    short = seen(course=course((0.33, 0.4, 0.5, 0.5)))
    note = Finding("input_unscaled", NOTE, "The columns differ in scale.")
    assert planning.next_change(short, [note]).name == "input_unscaled"
    helped = seen(course=short.course, trials={"input_unscaled": course((0.33, 0.7, 0.8, 0.9))})
    fault = cured(helped, [note])
    assert (fault.cause, fault.severity, fault.sentence) == ("input_unscaled", FAULT, note.sentence)
    assert planning.next_change(helped, [note]) is None
    assert planning.next_change(short, [note], {"input_unscaled"}).name == "lr_too_low"
    hardly = seen(course=short.course, trials={"input_unscaled": course((0.33, 0.4, 0.5, 0.53))})
    assert cured(hardly, [note]) is None
    assert planning.next_change(hardly, [note]).name != "input_unscaled"


def test_a_training_that_ends_while_it_improves_is_tried_at_a_higher_rate_and_for_longer():
    rising = seen(course=course((0.33, 0.5, 0.7, 0.9)))
    assert [change.name for change in planning.suspected(rising, [])] == ["lr_too_low", "too_few_epochs"]
    diverged = seen(course=course(is_finite=False))
    assert [change.name for change in planning.suspected(diverged, [])] == ["lr_too_high"]


def test_a_rate_that_is_orders_away_is_tried_at_a_usual_one():
    tiny = seen(course=course(AT_CHANCE), model=model(learning_rate=1e-9))
    note = Finding("lr_too_low", NOTE, "The learning rate is low.")
    assert planning.next_change(tiny, [note]).rate == pytest.approx(1e6)
    assert planning.next_change(tiny, []).rate == 10
    huge = seen(course=course(is_finite=False), model=model(learning_rate=100.0, optimizer="SGD"))
    assert planning.next_change(huge, [Finding("lr_too_high", NOTE, "High.")]).rate == pytest.approx(1e-4)


def test_a_cause_explains_the_symptoms_that_follow_from_it():
    softmax = Finding("output_softmax_single_unit", FAULT, "The output is constant.")
    faded, leak = (
        Finding("vanishing_gradient", FAULT, "It fades."),
        Finding("validation_leak", NOTE, "Rows occur twice."),
    )
    first, second = ranked([leak, faded, softmax])
    assert (first.cause, first.consequences, second) == (softmax.cause, (faded,), leak)
    rate, overflow = Finding("lr_too_high", FAULT, "Too high."), Finding("exploding_gradient", FAULT, "Overflow.")
    assert [finding.cause for finding in ranked([overflow, rate])] == ["lr_too_high"]
    assert not explains("validation_leak", "vanishing_gradient")
    assert not explains("bad_init", "overfit")
    assert all(not explains(later, earlier) for later in CAUSES for earlier in list(CAUSES)[:20])


def test_scores_are_accuracies_of_classes_and_r2_of_numbers():
    outputs = np.array([[0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]])
    assert score(outputs, [1, 0, 0, 0], "labels") == 0.75
    assert score(outputs, np.eye(2)[[1, 0, 0, 0]], "one_hot") == 0.75
    assert balanced_accuracy(outputs, [1, 0, 0, 0], "labels") == pytest.approx((1 + 2 / 3) / 2)
    assert score([[0.3], [-0.2]], [1, 0], "binary", takes_logits=True) == 1.0
    assert score([[0.9, 0.1], [0.2, 0.6]], [[1, 1], [0, 1]], "multi_label") == 0.75
    assert score([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0], "numbers") == 1.0
    assert score([[2.0], [2.0], [2.0]], [1.0, 2.0, 3.0], "numbers") == 0.0
    assert np.isnan(score([[NAN]], [1], "binary"))


def test_small_differences_on_few_rows_do_not_count():
    few = seen(data=data(validation_rows=40))
    assert outcome.clear_difference(few) > outcome.clear_difference(seen()) >= 0.05
