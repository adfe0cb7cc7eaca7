"""The confusion matrix as a Keras metric: scores of each class in the logs of a training, and the whole report."""

import math

import keras
import numpy as np
from keras import ops

from recipes.arguments.numbers import require_between, require_whole
from recipes.metrics import ClassificationReport
from recipes.metrics.inputs import check_class_names

# With more classes, the scores of each would flood the progress bar.
MOST_NAMED_CLASSES = 20
_DEFAULT_NAME = "confusion_matrix"


@keras.saving.register_keras_serializable(package="keras_recipes")
class ConfusionMatrix(keras.metrics.Metric):
    """Counts which class is taken for which: `model.compile(..., metrics=[ConfusionMatrix(3, from_logits=True)])`.

    Its result is a dict, which Keras spreads over logs and history: `accuracy`, `balanced_accuracy`, `macro_f1` and
    `matthews_correlation`, and of each class `precision_<class>`, `recall_<class>` and `f1_<class>`; with `val_` in
    front where they are of the validation rows. Each can be watched:
    `EarlyStopping(monitor="val_macro_f1", mode="max")`. They are those of `classification_report` on the same rows.
    A label that is no class number makes all scores NaN.

    Counts are exact up to 2^31 - 1 rows between two resets (Keras resets after each epoch); weights are summed in pairs
    of float32, whose rounding errors do not add up.

    Args:
        num_classes: Number of classes, at least 2.
        class_names: Names of the classes in the order of the class numbers. Default: the numbers.
        from_logits: Whether a single output is a logit, rather than the probability of class 1. With several outputs
            the highest decides, whatever they are.
        threshold: Probability between 0 and 1, above which a single output means class 1. Default: 0.5.
        per_class: Whether the result has the scores of each class. Default (`None`): for at most 20 classes.
        ignore_class: Label whose rows are left out, such as -1 or 255 for pixels without a class.
        name: Name of the metric. Another name than the default precedes those of the scores, as in
            `species_macro_f1`, which distinguishes the outputs of a model with several.
        dtype: Data type of the results. Default: float32.

    Raises:
        ValueError: If there are fewer than two classes, or not as many names.
    """

    def __init__(
        self,
        num_classes,
        class_names=None,
        *,
        from_logits=False,
        threshold=0.5,
        per_class=None,
        ignore_class=None,
        name=_DEFAULT_NAME,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype or "float32")
        require_whole("num_classes", num_classes, least=2)
        names = check_class_names(class_names) or tuple(map(str, range(num_classes)))
        if len(names) != num_classes:
            raise ValueError(f"`class_names` must name {num_classes} classes. Received: {len(names)} names")
        require_between("threshold", threshold, 0, 1)
        self.num_classes = int(num_classes)
        self.class_names = names
        self.from_logits = from_logits
        self.threshold = threshold
        self.per_class = per_class
        self.ignore_class = ignore_class
        square = (self.num_classes, self.num_classes)
        # Whole numbers, because float32 stops counting at 16.7 million; of the kind that the backend can hold on a GPU.
        self._counts = self.add_variable(square, "zeros", dtype="int", name="counts")
        self._rows = self.add_variable((2,), "zeros", dtype="int", name="rows")  # all, and those of no class
        # For weights and for their squares: the sum, and the rounding error of the sum.
        self._weights = self.add_variable((2, 2, *square), "zeros", dtype="float32", name="weights")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch.

        Args:
            y_true: Class numbers `(rows,)` or `(rows, 1)`, or one-hot `(rows, classes)`; those of pixels or steps have
                further axes between.
            y_pred: Probabilities or logits `(rows, classes)`; for two classes also those of class 1 `(rows,)` or
                `(rows, 1)`; or predicted class numbers `(rows,)`.
            sample_weight: Weight of each row (or pixel). Default: every row counts 1.

        Raises:
            ValueError: If the shapes do not fit.
        """
        predicted = self._predicted(ops.convert_to_tensor(y_pred))
        labels = self._labels(ops.convert_to_tensor(y_true), predicted)
        weights = None if sample_weight is None else _like(labels, ops.cast(sample_weight, "float32"))
        labels, predicted = ops.reshape(labels, (-1,)), ops.reshape(predicted, (-1,))
        known = _within(labels, self.num_classes) & _within(predicted, self.num_classes)
        counted = ops.ones_like(known) if self.ignore_class is None else labels != self.ignore_class
        # Backends differ in what they do with a cell outside of the matrix: there is one more for those.
        cells = ops.where(known & counted, labels * self.num_classes + predicted, self.num_classes**2)
        rows = [ops.sum(ops.cast(which, self._rows.dtype)) for which in (counted, counted & ~known)]
        self._rows.assign_add(ops.cast(ops.stack(rows), self._rows.dtype))
        if weights is None:
            self._counts.assign_add(ops.cast(self._summed(ops.ones_like(cells), cells), self._counts.dtype))
            return
        added = ops.stack([self._summed(weights, cells), self._summed(ops.square(weights), cells)])
        before, lost = self._weights[:, 0], self._weights[:, 1]
        total = before + added
        # The rounding error of the sum (Knuth's TwoSum).
        share = total - before
        lost = lost + ((before - (total - share)) + (added - share))
        self._weights.assign(ops.stack([total, lost], axis=1))

    def result(self):
        """Scores by name; those of classes without a value are 0, as in `ClassificationReport.classes`."""
        weights = ops.sum(self._weights[0], axis=0)
        # In whole numbers as far as possible: float32 would lose small classes beside large ones.
        hits, missed, wrong, others = (
            ops.cast(counted, "float32") + weighed
            for counted, weighed in zip(_margins(ops.convert_to_tensor(self._counts)), _margins(weights), strict=True)
        )
        support, predicted = hits + missed, hits + wrong
        total = support[0] + wrong[0] + others[0]
        precision, recall = ops.divide_no_nan(hits, predicted), ops.divide_no_nan(hits, support)
        f1 = ops.divide_no_nan(2 * hits, support + predicted)
        there = ops.sum(ops.cast(support > 0, "float32"))
        scores = {
            "accuracy": ops.divide_no_nan(ops.sum(hits), total),
            "balanced_accuracy": ops.divide_no_nan(ops.sum(recall), there),
            "macro_f1": ops.mean(f1),
            "matthews_correlation": _matthews(*(part / total for part in (hits, missed, wrong, others))),
        }
        if self.num_classes <= MOST_NAMED_CLASSES if self.per_class is None else self.per_class:
            for score, values in (("precision", precision), ("recall", recall), ("f1", f1)):
                scores |= {f"{score}_{name}": values[number] for number, name in enumerate(self.class_names)}
        nothing = ops.where(self._rows[1] > 0, math.nan, 0.0)
        prefix = "" if self.name == _DEFAULT_NAME else f"{self.name}_"
        return {f"{prefix}{name}": ops.cast(value + nothing, self.dtype) for name, value in scores.items()}

    @property
    def confusion_matrix(self) -> np.ndarray:
        """`(classes, classes)`; a row is a true class. int64, or float64 once rows were weighted."""
        return self._matrix(0)

    def report(self, confidence: float = 0.95) -> ClassificationReport:
        """The report on all rows since the last reset.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.

        Raises:
            ValueError: If there were no rows, or labels that are no class numbers.
        """
        rows, of_no_class = ops.convert_to_numpy(self._rows).tolist()
        if of_no_class:
            raise ValueError(
                f"labels must be class numbers from 0 to {self.num_classes - 1}. Received: {of_no_class:,} others "
                f"among {rows:,}"
            )
        matrix = self.confusion_matrix
        squares = None if matrix.dtype.kind == "i" else self._matrix(1)
        return ClassificationReport(matrix, self.class_names, confidence, rows, squares)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_names": list(self.class_names),
            "from_logits": self.from_logits,
            "threshold": self.threshold,
            "per_class": self.per_class,
            "ignore_class": self.ignore_class,
        }

    def _predicted(self, outputs):
        """Class numbers, int32, without the axis of the classes."""
        shape = tuple(outputs.shape)
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(outputs.dtype)):
            return ops.cast(outputs if len(shape) < 2 or shape[-1] != 1 else outputs[..., 0], "int32")
        if len(shape) > 1 and shape[-1] == self.num_classes:
            return ops.cast(ops.argmax(outputs, axis=-1), "int32")
        if self.num_classes != 2 or not shape or (len(shape) > 1 and shape[-1] != 1):
            raise ValueError(f"`y_pred` must have {self.num_classes} outputs, one for each class. Received: {shape}")
        least = math.log(self.threshold / (1 - self.threshold)) if self.from_logits else self.threshold
        return ops.cast((outputs[..., 0] if len(shape) > 1 else outputs) > least, "int32")

    def _labels(self, labels, predicted):
        """Class numbers, int32, of the shape of `predicted`."""
        shape, rank = tuple(labels.shape), len(predicted.shape)
        if len(shape) == rank + 1 and shape[-1] == self.num_classes:
            return ops.cast(ops.argmax(labels, axis=-1), "int32")
        if len(shape) == rank + 1 and shape[-1] == 1:
            labels = labels[..., 0]
        if len(labels.shape) != rank:
            raise ValueError(
                f"`y_true` must have class numbers, or {self.num_classes} columns, for each prediction. "
                f"Received: {shape} for {tuple(predicted.shape)}"
            )
        return ops.cast(labels, "int32")

    def _summed(self, values, cells):
        """Sum of `values` in each cell, as a matrix."""
        sums = ops.segment_sum(values, cells, num_segments=self.num_classes**2 + 1)
        return ops.reshape(sums[:-1], (self.num_classes, self.num_classes))

    def _matrix(self, power: int) -> np.ndarray:
        counts = ops.convert_to_numpy(self._counts).astype(np.int64)
        weights = ops.convert_to_numpy(self._weights)
        return counts + weights[power].astype(np.float64).sum(axis=0) if weights.any() else counts


def _within(numbers, num_classes: int):
    return (numbers >= 0) & (numbers < num_classes)


def _like(labels, weights):
    """One weight for each label, in one row, from weights that may lack axes of the labels."""
    rank = len(labels.shape)
    if len(weights.shape) == rank + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    while weights.shape and len(weights.shape) < rank:
        weights = ops.expand_dims(weights, -1)
    return ops.reshape(ops.broadcast_to(weights, ops.shape(labels)), (-1,))


def _margins(matrix):
    """True positives, false negatives, false positives and true negatives of each class."""
    hits, support, predicted = ops.diagonal(matrix), ops.sum(matrix, axis=1), ops.sum(matrix, axis=0)
    return hits, support - hits, predicted - hits, ops.sum(matrix) - support - predicted + hits


def _matthews(hits, missed, wrong, others):
    """The same as `decision_scores.matthews_correlation`, from shares, arranged against cancellation in float32."""
    covariance = ops.sum(hits * others - missed * wrong)
    spread = ops.sum((hits + missed) * (wrong + others)) * ops.sum((hits + wrong) * (missed + others))
    return ops.where(spread > 0, covariance / ops.sqrt(ops.where(spread > 0, spread, 1.0)), math.nan)
