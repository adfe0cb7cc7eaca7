"""Gradients as they come: from several devices, sparse ones, and what is not finite; and their norms."""

import keras
from keras import ops


def reduced(gradients):
    """The gradients summed over all devices as each of them will see them, divided by their number; and that number."""
    if keras.backend.backend() != "tensorflow":
        return gradients, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return gradients, 1
    present = [dense(gradient) for gradient in gradients if gradient is not None]
    # The optimizer will sum over the devices once more.
    reduced = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if gradient is None else next(reduced) / replicas for gradient in gradients], replicas


def dense(gradient):
    """An embedding's gradient names a row once for each time it was used: its true norm is that of the sum."""
    if not _is_sparse(gradient):
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _is_sparse(gradient):
    return type(gradient).__name__ == "IndexedSlices"


def all_finite(gradients):
    present = [gradient for gradient in gradients if gradient is not None]
    # A third of the cost of looking at every value, and bounds by the norm need the sum anyway.
    return ops.isfinite(_sum_of_squares(gradient.values if _is_sparse(gradient) else gradient for gradient in present))


def global_norm(gradients):
    """The norm of all gradients together, a float32 scalar."""
    return ops.sqrt(_sum_of_squares(gradients))


def _sum_of_squares(gradients):
    return sum(ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in gradients)
