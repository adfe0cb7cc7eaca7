"""Optimizers inside of others: loss scaling and gradient clipping wrap one optimizer, `MultiOptimizer` several.

The learning rate and the averages of the weights belong to the innermost ones.
"""


def chain_of(optimizer) -> list:
    """An optimizer and those that it wraps one in the other, the outermost first."""
    chain = [optimizer]
    while hasattr(chain[-1], "inner_optimizer"):
        chain.append(chain[-1].inner_optimizer)
    return chain


def innermost_optimizers(optimizer) -> list:
    """The innermost optimizers in `optimizer`: itself where it wraps none, several in a `MultiOptimizer`.

    For `None`, as a model that is not compiled has it, there are none.
    """
    if optimizer is None:
        return []
    wrapped = getattr(optimizer, "optimizers", None) or [getattr(optimizer, "inner_optimizer", None)]
    inner = [innermost for part in wrapped if part is not None for innermost in innermost_optimizers(part)]
    return inner or [optimizer]
