"""Images changed at random while a network trains on them, so that it cannot learn them by heart.

Every change follows from (seed, epoch, step) alone, so that a training that goes on from a saved epoch sees what an
uninterrupted one would have seen.
"""

import math
import threading
from typing import NamedTuple

import keras
import numpy as np

from recipes.settings import Augmentation

# Pixels transformed at once: what is computed for them stays in the processor's cache, and memory bounded.
_PIXELS = 2**16
# Set apart from the streams (seed, epoch) and (seed, epoch, window) of `Batches`: NumPy reads a missing word as 0.
_STREAM = 1


def augment(
    images: np.ndarray,
    targets: np.ndarray,
    settings: Augmentation,
    seed: int,
    epoch: int,
    step: int,
    *,
    num_outputs: int = 1,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:
    """One batch, changed as `settings` say: moved and turned, then blanked in part, then mixed.

    What one setting does to an image is the same whatever the others are.

    Args:
        images: Prepared, `(batch, height, width, channels)`; the mean of each channel is 0.
        targets: Class numbers or numbers, `(batch,)`, or rows of numbers, `(batch, outputs)`.
        settings: Which changes.
        seed: Of the training.
        epoch: Counted from 0.
        step: Number of the batch in its epoch, from 0.
        num_outputs: Of the network. Mixed class numbers become shares, `(batch, num_outputs)`, or for one output the
            share of class 1, `(batch,)`. Without mixup they stay as they are.
        weights: What each row counts, `(batch,)`; mixed like the targets.

    Returns:
        Images as float32 and targets, mixed ones as float32; and the weights, if they were given.

    Raises:
        ValueError: For images of another shape, or more classes than outputs.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4:
        raise ValueError(f"images must be (batch, height, width, channels). Received: shape {images.shape}")
    columns = (targets,) if weights is None else (targets, weights)
    generator = np.random.default_rng((seed, epoch, step, _STREAM))
    # All numbers are drawn, used or not: so the settings do not disturb one another.
    draws = generator.random((len(images), 8))
    if settings.shift or settings.rotate or settings.zoom or settings.flip:
        images = transform(images, _motion(draws[:, :6], settings, images.shape[1:3]))
    if settings.cutout:
        images = blank(images, draws[:, 6:], settings.cutout)
    if settings.mixup:
        order = generator.permutation(len(images))
        share = generator.beta(settings.mixup, settings.mixup, len(images)).astype(np.float32)
        columns = (shares(targets, num_outputs), *columns[1:])
        images, *columns = (mix(values, order, share) for values in (images, *columns))
    return images, *columns


class Motion(NamedTuple):
    """Where the images of a batch go, one number for each: mirrored, turned and enlarged about the centre, then moved.

    Attributes:
        down: Pixels.
        right: Pixels.
        angle: Radians, anticlockwise.
        enlargement: Factor.
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
        centres: Of the squares, `(batch, 2)`, as shares of height and width from 0 to 1, 1 excluded. As in the paper
            they are anywhere in the image, so that squares may reach out of it.
        share: Of the shorter side.
    """
    side = max(1, round(share * min(images.shape[1:3])))
    inside = []
    for axis, length in enumerate(images.shape[1:3]):
        first = (centres[:, axis] * length).astype(int) - side // 2
        place = np.arange(length) - first[:, None]
        inside.append((place >= 0) & (place < side))
    return np.where((inside[0][:, :, None] & inside[1][:, None])[..., None], np.float32(0), images)


def mix(values: np.ndarray, order: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Average `values` with themselves in another order; `share`, `(batch,)`, is the weight of the first."""
    values = np.asarray(values, np.float32)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return share * values + (1 - share) * values[order]


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


class ArrayBatches(keras.utils.PyDataset):
    """Arrays, batch by batch, in an order that follows from the seed and the epoch.

    Args:
        x: Prepared rows.
        y: Targets.
        batch_size: Rows of one batch.
        seed: Of the order.
        shuffle: Whether the order changes; otherwise it is that of the rows.
        weights: What each row counts, `(rows,)`, or by class number; `None` for 1 each.
    """

    def __init__(self, x, y, batch_size, seed=0, shuffle=True, weights=None):
        super().__init__()
        if isinstance(weights, dict):
            weights = np.array([weights[label] for label in y], np.float32)
        self.columns = (x, y) if weights is None else (x, y, weights)
        if len({len(column) for column in self.columns}) > 1:
            lengths = ", ".join(str(len(column)) for column in self.columns)
            raise ValueError(f"rows, targets and weights must be as many. Received: {lengths}")
        self.batch_size, self.seed, self.shuffle, self.epoch = batch_size, seed, shuffle, 0
        self._ordered = None, None

    @property
    def num_batches(self):
        return math.ceil(len(self.columns[0]) / self.batch_size)

    def on_epoch_end(self):
        self.epoch += 1

    def __getitem__(self, index):
        epoch, order = self._ordered
        if epoch != self.epoch:
            rows, epoch = len(self.columns[0]), self.epoch
            order = np.random.default_rng((self.seed, epoch)).permutation(rows) if self.shuffle else np.arange(rows)
            self._ordered = epoch, order
        batch = order[index * self.batch_size : (index + 1) * self.batch_size]
        return tuple(column[batch] for column in self.columns)


class AugmentedBatches(keras.utils.PyDataset):
    """Batches of images, each changed at random as its seed, epoch and step say.

    Give it to `fit` with `shuffle=False`, or the steps come in any order. On several workers only the reading of the
    content is one after the other.

    Args:
        content: `Batches`, `ArrayBatches`, or any other `PyDataset` of (images, targets) or (images, targets,
            weights), in its first epoch. Its epochs are counted from here: give it to nothing else.
        settings: An `Augmentation`.
        seed: Of the changes.
        num_outputs: Of the network: see `augment`.
        epoch: The first one, for a training that goes on.
        workers: Threads that make batches in `fit`, on TensorFlow; elsewhere there is one.

    Attributes:
        epoch: The present one, counted from 0.
    """

    def __init__(self, content, settings, seed=0, num_outputs=1, epoch=0, workers=1):
        # Elsewhere Keras reads ahead on its workers to build the model, and then trains on those batches a second time.
        super().__init__(workers=workers if keras.backend.backend() == "tensorflow" else 1)
        self.content, self.settings, self.seed, self.num_outputs = content, settings, seed, num_outputs
        self.epoch = epoch
        for _ in range(epoch):
            content.on_epoch_end()
        self._reading = threading.Lock()  # the content may keep what it read last
        self._begun = self._given = False

    @property
    def num_batches(self):
        return self.content.num_batches

    def on_epoch_begin(self):
        self._begun = True
        self.content.on_epoch_begin()

    def on_epoch_end(self):
        # `fit` also calls this before its first epoch, when it has looked at a batch or two.
        if self._begun and self._given:
            self.epoch += 1
            self.content.on_epoch_end()
        self._begun = self._given = False

    def __getitem__(self, index):
        with self._reading:
            images, targets, *weights = self.content[index]
        self._given |= index + 1 == self.num_batches
        options = {"num_outputs": self.num_outputs, "weights": weights[0] if weights else None}
        return augment(images, targets, self.settings, self.seed, self.epoch, index, **options)
