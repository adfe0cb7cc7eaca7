"""The compiled training step of a model whose optimizer has changed in a way that is compiled in."""

import keras


def compile_again(model) -> None:
    """Have the next step of `model` compiled anew.

    The public `make_train_function(force=True)` is not enough on JAX, which keeps what it has traced for each function
    of Python as long as anything refers to the compiled one: it would go on with the former rate or without a meter.
    """
    if keras.backend.backend() == "jax":
        import jax

        jax.jit(model.train_step).clear_cache()  # those of all compiled functions that were made of this method
    model.make_train_function(force=True)
