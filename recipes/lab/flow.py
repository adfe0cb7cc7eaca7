"""The signal in a stack of layers: its outputs on the way up, and the gradients on the way down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class Flow:
    """What passes through a stack of layers.

    Attributes:
        outputs: Outputs of each layer, from the first to the last `(layers, rows, units)`.
        gradients: Gradients of the loss with respect to these outputs `(layers, rows, units)`.
    """

    outputs: np.ndarray
    gradients: np.ndarray


def flow_through(layers: Sequence[Callable], x: np.ndarray, gradient: np.ndarray) -> Flow:
    """Send rows up through a stack of layers and a gradient down again.

    The gradients come from one step of Keras's own training. Zeros are added to the outputs of each layer; they are the
    only weights that are trained, and as they start at 0 and the learning rate is 1, they are minus the gradient after
    the step, to every digit.

    Args:
        layers: Functions of a Keras tensor, in order: Keras layers, or several called one after the other. They keep
            the number of units.
        x: Rows `(rows, units)`.
        gradient: Gradient of the loss with respect to the outputs of the last layer `(rows, units)`.
    """
    inputs = signal = keras.Input(batch_shape=x.shape)
    taps = []
    for layer in layers:
        taps.append(_Zeros())
        signal = taps[-1](layer(signal))
    model = keras.Model(inputs, signal)
    outputs = keras.Model(inputs, [tap.output for tap in taps])(ops.convert_to_tensor(x))
    for layer in model.layers:
        layer.trainable = layer in taps
    # One step does not repay the time of compiling it.
    model.compile(keras.optimizers.SGD(1.0), loss=_sum_of_products, run_eagerly=True)
    model.train_on_batch(x, gradient)
    return Flow(
        np.stack([ops.convert_to_numpy(output) for output in outputs]),
        np.stack([-ops.convert_to_numpy(tap.zeros.value) for tap in taps]),
    )


def _sum_of_products(gradient, outputs):
    """The loss whose gradient with respect to the outputs is the one given."""
    return ops.sum(gradient * outputs)


class _Zeros(keras.layers.Layer):
    """Adds zeros to its inputs, as weights that can be trained."""

    def build(self, input_shape):
        self.zeros = self.add_weight(shape=input_shape, initializer="zeros", name="zeros")

    def call(self, inputs):
        return inputs + self.zeros
