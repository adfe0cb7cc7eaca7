"""How good a finished model is, from plain arrays of any framework."""

from recipes.metrics.calibration import Calibration as Calibration
from recipes.metrics.classification import classification_report as classification_report
from recipes.metrics.classification import decide as decide
from recipes.metrics.classification import report_with_exact_ranking as report_with_exact_ranking
from recipes.metrics.comparison import Comparison as Comparison
from recipes.metrics.comparison import compare_predictions as compare_predictions
from recipes.metrics.confusion import confusion_matrix as confusion_matrix
from recipes.metrics.greatest_losses import LossRow as LossRow
from recipes.metrics.intervals import bootstrap as bootstrap
from recipes.metrics.intervals import wilson as wilson
from recipes.metrics.labels import are_probabilities as are_probabilities
from recipes.metrics.multi_label import MultiLabelReport as MultiLabelReport
from recipes.metrics.multi_label_counts import MultiLabelCounts as MultiLabelCounts
from recipes.metrics.probability_scores import ProbabilityScores as ProbabilityScores
from recipes.metrics.regression import RegressionReport as RegressionReport
from recipes.metrics.regression import regression_report as regression_report
from recipes.metrics.regression_sums import RegressionSums as RegressionSums
from recipes.metrics.score_bins import bin_edges as bin_edges
from recipes.metrics.single_label import ClassificationReport as ClassificationReport
from recipes.metrics.single_label import Confusion as Confusion
from recipes.metrics.single_label_counts import ClassificationCounts as ClassificationCounts
from recipes.metrics.temperature import temperature as temperature
from recipes.metrics.temperature import with_temperature as with_temperature
from recipes.metrics.thresholds import Threshold as Threshold
from recipes.metrics.thresholds import find_threshold as find_threshold
