"""Keras callbacks for any `fit`. They know Keras and NumPy only."""

from callbacks.activation_statistics import ActivationStatistics as ActivationStatistics
from callbacks.early_stopping import EarlyStopping as EarlyStopping
from callbacks.progress import Progress as Progress
from callbacks.stop_on_divergence import StopOnDivergence as StopOnDivergence
