"""Healthy programs for tables, in the way of the examples and tutorials of Keras and TensorFlow."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_multilabel_classification

from healthy_programs.data import adult, housing, split, table
from healthy_programs.program import Program

CLASSES = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def _standardized(name: str, seed: int) -> tuple:
    x, y, (held_x, held_y) = split(*table(name), seed)
    mean, spread = x.mean(0), x.std(0) + 1e-7
    return (x - mean) / spread, y, ((held_x - mean) / spread, held_y)


def structured_data_classification(seed: int) -> Program:
    """Structured data from scratch: a Normalization layer on raw columns, 32 units, dropout, one sigmoid unit."""
    x, y, held = split(*table("breast_cancer"), seed)
    normalization = layers.Normalization()
    normalization.adapt(x)
    parts = [keras.Input((30,)), normalization, layers.Dense(32, activation="relu"), layers.Dropout(0.5)]
    model = keras.Sequential([*parts, layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=50, batch_size=32, least=0.85)


def wide_and_deep_income(seed: int) -> Program:
    """Wide and deep: all columns straight to the output beside two layers with batch normalization and dropout."""
    x, y, held = split(*adult(), seed)
    inputs = keras.Input((x.shape[1],))
    wide = layers.BatchNormalization()(inputs)
    deep = inputs
    for _ in range(2):
        deep = layers.Activation("relu")(layers.BatchNormalization()(layers.Dense(32)(deep)))
        deep = layers.Dropout(0.1)(deep)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.concatenate([wide, deep])))
    model.compile(
        keras.optimizers.Adam(0.001), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")]
    )
    return Program(model, x, y, held, epochs=8, batch_size=64, least=0.3)


def gated_residual_income(seed: int) -> Program:
    """Gated residual network: ELU, a linear layer and a sigmoid gate; two softmax units."""
    x, y, held = split(*adult(), seed)
    inputs = keras.Input((x.shape[1],))
    hidden = layers.Dense(32)(inputs)
    for _ in range(2):
        inner = layers.Dropout(0.15)(layers.Dense(32)(layers.Dense(32, activation="elu")(hidden)))
        inner = layers.Multiply()([layers.Dense(32)(inner), layers.Dense(32, activation="sigmoid")(inner)])
        hidden = layers.LayerNormalization()(layers.Add()([hidden, inner]))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", **CLASSES)
    return Program(model, x, y, held, epochs=6, batch_size=64, least=0.3)


def rare_digit(seed: int) -> Program:
    """Imbalanced classification that succeeds: one class of ten against the others, precision and recall as metrics."""
    x, y = table("digits")
    x, y, held = split(x / 16, (y == 3).astype(int), seed)
    parts = [layers.Dense(64, activation="relu"), layers.Dropout(0.3), layers.Dense(64, activation="relu")]
    model = keras.Sequential([keras.Input((64,)), *parts, layers.Dense(1, activation="sigmoid")])
    metrics = [keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")]
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy", metrics=metrics)
    return Program(model, x, y, held, epochs=20, batch_size=64, least=0.8)


def house_values(seed: int) -> Program:
    """Basic regression: a Normalization layer on raw columns of all scales, two layers of 64 units, MAE."""
    x, y, held = split(*housing(), seed)
    normalization = layers.Normalization()
    normalization.adapt(x)
    parts = [normalization, layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *parts])
    model.compile(keras.optimizers.Adam(0.001), "mean_absolute_error")
    return Program(model, x, y, held, epochs=20, batch_size=32, least=0.62)


def house_values_huber(seed: int) -> Program:
    """Batch normalization in front, on raw columns; Huber loss on targets with a mean of 2 and a long tail."""
    x, y, held = split(*housing(), seed)
    parts = [layers.BatchNormalization(), layers.Dense(64, activation="silu"), layers.Dense(64, activation="silu")]
    model = keras.Sequential([keras.Input((8,)), *parts, layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.Huber(), metrics=["mae"])
    return Program(model, x, y, held, epochs=25, batch_size=64, least=0.62)


def diabetes_with_penalty(seed: int) -> Program:
    """A small, noisy regression: standardized targets, L2 penalty, dropout; a third can be explained."""
    x, y, (held_x, held_y) = split(*table("diabetes"), seed)
    x, held_x = x / 0.0476, held_x / 0.0476
    mean, spread = y.mean(), y.std()
    penalty = keras.regularizers.L2(0.001)
    parts = [layers.Dense(32, activation="relu", kernel_regularizer=penalty), layers.Dropout(0.3), layers.Dense(1)]
    model = keras.Sequential([keras.Input((10,)), *parts])
    model.compile(keras.optimizers.Adam(0.003), "mse", metrics=["mae"])
    held = held_x, (held_y - mean) / spread
    return Program(model, x, (y - mean) / spread, held, epochs=60, batch_size=32, least=0.25)


def wine_selu(seed: int) -> Program:
    """Self-normalizing network: LeCun's initial weights, SELU, AlphaDropout."""
    x, y, held = _standardized("wine", seed)
    parts = []
    for _ in range(3):
        parts += [layers.Dense(32, activation="selu", kernel_initializer="lecun_normal"), layers.AlphaDropout(0.05)]
    model = keras.Sequential([keras.Input((13,)), *parts, layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.001), **CLASSES)
    return Program(model, x, y, held, epochs=40, batch_size=16, least=0.85)


