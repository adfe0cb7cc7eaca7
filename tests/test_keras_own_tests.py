"""Keras's own tests, as they lie in its wheel, with our classes in the place of its.

Each module is loaded anew, and the names that it uses are replaced in it. What comes out otherwise is listed with its
reason; anything else that differs, or no longer does, is a failure.
"""

import importlib.util
import types
import unittest
import warnings

import keras
import pytest

from callbacks import EarlyStopping
from custom_layers import PReLU
from recipes.optimizers import GradientClipping

pytestmark = [pytest.mark.backend, pytest.mark.extensive]
BOUNDS = ("clipnorm", "global_clipnorm", "clipvalue")


def guarded(kind):
    """Keras's optimizer class `kind` with `GradientClipping` around it, to be made by the same arguments."""

    class Guarded(GradientClipping):
        def __init__(self, *args, **kwargs):
            bounds = {bound: kwargs.pop(bound) for bound in BOUNDS if bound in kwargs}
            name = kwargs.pop("name", None)
            inner = kwargs.pop("optimizer", None) or kind(*args, name="inside", **kwargs)
            super().__init__(inner, name=name, **bounds)

        # The slots and the count that tests look at are those of the optimizer inside.
        def __getattr__(self, name):
            if name == "inner_optimizer":
                raise AttributeError(name)
            return getattr(self.inner_optimizer, name)

        @property
        def _iterations(self):
            return self.inner_optimizer._iterations

        @_iterations.setter
        def _iterations(self, own):
            pass

        def get_config(self):
            config = super().get_config()
            return {name: config[name] for name in ("optimizer", "name", *BOUNDS)}

    Guarded.__name__ = kind.__name__
    # Where pickle looks for it.
    Guarded.__qualname__ = f"Guarded{kind.__name__}"
    globals()[Guarded.__qualname__] = Guarded
    return keras.saving.register_keras_serializable(package="guarded")(Guarded)


def guarded_optimizers():
    """`keras.optimizers`, with everything in it guarded."""
    ours = types.SimpleNamespace(**vars(keras.optimizers))
    for name in (
        "SGD",
        "Adam",
        "AdamW",
        "Adagrad",
        "RMSprop",
        "Adadelta",
        "Adamax",
        "Lion",
        "Nadam",
        "Ftrl",
        "Adafactor",
    ):
        setattr(ours, name, guarded(getattr(keras.optimizers, name)))
    by_name = {name.lower(): kind for name, kind in vars(ours).items()}

    def get(identifier):
        if identifier is None:
            return None
        config = identifier if isinstance(identifier, dict) else {"class_name": identifier, "config": {}}
        if config["class_name"] not in by_name:
            raise ValueError(f"unknown: {identifier}")
        return by_name[config["class_name"]](**config["config"])

    ours.get = get
    return ours


CASES = {
    "keras.src.callbacks.early_stopping_test": (
        lambda: {"callbacks": types.SimpleNamespace(EarlyStopping=EarlyStopping)},
        {},
    ),
    "keras.src.optimizers.optimizer_test": (
        lambda: {"optimizers": guarded_optimizers()},
        {
            "test_clip_args": "two bounds are refused in other words",
            "test_gradient_accumulation": "the number of steps is an attribute of the optimizer inside",
            "test_setting_lr_to_callable_untracks_lr_var": "it has an unused count and an unused rate, too",
        },
    ),
    "keras.src.optimizers.loss_scale_optimizer_test": (lambda: {"SGD": guarded(keras.optimizers.SGD)}, {}),
    "keras.src.layers.activations.prelu_test": (lambda: {"prelu": types.SimpleNamespace(PReLU=PReLU)}, {}),
}


def outcomes(module):
    """The last line of the error of each test of `module` that fails, by name."""
    result, failed = unittest.TestResult(), {}
    for suite in unittest.defaultTestLoader.loadTestsFromModule(module):
        for case in suite:
            name = case.id().rpartition(".")[2]
            marks = getattr(getattr(case, case._testMethodName), "pytestmark", [])
            if not any(mark.name == "skipif" and mark.args[0] for mark in marks):
                case.run(result)
            for _, text in (*result.errors, *result.failures):
                failed[name] = text.strip().splitlines()[-1]
            result.errors.clear()
            result.failures.clear()
    return failed


@pytest.fixture(autouse=True)
def short_tracebacks():
    yield
    keras.config.enable_traceback_filtering()  # Keras's tests switch it off


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_listed_differs_from_keras(name):
    replacements, differences = CASES[name]
    specification = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    for own, replacement in replacements().items():
        assert hasattr(module, own)
        setattr(module, own, replacement)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        failed = outcomes(module)
    assert failed.keys() == differences.keys(), "\n".join(f"{test}: {error}" for test, error in failed.items())
