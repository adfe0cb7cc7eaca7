"""The rules that find contradictions within a program, on plain facts: each with a case and a healthy neighbour."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from recipes.doctor.finding import FAULT, NOTE
from recipes.doctor.rules import layers, optimizer, outputs, tasks
from recipes.doctor.seen import DataFacts, InputFacts, LayerFacts, ModelFacts, Seen, TargetFacts

RULES = (*outputs.RULES, *tasks.RULES, *optimizer.RULES, *layers.RULES)
NOTHING = np.zeros(0)
INPUTS = InputFacts(
    shape=(4,), kind="table", mean=NOTHING, std=NOTHING, low=NOTHING, high=NOTHING, constant=NOTHING
)  # fmt: skip


def targets(form, classes=0, shape=(), **facts):
    low, high = facts.pop("low", 0.0), facts.pop("high", float(max(classes - 1, 1)))
    whole = form != "numbers"
    known = {
        "distinct": classes or 500,
        "counts": NOTHING,
        "mean": (low + high) / 2,
        "std": 1.0,
        "is_whole": whole,
    }
    return TargetFacts(form=form, shape=shape, classes=classes, low=low, high=high, **{**known, **facts})


BINARY, LABELS = targets("binary", 2), targets("labels", 4)
ONE_HOT, SEVERAL = targets("one_hot", 4, (4,), high=1.0), targets("multi_label", 0, (4,), high=1.0)
NUMBERS = targets("numbers", low=-2.3, high=2.5)
PIXELS = targets("numbers", shape=(64,), low=0.0, high=1.0)


def dense(name, activation="relu", units=8, **facts):
    known = {"fan_in": 8, "kernel_std": 0.3, "untouched": True, "has_kernel": True}
    return LayerFacts(name=name, kind="Dense", activation=activation, units=units, **{**known, **facts})


def other(kind, **facts):
    return LayerFacts(name=kind.lower(), kind=kind, **facts)


def model(loss, activation="linear", units=1, hidden=(), behind=(), **facts):
    last = dense("out", activation, units)
    known = {
        "layers": (*(hidden or (dense("hidden"),)), last, *behind),
        "output_layer": "out",
        "output_activation": behind[-1].activation if behind and behind[-1].activation else activation,
        "output_shape": (units,),
        "optimizer": "Adam",
        "parameters": 100,
    }
    return ModelFacts(loss=loss, **{**known, **facts})


def findings(facts, of):
    seen = Seen(model=facts, data=DataFacts(rows=100, validation_rows=0, inputs=INPUTS, targets=of))
    return [finding for rule in RULES if (finding := rule(seen)) is not None]


def causes(facts, of, severity=FAULT):
    return [finding.cause for finding in findings(facts, of) if finding.severity == severity]


SPARSE, ONE, MSE = "sparsecategoricalcrossentropy", "categoricalcrossentropy", "meansquarederror"
BCE, MAE = "binarycrossentropy", "mae"

FAULTS = [
    ("softmax over one unit", model(BCE, "softmax"), BINARY, "output_softmax_single_unit"),
    ("class numbers beyond the units", model(SPARSE, "softmax", 3), LABELS, "output_units_mismatch"),
    ("four classes on one sigmoid", model(BCE, "sigmoid"), LABELS, "output_units_mismatch"),
    ("one-hot columns and units", model(ONE, "softmax", 5), ONE_HOT, "output_units_mismatch"),
    ("numbers that broadcast", model(MSE, "linear", 3), NUMBERS, "output_units_mismatch"),
    ("an axis too many", model(MSE, output_shape=(12, 1)), NUMBERS, "output_units_mismatch"),
    ("logits under a sparse loss", model(SPARSE, "linear", 4), LABELS, "missing_output_activation"),
    ("logits under a binary loss", model(BCE), BINARY, "missing_output_activation"),
    ("logits under a loss of one's own", model("mycrossentropy", "linear", 4), ONE_HOT, "missing_output_activation"),
    ("softmax and from_logits", model(SPARSE, "softmax", 4, takes_logits=True), LABELS, "double_activation"),
    ("sigmoid and from_logits", model(BCE, "sigmoid", takes_logits=True), BINARY, "double_activation"),
    (
        "two softmaxes",
        model(SPARSE, "softmax", 4, behind=(other("Softmax", activation="softmax", behind_outputs=True),)),
        LABELS,
        "double_activation",
    ),
    ("sigmoid for exclusive classes", model(ONE, "sigmoid", 4), ONE_HOT, "output_loss_pairing"),
    ("sigmoid for class numbers", model(SPARSE, "sigmoid", 4), LABELS, "output_loss_pairing"),
    ("ReLU under crossentropy", model(ONE, "relu", 4), ONE_HOT, "output_loss_pairing"),
    ("tanh under a binary loss", model(BCE, "tanh"), BINARY, "output_loss_pairing"),
    ("softmax for several labels", model(BCE, "softmax", 4), SEVERAL, "output_loss_pairing"),
    ("sigmoid and the categorical loss", model(ONE, "sigmoid"), BINARY, "output_loss_pairing"),
    ("counts below 0", model("poisson"), targets("numbers", high=9.0), "output_loss_pairing"),
    ("class numbers as quantities", model(MSE, "softmax", 4), LABELS, "loss_task_mismatch"),
    ("four classes and accuracy", model(MSE, metrics=("accuracy",)), LABELS, "loss_task_mismatch"),
    ("absolute error for classes", model(MAE, "sigmoid"), BINARY, "loss_task_mismatch"),
    ("class loss for numbers", model(SPARSE, "softmax", 4), NUMBERS, "loss_task_mismatch"),
    ("binary loss for numbers", model(BCE, "sigmoid"), NUMBERS, "loss_task_mismatch"),
    ("one-hot loss for class numbers", model(ONE, "softmax", 4), LABELS, "loss_task_mismatch"),
    ("sparse loss for one-hot targets", model(SPARSE, "softmax", 4), ONE_HOT, "loss_task_mismatch"),
    ("poisson below 0", model("poisson", "exponential"), NUMBERS, "loss_task_mismatch"),
    ("sigmoid to 100", model(MSE, "sigmoid"), targets("numbers", high=103.0), "output_range_mismatch"),
    ("tanh to 4", model(MAE, "tanh"), targets("numbers", low=-4.0, high=4.0), "output_range_mismatch"),
    ("ReLU below 0", model(MSE, "relu"), NUMBERS, "output_range_mismatch"),
    ("accuracy of numbers", model(MSE, metrics=("accuracy",)), NUMBERS, "wrong_metric"),
    ("rate of 0", model(MSE, learning_rate=0.0), NUMBERS, "lr_invalid"),
    ("negative rate", model(MSE, learning_rate=-0.001), NUMBERS, "lr_invalid"),
    ("rate NaN", model(MSE, learning_rate=math.nan), NUMBERS, "lr_invalid"),
    ("rate of 5", model(MSE, learning_rate=5.0), NUMBERS, "lr_too_high"),
    (
        "dropout on the outputs",
        model(MSE, behind=(other("Dropout", rate=0.2, behind_outputs=True),)),
        NUMBERS,
        "dropout_misuse",
    ),
    ("dropout of 0.95", model(MSE, hidden=(dense("a"), other("Dropout", rate=0.95))), NUMBERS, "dropout_misuse"),
    ("frozen at random", model(MSE, hidden=(dense("a", trainable=False),)), NUMBERS, "frozen_layer"),
    ("all frozen", model(MSE, parameters=0), NUMBERS, "frozen_layer"),
    ("frozen in vain", model(MSE, trained_since_compile_changed=("hidden",)), NUMBERS, "frozen_layer"),
    (
        "exponentials in a row",
        model(MSE, hidden=(dense("a", "exponential"), dense("b", "exponential"))),
        NUMBERS,
        "wrong_hidden_activation",
    ),
    ("softmax inside", model(MSE, hidden=(dense("a", "softmax", 64),)), NUMBERS, "wrong_hidden_activation"),
]

HEALTHY = [
    ("two-class softmax", model(SPARSE, "softmax", 2), BINARY),
    ("logits with from_logits", model(SPARSE, "linear", 4, takes_logits=True), LABELS),
    ("a class without rows", model(SPARSE, "softmax", 10), LABELS),
    ("labels of places", model(SPARSE, "softmax", output_shape=(5, 5, 4)), replace(LABELS, shape=(5, 5, 1))),
    ("one sigmoid", model(BCE, "sigmoid", metrics=("accuracy",)), BINARY),
    ("a column of targets", model(BCE, "sigmoid"), replace(BINARY, shape=(1,))),
    ("several labels", model(BCE, "sigmoid", 4), SEVERAL),
    ("probabilities as targets", model(BCE, "sigmoid"), targets("numbers", high=1.0)),
    ("soft labels", model(ONE, "softmax", 4), replace(ONE_HOT, is_whole=False, high=0.9)),
    ("shares", model(MAE, "softmax", 4), replace(ONE_HOT, is_whole=False, high=0.9)),
    ("places that are left out", model(SPARSE, "softmax", 4, ignores_class=True), targets("labels", 256)),
    ("a loss that cannot be tried", model("mycrossentropy", units=4, takes_probabilities=False), ONE_HOT),
    (
        "two exponentials side by side",
        model(
            MSE,
            hidden=(
                dense("a", "exponential"),
                dense("b", "exponential", in_sequence=False),
                other("Concatenate", in_sequence=False),
            ),
        ),
        NUMBERS,
    ),
    ("autoencoder", model(BCE, "sigmoid", 64), PIXELS),
    ("autoencoder with squares", model(MSE, "sigmoid", 64), PIXELS),
    ("numbers", model(MSE, metrics=("mae", "r2score")), NUMBERS),
    ("numbers with an offset", model("huber"), targets("numbers", low=-4.0, high=14.0)),
    ("counts", model("poisson", "exponential"), targets("labels", 41)),
    ("whole numbers", model(MSE), targets("labels", 41)),
    ("tanh in its range", model(MSE, "tanh"), targets("numbers", low=-1.0, high=1.0)),
    ("ReLU above 0", model(MSE, "relu"), targets("numbers", low=0.0, high=900.0)),
    ("Adam at 0.01", model(MSE, learning_rate=0.01), NUMBERS),
    ("a warm-up from 0", model(MSE, learning_rate=0.0, has_schedule=True), NUMBERS),
    ("SGD at 0.3", model(MSE, optimizer="SGD", learning_rate=0.3), NUMBERS),
    ("dropout of a half", model(MSE, hidden=(dense("a"), other("Dropout", rate=0.5))), NUMBERS),
    ("a pretrained layer", model(MSE, hidden=(dense("a", trainable=False, untouched=False),)), NUMBERS),
    (
        "linear with normalization and activation",
        model(
            MSE,
            hidden=(
                dense("a", "linear"),
                other("BatchNormalization"),
                other("Activation", activation="relu"),
                dense("b"),
            ),
        ),
        NUMBERS,
    ),
    (
        "activation layer behind the output",
        model(SPARSE, "linear", 4, behind=(other("Softmax", activation="softmax", behind_outputs=True),)),
        LABELS,
    ),
    (
        "attention weights",
        model(MSE, hidden=(dense("a", "softmax", 64), other("Multiply", in_sequence=False), dense("b"))),
        NUMBERS,
    ),
    ("a loss that nobody knows", model("", None), NUMBERS),
    ("a subclassed model", model(SPARSE, None, 4, output_activation=None, output_layer=None), LABELS),
]

NOTES = [
    ("squares for classes", model(MSE, "sigmoid"), BINARY, "loss_task_mismatch"),
    ("squares for one-hot targets", model(MSE, "softmax", 4), ONE_HOT, "loss_task_mismatch"),
    ("softmax under a binary loss", model(BCE, "softmax", 4), ONE_HOT, "output_loss_pairing"),
    ("a little out of reach", model(MSE, "sigmoid"), targets("numbers", high=1.05), "output_range_mismatch"),
    ("accuracy of pixels", model(MSE, "sigmoid", 64, metrics=("accuracy",)), PIXELS, "wrong_metric"),
    ("Adam at 0.1", model(MSE, learning_rate=0.1), NUMBERS, "lr_too_high"),
    ("Adam at 1e-7", model(MSE, learning_rate=1e-7), NUMBERS, "lr_too_low"),
    ("dropout of 0.7", model(MSE, hidden=(dense("a"), other("Dropout", rate=0.7))), NUMBERS, "dropout_misuse"),
    ("dropout of a wide layer", model(MSE, hidden=(dense("a", units=512), other("Dropout", rate=0.8))), NUMBERS,
     "dropout_misuse"),
    ("one exponential", model(MSE, hidden=(dense("a", "exponential"),)), NUMBERS, "wrong_hidden_activation"),
    ("linear layers in a row", model(MSE, hidden=(dense("a", "linear"),)), NUMBERS, "missing_hidden_activation"),
]  # fmt: skip


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case[0])


@named(FAULTS)
def test_a_contradiction_is_a_fault_and_the_only_one(case):
    _, facts, of, cause = case
    assert causes(facts, of) == [cause]


@named(HEALTHY)
def test_a_healthy_program_has_no_finding(case):
    _, facts, of = case
    assert findings(facts, of) == []


@named(NOTES)
def test_what_only_looks_odd_is_a_note(case):
    _, facts, of, cause = case
    assert causes(facts, of) == []
    assert causes(facts, of, NOTE) == [cause]


def test_findings_say_what_to_change_and_in_which_layer():
    (finding,) = findings(model(SPARSE, "linear", 4, learning_rate=0.003), LABELS)
    assert finding.layer == "out"
    assert finding.remedy.splitlines() == [
        "model.compile(keras.optimizers.Adam(0.003), "
        'loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])',
        "# or: keras.layers.Dense(4, activation=\"softmax\")  # the last layer, 'out'",
    ]


def test_class_numbers_from_1_are_to_be_counted_from_0():
    (finding,) = findings(model(SPARSE, "softmax", 4), targets("labels", 5, low=1.0, distinct=4))
    assert finding.cause == "output_units_mismatch"
    assert finding.sentence == "Class numbers go from 1 to 4, but they count from 0."
    assert finding.remedy.startswith("y = y - 1")


@pytest.mark.parametrize("of", [BINARY, LABELS, ONE_HOT, SEVERAL, NUMBERS, PIXELS], ids=lambda of: of.form)
def test_remedy_of_a_softmax_over_one_unit_follows_the_targets(of):
    first = findings(model(MSE, "softmax"), of)[0]
    units, loss = {
        "binary": (1, "binary_crossentropy"),
        "labels": (4, "sparse_categorical_crossentropy"),
        "one_hot": (4, "categorical_crossentropy"),
        "multi_label": (4, "binary_crossentropy"),
    }.get(of.form, (of.shape[-1] if of.shape else 1, "mean_squared_error"))
    assert f"Dense({units}" in first.remedy
    assert loss in first.remedy


@pytest.mark.parametrize("of", [BINARY, LABELS, ONE_HOT, SEVERAL, NUMBERS, PIXELS], ids=lambda of: of.form)
def test_every_finding_of_any_program_is_complete(of):
    losses = (SPARSE, ONE, BCE, MSE, MAE, "poisson", "kldivergence", "hinge", "myloss", "")
    activations = (None, "linear", "softmax", "sigmoid", "tanh", "relu", "leaky_relu")
    for loss, activation, units in itertools.product(losses, activations, (1, 4)):
        for finding in findings(model(loss, activation, units, metrics=("accuracy",), learning_rate=50.0), of):
            assert finding.sentence.endswith(".")
            assert finding.evidence
            assert finding.remedy
            assert 0 < finding.confidence <= 1
            assert finding.to_dict()["cause"] == finding.cause
