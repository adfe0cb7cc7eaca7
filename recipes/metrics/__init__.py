"""Evaluation of predictions, from plain arrays of any framework."""

from recipes.metrics.classes.calibration import Calibration as Calibration
from recipes.metrics.classes.classification import classification_report as classification_report
from recipes.metrics.classes.classification import decide as decide
from recipes.metrics.classes.classification import report_with_exact_ranking as report_with_exact_ranking
from recipes.metrics.classes.confusion import confusion_matrix as confusion_matrix
from recipes.metrics.classes.greatest_losses import LossRow as LossRow
from recipes.metrics.classes.intervals import bootstrap as bootstrap
from recipes.metrics.classes.intervals import wilson as wilson
from recipes.metrics.classes.multi_label import MultiLabelReport as MultiLabelReport
from recipes.metrics.classes.multi_label_counts import MultiLabelCounts as MultiLabelCounts
from recipes.metrics.classes.probability_scores import ProbabilityScores as ProbabilityScores
from recipes.metrics.classes.score_bins import bin_edges as bin_edges
from recipes.metrics.classes.single_label import ClassificationReport as ClassificationReport
from recipes.metrics.classes.single_label import Confusion as Confusion
from recipes.metrics.classes.single_label_counts import ClassificationCounts as ClassificationCounts
from recipes.metrics.classes.temperature import temperature as temperature
from recipes.metrics.classes.temperature import with_temperature as with_temperature
from recipes.metrics.classes.thresholds import Threshold as Threshold
from recipes.metrics.classes.thresholds import find_threshold as find_threshold
from recipes.metrics.comparison.predictions import Comparison as Comparison
from recipes.metrics.comparison.predictions import compare_predictions as compare_predictions
from recipes.metrics.inputs import are_probabilities as are_probabilities
from recipes.metrics.regression.from_arrays import regression_report as regression_report
from recipes.metrics.regression.report import RegressionReport as RegressionReport
from recipes.metrics.regression.sums import RegressionSums as RegressionSums
from recipes.metrics.stored_report import report_from_dict as report_from_dict
