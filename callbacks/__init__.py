"""Keras callbacks for any `fit`. They know Keras and NumPy only."""

from callbacks.averaged_weights import AveragedWeights as AveragedWeights
from callbacks.early_stopping import EarlyStopping as EarlyStopping
from callbacks.progress import Progress as Progress
from callbacks.scaled_schedule import ScaledSchedule as ScaledSchedule
from callbacks.stop_on_divergence import StopOnDivergence as StopOnDivergence
