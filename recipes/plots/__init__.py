"""Pictures of trainings and their results. Each is drawn on the axes passed, or on new ones, and returns them."""

from recipes.plots.activations import activation_histograms as activation_histograms
from recipes.plots.activations import activation_scale as activation_scale
from recipes.plots.activations import dead_and_saturated as dead_and_saturated
from recipes.plots.class_scores import class_scores as class_scores
from recipes.plots.confusion import confusion_matrix as confusion_matrix
from recipes.plots.curves import precision_recall_curves as precision_recall_curves
from recipes.plots.curves import roc_curves as roc_curves
from recipes.plots.gradients import gradient_flow as gradient_flow
from recipes.plots.gradients import gradient_norms as gradient_norms
from recipes.plots.gradients import update_ratio as update_ratio
from recipes.plots.greatest_losses import greatest_losses as greatest_losses
from recipes.plots.history import learning_curves as learning_curves
from recipes.plots.record import record_figure as record_figure
from recipes.plots.reliability import reliability as reliability
from recipes.plots.report import report_figure as report_figure
from recipes.plots.residuals import predicted_values as predicted_values
from recipes.plots.residuals import residuals as residuals
