"""Watches a training on one and on two logical devices. Run by test_callback_contract."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_callback_contract import OPTIMIZERS, X, Y

import recipes
from callbacks import ActivationStatistics, EarlyStopping, GradientNormLogger, StopOnDivergence


def trained(optimizer, scope):
    with scope:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])
        model.compile(OPTIMIZERS[optimizer](), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    watching = [GradientNormLogger(trace_every=1), ActivationStatistics(X)]
    stopping = [EarlyStopping("loss", patience=5), StopOnDivergence()]
    model.fit(X, Y, batch_size=48, epochs=2, shuffle=False, verbose=0, callbacks=[*watching, *stopping])
    return watching[0].record, watching[1].record


def check_counts(scope):
    """What `fit` and `evaluate` say of classes is of the rows of both devices together."""
    with scope:
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
        metric = recipes.ConfusionMatrix(3)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.0), loss, metrics=[metric])
    report = recipes.classification_report(Y, model.predict(X, verbose=0).argmax(1), ["0", "1", "2"])
    trained = model.fit(X, Y, batch_size=48, verbose=0).history
    assert trained["macro_f1"] == [np.float32(report.macro["f1"])]
    evaluated = model.evaluate(X, Y, batch_size=48, verbose=0, return_dict=True)
    assert evaluated["recall_2"] == np.float32(report.classes["2"]["recall"])
    np.testing.assert_array_equal(metric.report().confusion_matrix, report.confusion_matrix)


if __name__ == "__main__":
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for optimizer in ("guarded", "scaled"):
        alone = trained(optimizer, contextlib.nullcontext())
        together = trained(optimizer, strategy.scope())
        for one, other in zip(alone, together, strict=True):
            if one.trace_gradient_norm is not None:
                np.testing.assert_allclose(one.trace_gradient_norm, other.trace_gradient_norm, rtol=1e-5)
                np.testing.assert_array_equal(one.steps, other.steps)
            else:
                np.testing.assert_allclose(one.activation_std, other.activation_std, rtol=1e-4)
    with pytest.raises(ValueError, match="gradients cannot be accumulated on several devices"):
        trained("accumulated", strategy.scope())
    check_counts(strategy.scope())
    print("as on one device")
