"""The vocabulary of the doctor: every cause that a finding may name, in the order in which causes are looked for.

A cause that comes earlier may bring about what comes later, and not the other way round: a softmax over one unit has
no gradient, so the units behind it do not learn; nothing that a training does changes its loss.
"""

# Contradictions within the program: no training is needed to be certain of them.
CONTRADICTIONS = {
    "first_step_fails": "the model raises an error in its first step",
    "output_softmax_single_unit": "softmax over one output unit: the output is the constant 1",
    "lr_invalid": "learning rate zero, negative or not finite",
    "output_units_mismatch": "number of output units does not fit the labels or targets",
    "missing_output_activation": "raw outputs where the loss expects probabilities",
    "double_activation": "an activation applied twice, or softmax both in the model and in the loss",
    "output_loss_pairing": "output activation and loss do not fit each other",
    "loss_task_mismatch": "the loss belongs to another task",
    "output_range_mismatch": "targets lie outside what the output activation can reach",
    "frozen_layer": "a layer that should learn is frozen",
    "dropout_misuse": "dropout rate too high, or dropout on the outputs",
    "wrong_hidden_activation": "a hidden activation unfit for its place",
    "missing_hidden_activation": "linear hidden layers where the task is not linear",
}
DATA = {
    "input_not_finite": "inputs or targets that are NaN or infinite",
    "degenerate_labels": "labels of one value only",
    "constant_features": "input columns that never change",
    "input_unscaled": "inputs on a scale, offset or mix of scales that blocks training",
    "target_unscaled": "regression targets on a scale that blocks training",
    "label_corrupted": "labels or targets that are damaged: shuffled, wrong",
    "no_signal": "inputs that say nothing about the labels",
    "class_imbalance": "a rare class that is never predicted, and nothing done about it",
    "validation_leak": "validation rows that occur among the training rows",
    "validation_shift": "validation rows of another kind than the training rows, such as the end of sorted rows",
}
START = {
    "bad_init": "initial weights too small, too large or all alike",
}
COURSE = {
    "vanishing_gradient": "signal or gradient fades on its way through the layers",
    "exploding_gradient": "gradient, activation or loss overflows",
    "dying_relu": "ReLU units that are zero for every row",
    "saturation": "sigmoid or tanh units pinned at their limits",
    "lr_too_high": "learning rate too high: divergence, dead units or swings",
    "lr_too_low": "learning rate too low for the number of steps",
    "optimizer_choice": "an optimizer that is the cause of a slow or unstable training",
    "batch_size": "batches so large or so small that the training suffers",
    "oscillating_loss": "loss or accuracy that swings instead of settling",
    "too_few_epochs": "a training that stopped while it still improved",
    "capacity_too_small": "too few units, or too narrow a passage",
    "overfit": "training fit that keeps rising while validation falls",
    "wrong_metric": "a metric that does not measure the task",
}
CAUSES = {**CONTRADICTIONS, **DATA, **START, **COURSE}
