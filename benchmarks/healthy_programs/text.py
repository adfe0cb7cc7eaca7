"""Healthy programs for texts, in the way of keras.io: which package is a paragraph of documentation from?"""

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import TruncatedSVD

from healthy_programs.data import PACKAGES, PADDING, multi_hot, split, texts, tokens
from healthy_programs.program import Program

WORDS, LENGTH = 4000, 50
BINARY = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}


def _numbered(seed: int, packages: tuple[str, ...] = PACKAGES[:2], rows: int = 4000) -> tuple:
    """Word numbers of paragraphs, none of them twice, and the number of their package."""
    parts, labels = texts(packages)
    numbers, first = np.unique(tokens(parts, WORDS, LENGTH), axis=0, return_index=True)
    return split(numbers, labels[first], seed, rows)


def bag_of_words(seed: int) -> Program:
    """Words that occur, 16 units, dropout; RMSprop."""
    x, y, (held_x, held_y) = _numbered(seed)
    parts = [layers.Dense(16, activation="relu"), layers.Dropout(0.5), layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((WORDS,)), *parts])
    model.compile("rmsprop", **BINARY)
    held = multi_hot(held_x, WORDS), held_y
    return Program(model, multi_hot(x, WORDS), y, held, epochs=6, batch_size=32, least=0.7)


def averaged_embedding(seed: int) -> Program:
    """Basic text classification: an average of word vectors, dropout before and behind."""
    x, y, held = _numbered(seed)
    parts = [layers.Embedding(WORDS, 16), layers.Dropout(0.2), layers.GlobalAveragePooling1D(), layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((LENGTH,)), *parts, layers.Dense(1, activation="sigmoid")])
    model.compile("adam", **BINARY)
    return Program(model, x, y, held, epochs=25, batch_size=32, least=0.7)


def text_from_scratch(seed: int) -> Program:
    """Text classification from scratch: two convolutions with strides, the maximum over places."""
    x, y, held = _numbered(seed)
    parts = [
        layers.Embedding(WORDS, 64),
        layers.Dropout(0.5),
        layers.Conv1D(64, 5, padding="valid", activation="relu", strides=2),
        layers.Conv1D(64, 5, padding="valid", activation="relu", strides=2),
        layers.GlobalMaxPooling1D(),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    ]
    model = keras.Sequential([keras.Input((LENGTH,), dtype="int64"), *parts])
    model.compile("adam", **BINARY)
    return Program(model, x, y, held, epochs=6, batch_size=32, least=0.65)


def bidirectional_lstm(seed: int) -> Program:
    """Two bidirectional layers on word vectors, padding masked."""
    x, y, held = _numbered(seed, rows=3000)
    parts = [
        layers.Embedding(WORDS, 32, mask_zero=PADDING == 0),
        layers.Bidirectional(layers.LSTM(24, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(24)),
        layers.Dense(1, activation="sigmoid"),
    ]
    model = keras.Sequential([keras.Input((LENGTH,), dtype="int32"), *parts])
    model.compile("adam", **BINARY)
    return Program(model, x, y, held, epochs=4, batch_size=32, least=0.6)


def text_transformer(seed: int) -> Program:
    """Text classification with a transformer: one block behind word and place vectors, two softmax units."""
    x, y, held = _numbered(seed)
    inputs = keras.Input((LENGTH,), dtype="int32")
    places = layers.Embedding(LENGTH, 32)(np.arange(LENGTH)[None])
    hidden = layers.Add()([layers.Embedding(WORDS, 32)(inputs), places])
    inner = layers.Dropout(0.1)(layers.MultiHeadAttention(2, 32)(hidden, hidden))
    hidden = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([hidden, inner]))
    inner = layers.Dropout(0.1)(layers.Dense(32)(layers.Dense(32, activation="relu")(hidden)))
    hidden = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([hidden, inner]))
    hidden = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(hidden))
    hidden = layers.Dropout(0.1)(layers.Dense(20, activation="relu")(hidden))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=4, batch_size=32, least=0.65)


def frozen_word_vectors(seed: int) -> Program:
    """Pretrained word vectors that stay as they are, here from which words occur together; four packages."""
    x, y, held = _numbered(seed, PACKAGES, rows=6000)
    vectors = TruncatedSVD(50, random_state=0).fit_transform(multi_hot(x, WORDS).T).astype("float32")
    vectors /= vectors.std() + 1e-7
    embedding = layers.Embedding(WORDS, 50, trainable=False)
    embedding.build((None,))
    embedding.set_weights([vectors])
    parts = [
        embedding,
        layers.Conv1D(64, 5, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(64, 5, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(len(PACKAGES), activation="softmax"),
    ]
    model = keras.Sequential([keras.Input((LENGTH,), dtype="int32"), *parts])
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=8, batch_size=128, least=0.45)


def next_letter(seed: int) -> Program:
    """Character-level text generation: an LSTM on one-hot letters, the next one as the label of 27."""
    text = " ".join(texts(PACKAGES[:1], 300)[0])
    letters = np.array([0 if letter == " " else ord(letter) - 96 for letter in text])
    starts = np.arange(0, len(letters) - 21, 3)
    x = np.eye(27, dtype="float32")[letters[starts[:, None] + np.arange(20)]]
    x, y, held = split(x, letters[starts + 20], seed)
    parts = [keras.Input((20, 27)), layers.LSTM(64), layers.Dense(27, activation="softmax")]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Program(model, x, y, held, epochs=8, batch_size=128, least=0.2)


PROGRAMS = (
    bag_of_words, averaged_embedding, text_from_scratch, bidirectional_lstm, text_transformer, frozen_word_vectors,
    next_letter,
)  # fmt: skip
