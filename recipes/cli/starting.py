"""A quick and quiet start of Keras and its backend, which takes longer than many a command."""

import contextlib
import gc
import os
import sys


@contextlib.contextmanager
def quiet():
    """Hide what TensorFlow writes while it starts: it goes past Python to the error stream's file descriptor."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


@contextlib.contextmanager
def _imported_for_good():
    """What is imported meanwhile is left to no garbage collection.

    A backend makes millions of objects, which stay. Collections would go through them again and again, the last one
    when the process ends: for that alone, TensorFlow takes a quarter of the time that importing it takes.
    """
    if "keras" in sys.modules:  # in a process of somebody else's, whose objects are not ours to keep
        yield
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


def start_keras(training: bool = False) -> None:
    """Import Keras and have its backend look for devices, without their messages.

    Args:
        training: Whether TensorFlow is started, too, whose data pipeline Keras's `fit` needs on every backend.

    Raises:
        ValueError: If the backend that is chosen cannot be loaded.
    """
    if "tensorflow" not in sys.modules:
        # Without AVX-512, TensorFlow leaves oneDNN out by itself, though it halves the time of convolutions there, too.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with quiet(), _imported_for_good():
            import keras

            keras.ops.zeros(())
            if training:
                import tensorflow  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"the backend of Keras ({os.environ.get('KERAS_BACKEND')}) cannot be loaded: {error}"
        ) from None
