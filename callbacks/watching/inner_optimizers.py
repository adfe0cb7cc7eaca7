"""The optimizers inside of wrappers: those that have the learning rate and the averages of the weights."""


def inner_optimizers(optimizer) -> list:
    """The innermost optimizers in `optimizer`, or itself where it wraps none; none for `None`.

    Loss scaling and the clipping ones of `recipes.optimizers` wrap one optimizer, Keras's `MultiOptimizer` several.
    """
    if optimizer is None:
        return []
    wrapped = getattr(optimizer, "optimizers", None) or [getattr(optimizer, "inner_optimizer", None)]
    inner = [innermost for part in wrapped if part is not None for innermost in inner_optimizers(part)]
    return inner or [optimizer]
