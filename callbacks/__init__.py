"""Keras callbacks for any `fit`. They know Keras and NumPy only."""

from callbacks.activation_statistics import ActivationStatistics as ActivationStatistics
from callbacks.averaged_weights import AveragedWeights as AveragedWeights
from callbacks.early_stopping import EarlyStopping as EarlyStopping
from callbacks.gradient_norm_logger import GradientNormLogger as GradientNormLogger
from callbacks.progress import Progress as Progress
from callbacks.scaled_schedule import ScaledSchedule as ScaledSchedule
from callbacks.stop_on_divergence import StopOnDivergence as StopOnDivergence
from callbacks.watching.record import Record as Record
