"""What was seen of a training: plain values, from which each rule decides."""

from dataclasses import dataclass, field

import numpy as np

from recipes.runs.watched import Watched


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """One layer of the model, in the order of the model; layers inside nested models are listed one by one.

    Attributes:
        name: Name of the layer as in `Record.layers`: `"dense"`, or `"body/dense"` inside a nested model.
        kind: Name of its class, such as `"Dense"`.
        activation: Name of its activation in lower case; `"linear"` for none; `None` where it has no such thing.
        units: Number of its output units or channels; `None` where it is not known.
        has_kernel: Whether it has a kernel (Dense, convolution, recurrent), so that an activation behind it matters.
        trainable: Whether its weights are trained; `True` for a layer without weights.
        fan_in: Number of inputs of each unit of its kernel; `None` without a kernel.
        kernel_std: Standard deviation of its kernel at present; `None` without a kernel.
        kernel_rule_std: Standard deviation that the variance rule for its activation asks for; `None` if not known.
        identical_units: Whether all its units have the same weights, so that they learn the same.
        untouched: Whether its weights look as the initializer made them: biases at their constant, kernel at the
            spread of its initializer; `None` where that cannot be told.
        rate: Rate of a dropout layer; `None` for others.
        in_sequence: Whether the layer takes the output of the layer before it in this list and of no other.
        behind_outputs: Whether the layer stands behind the last layer with a kernel.
    """

    name: str
    kind: str
    activation: str | None = None
    units: int | None = None
    has_kernel: bool = False
    trainable: bool = True
    fan_in: int | None = None
    kernel_std: float | None = None
    kernel_rule_std: float | None = None
    identical_units: bool = False
    untouched: bool | None = None
    rate: float | None = None
    in_sequence: bool = True
    behind_outputs: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """The compiled model.

    Attributes:
        layers: Its layers.
        output_layer: Name of the layer that gives the outputs; `None` where it is not known.
        output_activation: Name of the output activation in lower case; `"linear"` for none; `None` where it is not
            known (a subclassed model).
        output_shape: Shape of the outputs of one row, `()` for one number.
        loss: Name of the compiled loss in lower case without separators, as `Outputs` gives it; `""` if there is none.
        takes_logits: Whether the loss takes logits: by `from_logits=True`, or by its values if it is the user's own.
        takes_probabilities: Whether a loss of the user's own takes probabilities, by its values; `True` for others.
        ignores_class: Whether the loss leaves out places with a class number of its own, such as -1 or 255.
        metrics: Names of the metrics as they were given to `compile`, in lower case without separators.
        optimizer: Name of the optimizer's class, such as `"Adam"`; of a wrapper, that of the innermost.
        learning_rate: Learning rate of the first step.
        ignored_learning_rate: Number in an attribute `lr` of the optimizer, which Keras 3 does not read; `None` without
            it.
        has_schedule: Whether the learning rate follows a schedule.
        scheduled_rates: Learning rates of the schedule at evenly spaced steps from the first to the last of the
            training; empty without a schedule, and where the number of steps is not known.
        scheduled_peak: Highest learning rate of the schedule within the training; NaN where it is not known.
        clips: Whether the optimizer clips gradients.
        trained_since_compile_changed: Names of layers whose `trainable` was changed after `compile`, without effect.
        has_class_weight: Whether rare classes are weighted in any way that can be seen (a focal loss, class weights).
        parameters: Number of trained numbers.
    """

    layers: tuple[LayerFacts, ...]
    output_layer: str | None
    output_activation: str | None
    output_shape: tuple[int, ...]
    loss: str
    takes_logits: bool = False
    margins: bool = False
    takes_probabilities: bool = True
    ignores_class: bool = False
    metrics: tuple[str, ...] = ()
    optimizer: str = ""
    learning_rate: float = 0.001
    ignored_learning_rate: float | None = None
    has_schedule: bool = False
    scheduled_rates: tuple[float, ...] = ()
    scheduled_peak: float = np.nan
    clips: bool = False
    trained_since_compile_changed: tuple[str, ...] = ()
    has_class_weight: bool = False
    parameters: int = 0

    @property
    def units(self) -> int:
        """Number of outputs on the last axis."""
        return self.output_shape[-1] if self.output_shape else 1


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """The targets, all rows of them (or the sample that was read).

    Attributes:
        form: `"labels"` for whole numbers from 0 (class numbers), `"binary"` for 0 and 1 in one column (or a vector),
            `"one_hot"` (also soft: probabilities that sum to 1), `"multi_label"` for several columns of 0 and 1 that
            are not one-hot, `"numbers"` for all else.
        shape: Shape of the targets of one row, `()` for one number.
        classes: Number of classes: the largest class number plus one, the columns of one-hot and of multi-label
            targets, 2 for binary ones, 0 for numbers.
        distinct: Number of distinct values (of class numbers where there are classes); at most 1,000 are counted.
        counts: Rows of each class `(classes,)`; empty for numbers and multi-label targets.
        low: Least value.
        high: Greatest value.
        mean: Mean.
        std: Standard deviation over rows, the largest of any column.
        is_whole: Whether all values are whole numbers.
        finite: Whether all values are finite.
        first_bad: Number of the first row that is not finite, from 0; `None` if all are.
    """

    form: str
    shape: tuple[int, ...]
    classes: int
    distinct: int
    counts: np.ndarray
    low: float
    high: float
    mean: float
    std: float
    is_whole: bool
    finite: bool = True
    first_bad: int | None = None


