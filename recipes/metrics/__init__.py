"""How good a finished model is, from plain arrays of any framework."""

from recipes.metrics.classification import ClassificationReport as ClassificationReport
from recipes.metrics.classification import classification_report as classification_report
from recipes.metrics.classification import confusion_matrix as confusion_matrix
from recipes.metrics.classification import decide as decide
from recipes.metrics.comparison import Comparison as Comparison
from recipes.metrics.comparison import compare_predictions as compare_predictions
from recipes.metrics.regression import RegressionReport as RegressionReport
from recipes.metrics.regression import regression_report as regression_report
from recipes.metrics.regression_sums import RegressionSums as RegressionSums
