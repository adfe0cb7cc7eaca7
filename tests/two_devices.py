"""Trains a small network on one and on two logical devices; prints how far apart they end. Run by test_clipping."""

import contextlib

import keras
import numpy as np
import tensorflow as tf
from test_clipping import ON_TWO_DEVICES, WAYS, X, Y

import recipes

BROKEN = np.where(np.arange(64)[:, None] == 40, np.nan, X)  # for the second device only


def trained(options, scope):
    with scope:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)])
        optimizer = recipes.optimizers.get("momentum", 1.0, **options)
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for rows in (X, BROKEN, 3 * X, 9 * X):
        model.fit(rows, Y, batch_size=64, shuffle=False, verbose=0)
    return model.get_weights(), f"{optimizer.clipped_steps},{optimizer.skipped_steps}"


if __name__ == "__main__":
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for way in ON_TWO_DEVICES:
        options = WAYS[way]
        one, alone = trained(options, contextlib.nullcontext())
        two, together = trained(options, strategy.scope())
        print(way, max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)), alone, together)