@dataclass(frozen=True, kw_only=True)
class InputFacts:
    """The inputs: one column a feature; for images and sequences, one column a channel.

    Attributes:
        shape: Shape of a row.
        kind: `"table"` for rows of one axis, `"image"` for three axes, `"sequence"` for two, `"tokens"` for whole
            numbers that go into an embedding, `"other"`.
        mean: Mean of each column `(columns,)`.
        std: Standard deviation of each column over all rows and places `(columns,)`.
        low: Least value of each column; `high` the greatest.
        constant: Mask of the columns that have one value only `(columns,)`; for images and sequences of the places
            `(places,)`.
        is_normalized_inside: Whether the model scales its inputs itself, by a normalization layer in front of the
            first kernel.
        finite: Share of the rows whose inputs are all finite.
        first_bad: Number of the first row that is not finite, and of the first such value in it, both from 0, the
            value counted along the flattened row; `None` if all are finite.
    """

    shape: tuple[int, ...]
    kind: str
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    constant: np.ndarray
    is_normalized_inside: bool = False
    finite: float = 1.0
    first_bad: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The rows.

    Attributes:
        rows: Number of training rows.
        validation_rows: Number of validation rows; 0 without any.
        inputs: Inputs of the training rows.
        targets: Targets of the training rows.
        validation_inputs: Inputs of the validation rows; `None` without any.
        validation_targets: Targets of the validation rows; `None` without any.
        repeated: Share of the training rows that are equal to an earlier one.
        leaked: Share of the validation rows that occur among the training rows.
        is_sorted: Whether the training rows are sorted by target.
        mispaired: Share of the training rows that come with another target when they are read again; `None` where no
            rows come again.
    """

    rows: int
    validation_rows: int
    inputs: InputFacts
    targets: TargetFacts
    validation_inputs: InputFacts | None = None
    validation_targets: TargetFacts | None = None
    repeated: float = 0.0
    leaked: float = 0.0
    is_sorted: bool = False
    mispaired: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What simple models reach on the same rows: the yardstick of what can be learnt.

    Scores are accuracy for classes (balanced accuracy beside it), R2 for numbers; of held-out rows.

    Attributes:
        chance: Score of the best constant prediction.
        linear: Score of a linear model on standardized inputs.
        trees: Score of a small forest or of nearest neighbours, the better of the two.
        neighbors: Share of the training rows whose label a model of the others gives (cross-validated on the training
            rows, the best of the models); what is far lower than `best` speaks of damaged training labels.
        permuted: The same with permuted labels, of the linear model: what no signal gives.
        validation: The same of the validation rows among themselves; what is far higher than `best` speaks of damaged
            training labels, too. NaN without validation rows.
        balanced: Balanced accuracy of the best of them, each class counting the same; NaN for numbers.
        margin: Twice the standard error of a score on that many held-out rows.
    """

    chance: float
    linear: float = np.nan
    trees: float = np.nan
    neighbors: float = np.nan
    permuted: float = np.nan
    validation: float = np.nan
    balanced: float = np.nan
    margin: float = 0.05

    @property
    def best(self) -> float:
        """The best of the scores."""
        return float(np.nanmax([self.chance, self.linear, self.trees]))


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training under watch.

    Attributes:
        watched: History and record, whose epochs are counted from 1, and 0 before the first step.
        epochs: Number of epochs that were trained.
        steps: Number of steps in an epoch.
        score: Score of the held-out rows (of the training rows where there are none) after each epoch, from epoch 0,
            before the first step, `(epochs + 1,)`: accuracy for classes, R2 for numbers; NaN where it is not defined.
        train_score: The same of a sample of the training rows, without dropout.
        balanced: Balanced accuracy of the held-out rows at the end; NaN for numbers.
        constant_output: Whether the model gives the same output for every row at the end.
        is_finite: Whether loss, weights and outputs stayed finite.
        losses: Loss of training rows before the first step, and mean loss of each epoch, `(epochs + 1,)`; empty where
            it is not known.
        seconds: Time that it took.
    """

    watched: Watched
    epochs: int
    steps: int
    score: np.ndarray
    train_score: np.ndarray
    balanced: float = np.nan
    constant_output: bool = False
    is_finite: bool = True
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that the rules decide from. What was not looked at yet is `None`, and rules that need it return nothing.

    Attributes:
        model: The compiled model.
        data: The rows.
        epochs: Number of epochs asked for.
        batch_size: Number of rows in one batch.
        error: The error of the first step, in one line; `None` if there was none.
        course: Training under watch.
        reference: What simple models reach.
        trials: Trainings with one thing changed, by name of the change.
        human_error: Error of people on the task: the share of wrong classes, or 1 - R2; `None` where it is not known.
    """

    model: ModelFacts
    data: DataFacts
    epochs: int = 1
    batch_size: int = 32
    error: str | None = None
    course: Course | None = None
    reference: Reference | None = None
    trials: dict[str, Course] = field(default_factory=dict)
    human_error: float | None = None
