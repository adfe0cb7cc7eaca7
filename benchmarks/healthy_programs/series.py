"""Healthy programs for time series, in the way of the examples of keras.io."""

import keras
import numpy as np
from keras import layers

from healthy_programs.data import split
from healthy_programs.program import Program


def _engines(seed: int) -> tuple:
    """Standardized noise of engines, `(rows, 100, 1)`: three kinds that differ in how fast they swing."""
    draws = np.random.default_rng(seed)
    y = draws.integers(3, size=1500)
    places = np.arange(100) * (0.3 + 0.15 * y[:, None]) * draws.uniform(0.9, 1.1, (len(y), 1))
    x = np.sin(places + draws.uniform(0, 7, (len(y), 1))) + draws.normal(size=places.shape)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return split(x[..., None].astype("float32"), y, seed)


def _weather(seed: int, steps: int) -> tuple:
    """Windows of an hourly temperature, standardized `(rows, steps, 1)`, and the temperature six hours later."""
    draws = np.random.default_rng(seed)
    hours = np.arange(6000)
    drift = np.convolve(draws.normal(size=6000), 0.97 ** np.arange(200))[:6000]
    series = 6 * np.sin(2 * np.pi * hours / 24) + 8 * np.sin(2 * np.pi * hours / 3000) + 0.8 * drift
    series = ((series - series[:4000].mean()) / series[:4000].std()).astype("float32")
    starts = np.arange(0, 6000 - steps - 6, 2)
    x, y = series[starts[:, None] + np.arange(steps)][..., None], series[starts + steps + 5]
    return split(x, y, seed)


def fully_convolutional(seed: int) -> Program:
    """Timeseries classification from scratch: convolution, batch normalization, ReLU, three times; no pooling."""
    x, y, held = _engines(seed)
    inputs = hidden = keras.Input((100, 1))
    for _ in range(3):
        hidden = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(32, 3, padding="same")(hidden)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(hidden)))
    metrics = ["sparse_categorical_accuracy"]
    model.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
    return Program(model, x, y, held, epochs=20, batch_size=32, least=0.7)


def series_transformer(seed: int) -> Program:
    """Timeseries classification with a transformer: attention behind a first convolution."""
    x, y, held = _engines(seed)
    inputs = keras.Input((100, 1))
    hidden = layers.Conv1D(32, 5, strides=2, padding="same", activation="relu")(inputs)
    for _ in range(2):
        inner = layers.Dropout(0.1)(layers.MultiHeadAttention(2, 16, dropout=0.1)(hidden, hidden))
        hidden = middle = layers.Add()([hidden, layers.LayerNormalization(epsilon=1e-6)(inner)])
        inner = layers.Dropout(0.1)(layers.Conv1D(32, 1, activation="relu")(middle))
        inner = layers.LayerNormalization(epsilon=1e-6)(layers.Conv1D(32, 1)(inner))
        hidden = layers.Add()([inner, middle])
    hidden = layers.Dropout(0.2)(layers.Dense(64, activation="relu")(layers.GlobalAveragePooling1D()(hidden)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=15, batch_size=32, least=0.7)


def weather_forecast(seed: int) -> Program:
    """Timeseries forecasting: an LSTM of 32 units, MSE."""
    x, y, held = _weather(seed, 48)
    model = keras.Sequential([keras.Input((48, 1)), layers.LSTM(32), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.001), "mse")
    return Program(model, x, y, held, epochs=15, batch_size=64, least=0.75)


def stacked_gru(seed: int) -> Program:
    """Two GRU layers with dropout between them, clipped gradients."""
    x, y, held = _weather(seed, 24)
    parts = [layers.GRU(32, return_sequences=True), layers.Dropout(0.1), layers.GRU(16), layers.Dense(1)]
    model = keras.Sequential([keras.Input((24, 1)), *parts])
    model.compile(keras.optimizers.Adam(0.003, clipnorm=1.0), "mse", metrics=["mae"])
    return Program(model, x, y, held, epochs=15, batch_size=64, least=0.75)


def reconstruction_for_anomalies(seed: int) -> Program:
    """Timeseries anomaly detection: a convolutional autoencoder of windows, MSE."""
    x, _, (held, _) = _weather(seed, 48)
    model = keras.Sequential(
        [
            keras.Input((48, 1)),
            layers.Conv1D(32, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(16, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(16, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1DTranspose(32, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(1, 7, padding="same"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.001), "mse")
    return Program(model, x, x, (held, held), epochs=15, batch_size=64, least=0.8)


def sine_curve(seed: int) -> Program:
    """One number in, one out: a sine, learnt by two tanh layers."""
    draws = np.random.default_rng(seed)
    x = draws.uniform(-3, 3, (1000, 1)).astype("float32")
    x, y, held = split(x, (np.sin(x) + 0.1 * draws.normal(size=x.shape)).astype("float32"), seed)
    parts = [layers.Dense(32, activation="tanh"), layers.Dense(32, activation="tanh"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((1,)), *parts])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return Program(model, x, y, held, epochs=40, batch_size=32, least=0.9)


PROGRAMS = (
    fully_convolutional, series_transformer, weather_forecast, stacked_gru, reconstruction_for_anomalies, sine_curve,
)  # fmt: skip
