"""Images changed at random while a network trains on them, so that it cannot learn them by heart.

What happens to a row in an epoch is a pure function of the seed, the epoch and the number of the row, whatever the
batch size and the place in the batch: so a training that goes on from a saved epoch sees what an uninterrupted one
would have seen. Mixup alone needs a second row, which it takes from the batch.
"""

import functools
from typing import NamedTuple

import numpy as np
from scipy import special

from recipes.settings import Augmentation

# Pixels transformed at once: what is computed for them stays in the processor's cache, and memory bounded.
_PIXELS = 2**16
# Random numbers of each row and epoch, and what they are for. Each has its own: so the settings do not disturb one
# another.
_DRAWS = 10
_MOTION, _CENTRE, _MIXUP = range(6), range(6, 8), range(8, 10)
# NumPy reads a missing number of a seed as 0: this sets the draws apart from the order of the rows, which has the seeds
# (seed, epoch) and (seed, epoch, window).
_STREAM = (0, 1)


def augment(
    images: np.ndarray,
    targets: np.ndarray,
    settings: Augmentation,
    seed: int,
    epoch: int,
    rows: np.ndarray,
    *,
    num_outputs: int = 1,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:
    """One batch, changed according to `settings`: moved and turned, then blanked in part, then mixed.

    What one setting does to an image is the same whatever the others are.

    Args:
        images: Prepared images, `(batch, height, width, channels)`; the mean of each channel is 0.
        targets: Class numbers or numbers, `(batch,)`, or rows of numbers, `(batch, outputs)`.
        settings: The changes and their strengths.
        seed: Seed of the training, a whole number from 0 to 2**32 - 1.
        epoch: Number of the epoch, counted from 0.
        rows: Numbers of the rows in the training part, `(batch,)`.
        num_outputs: Number of units of the network's last layer. Mixed class numbers become shares, `(batch,
            num_outputs)`, or for one output the share of class 1, `(batch,)`. Without mixup they stay as they are.
        weights: Sample weights, `(batch,)`; mixed like the targets.

    Returns:
        Images as float32 and targets, mixed ones as float32; and the weights, if they were given.

    Raises:
        ValueError: For images of another shape, or more classes than outputs.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4:
        raise ValueError(f"images must be (batch, height, width, channels). Received: shape {images.shape}")
    columns = (targets,) if weights is None else (targets, weights)
    if settings.shift or settings.rotate or settings.zoom or settings.flip:
        numbers = uniform(seed, epoch, rows, _MOTION)
        images = transform(images, _motion(numbers, settings, images.shape[1:3]))
    if settings.cutout:
        images = blank(images, uniform(seed, epoch, rows, _CENTRE), settings.cutout)
    if settings.mixup:
        probability, key = uniform(seed, epoch, rows, _MIXUP).T
        share, partner = beta(probability, settings.mixup), partners(key)
        columns = (shares(targets, num_outputs), *columns[1:])
        images, *columns = (mix(values, partner, share) for values in (images, *columns))
    return images, *columns


def uniform(seed: int, epoch: int, rows: np.ndarray, draws: range) -> np.ndarray:
    """The random numbers `draws` of each of `rows`, `(rows, draws)`: float64 from 0 to 1, 1 excluded."""
    places = np.asarray(rows, np.uint64)[:, None] * np.uint64(_DRAWS) + np.arange(
        draws.start, draws.stop, dtype=np.uint64
    )
    return (splitmix64(_start(seed, epoch), places) >> np.uint64(11)) * 2.0**-53


def splitmix64(start: np.uint64, places: np.ndarray) -> np.ndarray:
    """Outputs of the random generator SplitMix64 at `places` of its sequence, counted from 0, as uint64.

    It gives each output without those before it. So every row has its own random numbers, and those of a whole batch
    are computed at once. Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
    (doi:10.1145/2660193.2660195); constants as in Vigna's https://prng.di.unimi.it/splitmix64.c.

    >>> splitmix64(np.uint64(1234567), np.arange(2))
    array([6457827717110365317, 3203168211198807973], dtype=uint64)
    """
    # Unsigned arithmetic wraps around without a warning, as the generator wants it.
    state = (np.asarray(places, np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state += start
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state


@functools.lru_cache(maxsize=8)
def _start(seed: int, epoch: int) -> np.uint64:
    """Start of the sequence of an epoch: far from those of other seeds and epochs, even where these are small."""
    return np.random.SeedSequence((seed, epoch, *_STREAM)).generate_state(1, np.uint64)[0]


def beta(probabilities: np.ndarray, alpha: float) -> np.ndarray:
    """Quantiles of the distribution Beta(alpha, alpha) as float32, interpolated between 4,097 of them."""
    return np.interp(probabilities, *_quantiles(alpha)).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _quantiles(alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced probabilities and their quantiles: for every row, these would take as long as mixing its pixels."""
    probabilities = np.linspace(0, 1, 4097)
    return probabilities, special.betaincinv(alpha, alpha, probabilities)


def partners(keys: np.ndarray) -> np.ndarray:
    """Place of the partner of each row: the row with the next larger key; of the largest, that with the smallest.

    Each row is the partner of one other, whatever the places of the rows in the batch.

    >>> partners(np.array([0.3, 0.9, 0.1]))
    array([1, 2, 0])
    """
    order = np.argsort(keys, kind="stable")
    partner = np.empty_like(order)
    partner[order] = np.roll(order, -1)
    return partner


class Motion(NamedTuple):
    """Where the images of a batch go, one number for each: mirrored, turned and enlarged about the centre, then moved.

    Attributes:
        down: Move downwards in pixels.
        right: Move to the right in pixels.
        angle: Angle of the turn in radians, anticlockwise.
        enlargement: Factor of the size.
        vertical: -1 to mirror top and bottom, otherwise 1.
        horizontal: -1 to mirror left and right, otherwise 1.
    """

    down: np.ndarray
    right: np.ndarray
    angle: np.ndarray
    enlargement: np.ndarray
    vertical: np.ndarray
    horizontal: np.ndarray


def _motion(draws: np.ndarray, settings: Augmentation, size: tuple[int, int]) -> Motion:
    """The motion of each image from six numbers between 0 and 1."""
    down, right, angle, zoom = (2 * draws[:, :4] - 1).T
    mirror = [
        np.where((draws[:, column] < 0.5) & (settings.flip in (direction, "both")), -1.0, 1.0)
        for column, direction in ((4, "vertical"), (5, "horizontal"))
    ]
    return Motion(
        down * settings.shift * size[0],
        right * settings.shift * size[1],
        np.radians(angle * settings.rotate),
        (1 + settings.zoom) ** zoom,
        *mirror,
    )


def transform(images: np.ndarray, motion: Motion) -> np.ndarray:
    """Move images, bilinearly interpolated; what comes in from outside has the median colour of the image's border.

    On the border there is mostly background: repeating it would draw out each stroke that touches it, and 0 is a grey.
    """
    size = max(1, _PIXELS // (images.shape[1] * images.shape[2]))
    moved = np.empty_like(images, order="C")
    for start in range(0, len(images), size):
        piece = slice(start, start + size)
        moved[piece] = _transform(images[piece], Motion(*(numbers[piece] for numbers in motion)))
    return moved


def _transform(images: np.ndarray, motion: Motion) -> np.ndarray:
    rows, height, width, channels = images.shape
    planes = _framed(images).reshape(channels, -1)
    # Of each pixel of the result: the place in the original, as offsets from the centre.
    down = np.arange(height) - (height - 1) / 2 - motion.down[:, None]
    right = np.arange(width) - (width - 1) / 2 - motion.right[:, None]
    cosine, sine = np.cos(motion.angle) / motion.enlargement, np.sin(motion.angle) / motion.enlargement
    y = _place(motion.vertical * cosine, down, motion.vertical * sine, right, height)
    x = _place(-motion.horizontal * sine, down, motion.horizontal * cosine, right, width)
    top, left = y.astype(np.intp), x.astype(np.intp)
    y, x = (y - top).astype(np.float32), (x - left).astype(np.float32)
    line = width + 3
    corner = (np.arange(rows)[:, None, None] * (height + 3) + top) * line + left
    upper, lower = (
        _between(planes.take(corner + offset, axis=1), planes.take(corner + (offset + 1), axis=1), x)
        for offset in (0, line)
    )
    return np.moveaxis(_between(upper, lower, y), 0, -1)


def _framed(images: np.ndarray) -> np.ndarray:
    """Channels first, for speed, in a frame of the border's median colour: one pixel before, two after.

    The second one after is only read, with a weight of 0, beside the first.
    """
    rows, height, width, channels = images.shape
    border = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    ground = np.median(np.concatenate(border, axis=1), axis=1)
    framed = np.empty((channels, rows, height + 3, width + 3), np.float32)
    framed[:] = ground.T[:, :, None, None]
    framed[:, :, 1:-2, 1:-2] = np.moveaxis(images, -1, 0)
    return framed


def _place(by_down, down, by_right, right, length: int) -> np.ndarray:
    """Places in the framed image along one axis, `(batch, height, width)`, from 0 to `length + 1`."""
    centre = (length + 1) / 2
    rows = (by_down[:, None] * down + centre).astype(np.float32)
    columns = (by_right[:, None] * right).astype(np.float32)
    return np.clip(rows[:, :, None] + columns[:, None], 0, length + 1)


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From `first` to `second`, in place of `second`."""
    second -= first
    second *= share
    second += first
    return second


def blank(images: np.ndarray, centres: np.ndarray, share: float) -> np.ndarray:
    """Set a square of each image to 0, the mean.

    Args:
        images: `(batch, height, width, channels)`; left as they are.
        centres: Centres of the squares, `(batch, 2)`, as shares of height and width from 0 to 1, 1 excluded. As in the
            paper (Cutout, arXiv:1708.04552) they are anywhere in the image, so that squares may reach out of it.
        share: Side of the square as a share of the image's shorter side.
    """
    side = max(1, round(share * min(images.shape[1:3])))
    inside = []
    for axis, length in enumerate(images.shape[1:3]):
        first = (centres[:, axis] * length).astype(int) - side // 2
        place = np.arange(length) - first[:, None]
        inside.append((place >= 0) & (place < side))
    return np.where((inside[0][:, :, None] & inside[1][:, None])[..., None], np.float32(0), images)


def mix(values: np.ndarray, partner: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Averages of `values` and those at the places `partner`; `share`, `(batch,)`, is the weight of the former."""
    values = np.asarray(values, np.float32)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    mixed = values[partner]
    mixed *= 1 - share
    mixed += share * values
    return mixed


def shares(targets: np.ndarray, num_outputs: int) -> np.ndarray:
    """Class numbers as float32 numbers that can be mixed; other targets unchanged.

    >>> shares(np.array([2, 0]), num_outputs=3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    targets = np.asarray(targets)
    if targets.ndim > 1 or not np.issubdtype(targets.dtype, np.integer):
        return targets
    last = targets.max(initial=0)
    if last >= max(2, num_outputs):
        raise ValueError(f"`num_outputs` must be the number of classes. Received: {num_outputs}, and class {last}")
    return (targets[:, None] == np.arange(num_outputs) if num_outputs > 1 else targets).astype(np.float32)
