"""Training recipes for Keras that work, and that tell you why yours doesn't.

Every public name is loaded when it is first used, so that `import recipes` loads neither Keras nor a backend.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from recipes.version import __version__ as __version__

if TYPE_CHECKING:
    from recipes import catalogue as catalogue
    from recipes import data as data
    from recipes import initialization as initialization
    from recipes import lab as lab
    from recipes import losses as losses
    from recipes import metrics as metrics
    from recipes import models as models
    from recipes import optimizers as optimizers
    from recipes import plots as plots
    from recipes import schedules as schedules
    from recipes import settings as settings
    from recipes.catalogue import get as get
    from recipes.catalogue import names as names
    from recipes.data import Dataset as Dataset
    from recipes.data import load_dataset as load_dataset
    from recipes.doctor.diagnosing import diagnose as diagnose
    from recipes.doctor.diagnosis import Diagnosis as Diagnosis
    from recipes.doctor.finding import Finding as Finding
    from recipes.doctor.training_doctor import TrainingDoctor as TrainingDoctor
    from recipes.evaluation.comparison import compare as compare
    from recipes.evaluation.prediction import predict as predict
    from recipes.evaluation.scoring import evaluate as evaluate
    from recipes.initialization import Initialization as Initialization
    from recipes.initialization import gain as gain
    from recipes.initialization import initialize as initialize
    from recipes.initialization import initializer_for as initializer_for
    from recipes.metrics import ClassificationCounts as ClassificationCounts
    from recipes.metrics import ClassificationReport as ClassificationReport
    from recipes.metrics import Comparison as Comparison
    from recipes.metrics import MultiLabelCounts as MultiLabelCounts
    from recipes.metrics import MultiLabelReport as MultiLabelReport
    from recipes.metrics import RegressionReport as RegressionReport
    from recipes.metrics import RegressionSums as RegressionSums
    from recipes.metrics import classification_report as classification_report
    from recipes.metrics import regression_report as regression_report
    from recipes.metrics.confusion_metric import ConfusionMatrix as ConfusionMatrix
    from recipes.models import ModelTable as ModelTable
    from recipes.models import convnet as convnet
    from recipes.models import mlp as mlp
    from recipes.models import model_table as model_table
    from recipes.models import recurrent as recurrent
    from recipes.models import residual as residual
    from recipes.models import transfer as transfer
    from recipes.models.saved import load_model as load_model
    from recipes.runs.run import Run as Run
    from recipes.runs.stored import Stored as Stored
    from recipes.settings import Recipe as Recipe
    from recipes.training.compiling import compile_model as compile_model
    from recipes.training.cross_validation import CrossValidation as CrossValidation
    from recipes.training.cross_validation import cross_validate as cross_validate
    from recipes.training.fine_tuning import fine_tune as fine_tune
    from recipes.training.learning_rate_range import LearningRateRange as LearningRateRange
    from recipes.training.learning_rate_range import find_learning_rate as find_learning_rate
    from recipes.training.recipe_to_run import train as train
    from recipes.training.watching import callbacks_for as callbacks_for

_MODULES = (
    "catalogue", "data", "initialization", "lab", "losses", "metrics", "models", "optimizers", "plots", "schedules",
    "settings",
)  # fmt: skip
_HOME = {
    "get": "catalogue",
    "names": "catalogue",
    "compare": "evaluation.comparison",
    "ConfusionMatrix": "metrics.confusion_metric",
    "CrossValidation": "training.cross_validation",
    "cross_validate": "training.cross_validation",
    "Dataset": "data",
    "load_dataset": "data",
    "diagnose": "doctor.diagnosing",
    "Diagnosis": "doctor.diagnosis",
    "Finding": "doctor.finding",
    "TrainingDoctor": "doctor.training_doctor",
    "evaluate": "evaluation.scoring",
    "predict": "evaluation.prediction",
    "fine_tune": "training.fine_tuning",
    "Initialization": "initialization",
    "gain": "initialization",
    "initialize": "initialization",
    "initializer_for": "initialization",
    "LearningRateRange": "training.learning_rate_range",
    "find_learning_rate": "training.learning_rate_range",
    "ClassificationCounts": "metrics",
    "ClassificationReport": "metrics",
    "Comparison": "metrics",
    "MultiLabelCounts": "metrics",
    "MultiLabelReport": "metrics",
    "RegressionReport": "metrics",
    "RegressionSums": "metrics",
    "classification_report": "metrics",
    "regression_report": "metrics",
    "ModelTable": "models",
    "convnet": "models",
    "mlp": "models",
    "model_table": "models",
    "recurrent": "models",
    "residual": "models",
    "transfer": "models",
    "load_model": "models.saved",
    "Recipe": "settings",
    "Run": "runs.run",
    "Stored": "runs.stored",
    "callbacks_for": "training.watching",
    "compile_model": "training.compiling",
    "train": "training.recipe_to_run",
}
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"recipes.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"recipes.{_HOME[name]}"), name)
    raise AttributeError(f"module 'recipes' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]


def _check_siblings() -> None:
    """`callbacks` and `custom_layers` are names that a user's own modules may have; those would hide ours."""
    for name in ("callbacks", "custom_layers"):
        ours = Path(__file__).resolve().parent.parent / name / "__init__.py"
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found != ours:
            raise ImportError(
                f"keras-recipes needs its own package `{name}`, {ours}, but Python finds {found} under that name. "
                f"Rename yours, or run from a folder that does not hold it."
            )


_check_siblings()
