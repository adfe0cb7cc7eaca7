"""What a callback suspects of a training that it cannot repeat."""

import numpy as np
import pytest
from seen_by_hand import course, data, record, seen

from recipes.doctor.facts.assumed import assumed_data, assumed_reference
from recipes.doctor.finding import FAULT, NOTE, Finding
from recipes.doctor.rules import course as course_rules
from recipes.doctor.seen import Reference
from recipes.doctor.untried import CONFIDENCE, likely

AT_CHANCE = (0.33, 0.33, 0.34, 0.33)
NAN = np.nan


def steps_of(ratio):
    return record(update_ratio=[[NAN] * 3, [ratio / 10, ratio, ratio / 10]])


@pytest.mark.parametrize(("ratio", "cause"), [(1e-5, "lr_too_low"), (0.2, "lr_too_high")])
def test_a_model_at_chance_that_simple_models_beat_has_steps_of_the_wrong_size(ratio, cause):
    finding = likely(seen(course=course(AT_CHANCE, record=steps_of(ratio))), [])
    assert (finding.cause, finding.severity, finding.confidence) == (cause, FAULT, CONFIDENCE)


@pytest.mark.parametrize(
    "facts",
    [
        {"course": course((0.33, 0.5, 0.6, 0.6), record=steps_of(1e-5))},  # it learns something
        {"course": course(AT_CHANCE)},  # of which no step was watched
        {"course": course(record=steps_of(1e-5))},  # it does well
    ],
)
def test_other_trainings_have_no_such_fault(facts):
    assert likely(seen(**facts), []) is None


def test_a_note_or_a_symptom_explains_more():
    at_chance = seen(course=course(AT_CHANCE, record=steps_of(1e-5)))
    assert likely(at_chance, [Finding("input_unscaled", NOTE, "Unscaled.")]).cause == "input_unscaled"
    assert likely(at_chance, [Finding("vanishing_gradient", FAULT, "It fades.")]) is None


def test_inputs_without_signal_are_suspected_where_simple_models_find_none_either():
    nothing = Reference(chance=1 / 3, linear=0.33, trees=0.34, neighbors=0.33)
    note = Finding("no_signal", NOTE, "The inputs say nothing.")
    at_chance = seen(course=course(AT_CHANCE), reference=nothing)
    assert (likely(at_chance, [note]).severity, likely(at_chance, [])) == (FAULT, None)


def without_rows(scores=AT_CHANCE, **facts):
    facts_of_model = seen().model
    assumed = assumed_data(facts_of_model, is_validated=True)
    reference = assumed_reference(assumed.targets)
    return seen(data=assumed, course=course(scores, **facts), reference=reference)


def test_without_rows_a_model_at_chance_is_told_that_its_cause_is_not_known():
    finding = likely(without_rows(), [])
    assert (finding.cause, finding.confidence) == ("no_signal", CONFIDENCE)
    assert "The cause is not known yet" in finding.remedy
    assert "recipes.diagnose(model, x, y)" in finding.remedy
    assert likely(without_rows((NAN, NAN, NAN, NAN)), []) is None  # not scored
    assert likely(without_rows(balanced=0.6), []) is None  # it finds a rare class


def test_a_small_accuracy_of_many_classes_may_be_far_above_chance():
    many = data(np.arange(600) % 100)
    reference = Reference(chance=0.01)
    assert likely(seen(data=many, course=course((0.01, 0.02, 0.03, 0.03)), reference=reference), []) is None


def test_weights_that_never_change_are_told_with_the_epochs_of_the_training():
    still = record(gradient_norm_mean=[[NAN] * 3, [0.1] * 3], update_ratio=[[NAN] * 3, [0.0] * 3])
    finding = course_rules.unmoved(seen(course=course(AT_CHANCE, record=still)))
    assert "in 3 epochs" in finding.sentence