def logistic_regression(seed: int) -> Program:
    """A single layer is a logistic regression: enough for what is nearly linear."""
    x, y, held = _standardized("breast_cancer", seed)
    model = keras.Sequential([keras.Input((30,)), layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=30, batch_size=32, least=0.85)


def hinge_with_margins(seed: int) -> Program:
    """Support vector machine: targets of -1 and 1, hinge loss, a linear output."""
    x, y, (held_x, held_y) = _standardized("breast_cancer", seed)
    penalty = keras.regularizers.L2(0.001)
    hidden = layers.Dense(32, activation="relu")
    model = keras.Sequential([keras.Input((30,)), hidden, layers.Dense(1, kernel_regularizer=penalty)])
    model.compile(keras.optimizers.Adam(0.003), "hinge")
    held = held_x, 2.0 * held_y - 1
    return Program(model, x, 2.0 * y - 1, held, epochs=20, batch_size=32, least=0.85)


@keras.saving.register_keras_serializable(package="healthy_programs")
class Classifier(keras.Model):
    """A subclassed model: its layers are attributes, and only `call` says in which order they are used."""

    def __init__(self, **options):
        super().__init__(**options)
        self.out = layers.Dense(3)
        self.first, self.second = layers.Dense(32, activation="relu"), layers.Dense(32, activation="relu")
        self.dropout = layers.Dropout(0.2)

    def call(self, inputs, training=False):
        """Logits of the classes, `(batch, 3)`."""
        return self.out(self.dropout(self.second(self.first(inputs)), training=training))


def iris_subclassed(seed: int) -> Program:
    """Guide of subclassing: logits out of a model of the author's own."""
    x, y, held = _standardized("iris", seed)
    model = Classifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss, metrics=[keras.metrics.SparseCategoricalAccuracy()])
    return Program(model, x, y, held, epochs=40, batch_size=16, least=0.8)


def multi_label_topics(seed: int) -> Program:
    """Large-scale multi-label classification, made small: counts of words, sigmoid units, binary crossentropy."""
    x, y = make_multilabel_classification(3000, n_features=100, n_classes=8, n_labels=3, random_state=seed)
    x, y, held = split((x / x.max()).astype("float32"), y.astype("float32"), seed)
    parts = [layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(64, activation="relu")]
    model = keras.Sequential([keras.Input((100,)), *parts, layers.Dense(8, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    return Program(model, x, y, held, epochs=15, batch_size=32, least=0.5)


def poisson_counts(seed: int) -> Program:
    """Counts: an exponential output and the Poisson loss."""
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(3000, 6)).astype("float32")
    y = draws.poisson(np.exp(1 + 0.5 * x[:, 0] - 0.4 * x[:, 1] * (x[:, 2] > 0))).astype("float32")
    x, y, held = split(x, y, seed)
    parts = [
        layers.Dense(32, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="exponential"),
    ]
    model = keras.Sequential([keras.Input((6,)), *parts])
    model.compile(keras.optimizers.Adam(0.002), "poisson")
    return Program(model, x, y, held, epochs=25, batch_size=32, least=0.35)


PROGRAMS = (
    structured_data_classification, wide_and_deep_income, gated_residual_income, rare_digit, house_values,
    house_values_huber, diabetes_with_penalty, wine_selu, logistic_regression, hinge_with_margins, iris_subclassed,
    multi_label_topics, poisson_counts,
)  # fmt: skip
