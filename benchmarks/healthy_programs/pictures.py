"""Healthy programs for images, in the way of the examples and guides of keras.io."""

import keras
import numpy as np
from keras import layers

from healthy_programs.data import images, split, table
from healthy_programs.program import Program

LOGITS = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]}
CLASSES = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def _scaled(folder: str, seed: int, rows: int = 6000) -> tuple:
    """Images between 0 and 1, float32 `(rows, 28, 28, 1)`."""
    x, y = images(folder)
    return split(x[..., None].astype("float32") / 255, y, seed, rows)


def _flat(folder: str, seed: int) -> tuple:
    x, y = images(folder)
    return split(x.reshape(len(x), -1).astype("float32") / 255, y, seed)


def _digits(seed: int, shape: tuple = (8, 8, 1)) -> tuple:
    x, y = table("digits")
    return split(x.reshape(-1, *shape) / 16, y, seed)


def mnist_convnet(seed: int) -> Program:
    """Simple MNIST convnet: one-hot labels, softmax, dropout."""
    x, y, (held_x, held_y) = _scaled("mnist", seed, rows=5000)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    one_hot = [keras.utils.to_categorical(labels, 10) for labels in (y, held_y)]
    return Program(model, x, one_hot[0], (held_x, one_hot[1]), epochs=6, batch_size=128, least=0.95)


def mnist_mlp_guide(seed: int) -> Program:
    """Guide of `fit`: two layers of 64 units on rows of pixels, RMSprop."""
    x, y, held = _flat("mnist", seed)
    inputs = keras.Input((784,), name="digits")
    hidden = layers.Dense(64, activation="relu", name="dense_1")(inputs)
    hidden = layers.Dense(64, activation="relu", name="dense_2")(hidden)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", name="predictions")(hidden))
    model.compile(keras.optimizers.RMSprop(0.001), **CLASSES)
    return Program(model, x, y, held, epochs=8, batch_size=64, least=0.88)


def mnist_rows_lstm(seed: int) -> Program:
    """Guide of recurrent networks: each image a sequence of its rows, batch normalization behind the LSTM, SGD."""
    x, y, held = _scaled("mnist", seed)
    x, held = x[..., 0], (held[0][..., 0], held[1])
    parts = [keras.Input((28, 28)), layers.LSTM(64), layers.BatchNormalization(), layers.Dense(10)]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.SGD(0.1), **LOGITS)
    return Program(model, x, y, held, epochs=10, batch_size=64, least=0.9)


def fashion_dense(seed: int) -> Program:
    """First tutorial of classification: Flatten, 128 units, logits, Adam."""
    x, y, held = _scaled("fashion-mnist", seed)
    x, held = x[..., 0], (held[0][..., 0], held[1])
    parts = [keras.Input((28, 28)), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    model = keras.Sequential(parts)
    model.compile("adam", **LOGITS)
    return Program(model, x, y, held, epochs=10, batch_size=32, least=0.8)


def fashion_from_raw_pixels(seed: int) -> Program:
    """Image classification from scratch: bytes, rescaled and moved in the model; convolution, normalization, ReLU."""
    x, y = images("fashion-mnist")
    x, y, held = split(x[..., None], y, seed)
    inputs = keras.Input((28, 28, 1))
    hidden = layers.RandomTranslation(0.05, 0.05)(layers.Rescaling(1 / 255)(inputs))
    for width in (32, 64):
        hidden = layers.Conv2D(width, 3, strides=2, padding="same")(hidden)
        hidden = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(hidden))
    hidden = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(inputs, layers.Dense(10)(hidden))
    model.compile(keras.optimizers.Adam(0.003), **LOGITS)
    return Program(model, x, y, held, epochs=12, batch_size=64, least=0.7)


