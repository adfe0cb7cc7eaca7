"""What was seen of a training, made by hand: a healthy program, of which a test changes what it is about."""

import numpy as np

from callbacks.watching.record import Record
from recipes.doctor.facts.inputs import input_facts
from recipes.doctor.facts.targets import target_facts
from recipes.doctor.seen import Course, DataFacts, LayerFacts, ModelFacts, Reference, Seen
from recipes.runs.watched import Watched


def layer(name, **facts):
    """A trained dense layer with ReLU, initialized as it should be."""
    defaults = {
        "kind": "Dense", "activation": "relu", "units": 32, "has_kernel": True, "fan_in": 32, "kernel_std": 0.25,
        "kernel_rule_std": 0.25, "untouched": True,
    }  # fmt: skip
    return LayerFacts(**{"name": name, **defaults, **facts})


HIDDEN = (layer("first"), layer("second"))
OUTPUT = layer("output", activation="softmax", units=3)


def model(**facts):
    """A classifier of three classes."""
    defaults = {
        "layers": (*HIDDEN, OUTPUT), "output_layer": "output", "output_activation": "softmax", "output_shape": (3,),
        "loss": "sparsecategoricalcrossentropy", "metrics": ("accuracy",), "optimizer": "Adam", "parameters": 1000,
    }  # fmt: skip
    return ModelFacts(**{**defaults, **facts})


def data(y=None, x=None, **facts):
    """Standardized rows of five columns with labels of three classes in equal parts, and held-out rows."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3 if y is None else np.asarray(y)
    x = rng.normal(size=(len(y), 5)).astype("float32") if x is None else np.asarray(x)
    inputs, targets = input_facts(x), target_facts(y)
    defaults = {"rows": len(y), "validation_rows": 300, "inputs": inputs, "targets": targets}
    held = {"validation_inputs": inputs, "validation_targets": targets}
    return DataFacts(**{**defaults, **held, **facts})


def course(score=(0.33, 0.85, 0.9, 0.9), train_score=None, record=None, **facts):
    """A training whose held-out score has risen and settled."""
    score = np.asarray(score, float)
    train_score = score if train_score is None else np.asarray(train_score, float)
    epochs = len(score) - 1
    watched = Watched({"loss": list(np.linspace(1.0, 0.3, epochs))}, record or Record(), epochs)
    defaults = {"epochs": epochs, "steps": 20, "losses": np.array([1.1])}
    return Course(watched=watched, score=score, train_score=train_score, **{**defaults, **facts})


def seen(**facts):
    """A training of that classifier which went as well as simple models do."""
    defaults = {
        "model": model(), "data": data(), "epochs": 3, "course": course(),
        "reference": Reference(chance=1 / 3, linear=0.85, trees=0.9, neighbors=0.9, permuted=0.34),
    }  # fmt: skip
    return Seen(**{**defaults, **facts})


def record(layers=("first", "second", "output"), **fields):
    """A record of two epochs, 0 and 1, from fields `(2, layers)`."""
    values = {name: np.asarray(value, "float32") for name, value in fields.items()}
    return Record(layers=tuple(layers), epochs=np.array([0, 1]), **values)
