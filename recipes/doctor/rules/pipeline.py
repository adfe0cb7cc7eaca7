"""What the pipeline of the rows does to them: no training is needed, and no threshold of taste."""

from recipes.doctor.finding import FAULT, Evidence, Finding
from recipes.doctor.seen import Seen

# A pipeline that keeps rows and targets together gives 0, and one that does not gives the probability that two targets
# differ: half for two equal classes. Rows with equal inputs in a sample of a larger whole may give a little.
MISPAIRED_SHARE = 0.1


def mispaired(seen: Seen) -> Finding | None:
    """Rows that come with another target when they are read again: inputs and targets are shuffled apart.

    Threshold: 10 % of the rows that came twice (see `MISPAIRED_SHARE`). Source: a relation that holds for every sound
    pipeline.
    """
    share = seen.data.mispaired
    if share is None or share <= MISPAIRED_SHARE:
        return None
    return Finding(
        "label_corrupted",
        FAULT,
        "Rows come with other targets each time they are read: inputs and targets are shuffled apart from each other, "
        "so that nothing can be learnt.",
        (Evidence("share of the rows that had another target when read again", share, "0"),),
        "order = np.random.permutation(len(x))  # one order for both\nx, y = x[order], y[order]",
    )


RULES = (mispaired,)
