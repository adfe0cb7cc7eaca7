"""Gradients as Keras hands them over, from several devices and sparse ones too: their sums, norms and finiteness."""

import keras
from keras import ops


def reduced(gradients):
    """Reduce the gradients of one device over all devices.

    Returns:
        The sums over the devices, divided by their number because the optimizer will sum them once more; and that
        number. `None` stays `None`.
    """
    if keras.backend.backend() != "tensorflow":
        return gradients, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return gradients, 1
    present = [dense(gradient) for gradient in gradients if gradient is not None]
    reduced = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if gradient is None else next(reduced) / replicas for gradient in gradients], replicas


def dense(gradient):
    """`gradient` as a tensor; that of an embedding on TensorFlow is sparse.

    A sparse one lists a row once for each time that it was used: its norm is that of the sums.
    """
    if not _is_sparse(gradient):
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _is_sparse(gradient):
    return type(gradient).__name__ == "IndexedSlices"


def all_finite(gradients):
    """Whether the squares of all gradients have a finite sum, a scalar truth value."""
    present = [gradient for gradient in gradients if gradient is not None]
    # A third of the cost of asking each value, and clipping by the norm needs the sum anyway.
    return ops.isfinite(_sum_of_squares(gradient.values if _is_sparse(gradient) else gradient for gradient in present))


def global_norm(gradients):
    """The norm of all gradients together, a float32 scalar."""
    return ops.sqrt(_sum_of_squares(gradients))


def _sum_of_squares(gradients):
    return sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients)
