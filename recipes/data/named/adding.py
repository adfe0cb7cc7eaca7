"""The adding problem: two numbers of a long sequence are marked, and their sum is to be told at its end.

A test of memory, made by a rule, so that it needs no file (Hochreiter & Schmidhuber 1997, Neural Computation 9(8); in
this form Le et al. 2015, arXiv:1504.00941). Always to say 1 has a mean squared error of 1/6, the variance of the sum.
"""

import numpy as np

from recipes.data.source import Source

ROWS = 10_000


def read(steps: str, seed: int) -> Source:
    """Sequences of `steps` steps; equal seeds give equal rows.

    Returns:
        A source with one part: `x` float32 `(10_000, steps, 2)`, in column 0 numbers between 0 and 1, in column 1 a 1
        at two steps, one in each half, and 0 at all others; `y` float64 `(10_000,)`, the sum of the two marked numbers.

    Raises:
        ValueError: If `steps` is no whole number of at least 2.
    """
    text = steps.strip()
    if not (text.isascii() and text.isdigit()) or int(text) < 2:
        raise ValueError(f"adding:STEPS needs a whole number of at least 2, such as adding:50. Received: {steps!r}")
    count = int(text)
    generator = np.random.default_rng((seed, count))
    x = np.zeros((ROWS, count, 2), np.float32)
    # 0 itself, which may be drawn, lies outside.
    x[..., 0] = np.maximum(generator.random((ROWS, count), dtype=np.float32), np.finfo(np.float32).tiny)
    rows, half = np.arange(ROWS), count // 2
    marked = [generator.integers(0, half, ROWS), generator.integers(half, count, ROWS)]
    for step in marked:
        x[rows, step, 1] = 1
    y = sum(x[rows, step, 0].astype(np.float64) for step in marked)
    return Source(f"adding-{count}", {"all": (x, y)}, task="regression", kind="sequences")