def deep_autoencoder(seed: int) -> Program:
    """Building autoencoders in Keras: 784 to 32 numbers and back, sigmoid and binary crossentropy of pixels."""
    x, _, (held, _) = _flat("mnist", seed)
    parts = [layers.Dense(width, activation="relu") for width in (128, 64, 32, 64, 128)]
    model = keras.Sequential([keras.Input((784,)), *parts, layers.Dense(784, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return Program(model, x, x, (held, held), epochs=20, batch_size=64, least=0.5)


def denoising_autoencoder(seed: int) -> Program:
    """Convolutional autoencoder for image denoising."""
    x, _, (held, _) = _scaled("mnist", seed, rows=2500)
    draws = np.random.default_rng(seed)
    noisy, held_noisy = (
        np.clip(part + 0.4 * draws.normal(size=part.shape), 0, 1).astype("float32") for part in (x, held)
    )
    inputs = hidden = keras.Input((28, 28, 1))
    for _ in range(2):
        hidden = layers.MaxPooling2D(padding="same")(layers.Conv2D(32, 3, activation="relu", padding="same")(hidden))
    for _ in range(2):
        hidden = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(hidden)
    model = keras.Model(inputs, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(hidden))
    model.compile("adam", "binary_crossentropy")
    return Program(model, noisy, x, (held_noisy, held), epochs=8, batch_size=64, least=0.6)


def transfer_with_frozen_backbone(seed: int) -> Program:
    """Guide of transfer learning: features learnt on the digits 0 to 4, frozen on purpose; a new head for 5 to 9."""
    x, y = images("mnist")
    x = x[..., None].astype("float32") / 255
    backbone = keras.Sequential(name="backbone")
    for width in (16, 32):
        backbone.add(layers.Conv2D(width, 3, strides=2, padding="same"))
        backbone.add(layers.BatchNormalization())
        backbone.add(layers.ReLU())
    first = keras.Sequential([keras.Input((28, 28, 1)), backbone, layers.GlobalAveragePooling2D(), layers.Dense(5)])
    first.compile(keras.optimizers.Adam(0.003), **LOGITS)
    first.fit(x[y < 5][:4000], y[y < 5][:4000], epochs=4, batch_size=64, verbose=0)
    backbone.trainable = False
    inputs = keras.Input((28, 28, 1))
    hidden = layers.Dropout(0.2)(layers.Flatten()(backbone(inputs, training=False)))
    model = keras.Model(inputs, layers.Dense(5)(hidden))
    model.compile("adam", **LOGITS)
    x, y, held = split(x[y > 4], y[y > 4] - 5, seed, rows=2500)
    return Program(model, x, y, held, epochs=10, batch_size=32, least=0.9)


def residual_digits(seed: int) -> Program:
    """Residual blocks, SGD with momentum and a rate that falls step by step."""
    x, y, held = _digits(seed)
    inputs = keras.Input((8, 8, 1))
    hidden = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    for _ in range(3):
        inner = layers.Activation("relu")(layers.BatchNormalization()(hidden))
        inner = layers.Conv2D(16, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(inner)
        inner = layers.Activation("relu")(layers.BatchNormalization()(inner))
        inner = layers.Conv2D(16, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(inner)
        hidden = layers.Add()([hidden, inner])
    hidden = layers.GlobalAveragePooling2D()(layers.Activation("relu")(layers.BatchNormalization()(hidden)))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(hidden))
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.7)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), **CLASSES)
    return Program(model, x, y, held, epochs=15, batch_size=64, least=0.93)


def vision_transformer_digits(seed: int) -> Program:
    """Image classification with a vision transformer: patches of 2 x 2 pixels, AdamW, logits."""
    x, y, held = _digits(seed)
    inputs = keras.Input((8, 8, 1))
    hidden = layers.Reshape((16, 32))(layers.Conv2D(32, 2, strides=2)(inputs))
    places = layers.Embedding(16, 32)(np.arange(16)[None])
    hidden = layers.Add()([hidden, places])
    for _ in range(2):
        inner = layers.LayerNormalization(epsilon=1e-6)(hidden)
        hidden = layers.Add()([hidden, layers.MultiHeadAttention(4, 8, dropout=0.1)(inner, inner)])
        inner = layers.LayerNormalization(epsilon=1e-6)(hidden)
        inner = layers.Dense(32)(layers.Dropout(0.1)(layers.Dense(64, activation="gelu")(inner)))
        hidden = layers.Add()([hidden, inner])
    hidden = layers.Dropout(0.3)(layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(hidden)))
    model = keras.Model(inputs, layers.Dense(10)(hidden))
    model.compile(keras.optimizers.AdamW(0.001, weight_decay=0.0001), **LOGITS)
    return Program(model, x, y, held, epochs=15, batch_size=64, least=0.9)


def mixer_with_label_smoothing(seed: int) -> Program:
    """MLP-Mixer on patches, AdamW with a cosine, smoothed one-hot labels."""
    x, y, (held_x, held_y) = _digits(seed)
    inputs = keras.Input((8, 8, 1))
    hidden = layers.Reshape((16, 32))(layers.Conv2D(32, 2, strides=2)(inputs))
    for _ in range(2):
        inner = layers.Permute((2, 1))(layers.LayerNormalization()(hidden))
        inner = layers.Dense(16)(layers.Dense(32, activation="gelu")(inner))
        hidden = layers.Add()([hidden, layers.Permute((2, 1))(inner)])
        inner = layers.Dense(32)(layers.Dense(64, activation="gelu")(layers.LayerNormalization()(hidden)))
        hidden = layers.Add()([hidden, inner])
    hidden = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(hidden))
    model = keras.Model(inputs, layers.Dense(10)(hidden))
    rate = keras.optimizers.schedules.CosineDecay(0.003, decay_steps=15 * 23)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss, metrics=["accuracy"])
    one_hot = [keras.utils.to_categorical(labels, 10) for labels in (y, held_y)]
    return Program(model, x, one_hot[0], (held_x, one_hot[1]), epochs=15, batch_size=64, least=0.85)


def prelu_digits(seed: int) -> Program:
    """Rows of pixels, columns that are always 0 among them; PReLU layers and Nadam."""
    x, y, held = _digits(seed, (64,))
    parts = [layer for _ in range(2) for layer in (layers.Dense(64), layers.PReLU(), layers.Dropout(0.2))]
    model = keras.Sequential([keras.Input((64,)), *parts, layers.Dense(10, activation="softmax")])
    model.compile("nadam", **CLASSES)
    return Program(model, x, y, held, epochs=20, batch_size=32, least=0.92)


PROGRAMS = (
    mnist_convnet, mnist_mlp_guide, mnist_rows_lstm, fashion_dense, fashion_from_raw_pixels, deep_autoencoder,
    denoising_autoencoder, transfer_with_frozen_backbone, residual_digits, vision_transformer_digits,
    mixer_with_label_smoothing, prelu_digits,
)  # fmt: skip
