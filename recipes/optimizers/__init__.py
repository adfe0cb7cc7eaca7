"""Optimizers by name, and the ways of clipping that Keras lacks or gets wrong."""

from recipes.optimizers.adaptive import AdaptiveGradientClipping as AdaptiveGradientClipping
from recipes.optimizers.by_name import get as get
from recipes.optimizers.clipping import GradientClipping as GradientClipping
from recipes.optimizers.percentile import PercentileClipping as PercentileClipping
from recipes.optimizers.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
