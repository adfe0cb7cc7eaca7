"""Pictures of trainings and their results. Each takes the axes to draw on, or makes some, and returns them."""

from recipes.plots.activations import activation_histograms as activation_histograms
from recipes.plots.activations import activation_scale as activation_scale
from recipes.plots.activations import dead_and_saturated as dead_and_saturated
from recipes.plots.gradients import gradient_flow as gradient_flow
from recipes.plots.gradients import gradient_norms as gradient_norms
from recipes.plots.gradients import update_ratio as update_ratio
from recipes.plots.history import learning_curves as learning_curves
from recipes.plots.record import record_figure as record_figure
from recipes.plots.report import confusion_matrix as confusion_matrix
