"""The images with the greatest losses of a classifier: often wrong labels, odd images, or a typical kind of error."""

import numpy as np

from recipes.arguments.numbers import require_whole
from recipes.metrics.classes.multi_label import MultiLabelReport
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.plots.axes import GREEN, NOT_FINITE, axes_or_new, cut, width_in_points, write_title
from recipes.plots.classes import has_several_labels, require_probabilities

COLUMNS = 5
_PITCH, _GAP = 1.08, 0.05  # distance from image to image, and gap between rows, in widths of an image
_COARSE = 16  # height in pixels below which images are smoothed, since the edges of their pixels hide the content
_SMALLEST, _LARGEST = 5.0, 8.5  # points
_FULL = (1, 16, 255)  # possible values of white; 16 is that of `digits`


def greatest_losses(report: ClassificationReport | MultiLabelReport, x, ax=None, *, most: int = 20):
    """The images of the rows with the greatest losses, the greatest first: true class, its probability, and prediction.

    A correct prediction is green.

    Args:
        report: Report with probabilities.
        x: Raw rows that were evaluated for `report`: images `(rows, height, width[, channels])`, grey, RGB or RGBA, or
            with channels first. Values are from 0 to 1 or 255; other ranges are stretched. Rows on disk are read one by
            one.
        ax: Matplotlib axes. Default: new ones, as large as the images need.
        most: Largest number of images, at least 1; a report keeps 20. Default: 20.

    Returns:
        The axes.

    Raises:
        ValueError: If `report` has no probabilities or keeps no rows; if `x` contains no images, or another number of
            rows; and for `most` below 1.
    """
    scores = require_probabilities(report)
    require_whole("most", most, least=1)
    rows = scores.greatest_losses[:most]
    if not rows:
        raise ValueError("`report` must keep the rows with the greatest losses. Received: a report that keeps none")
    images = _images(x, [row.row for row in rows], report.rows)
    columns = min(COLUMNS, len(rows))
    ax = axes_or_new(ax, size=grid_size(x, len(rows)))
    height = images[0].shape[0] / images[0].shape[1]
    low, high = value_range(images)
    # All lengths, the height of a line of text included, are in widths of an image.
    room = width_in_points(ax) / columns / _PITCH
    size = float(np.clip(room / 12, _SMALLEST, _LARGEST))
    line = 1.35 * size / room
    row_height = height + 2 * line + _GAP
    longest = max(6, int(room / size / 0.56))
    smooth = "bilinear" if images[0].shape[0] < _COARSE else "nearest"
    for number, (row, image) in enumerate(zip(rows, images, strict=True)):
        left, top = number % columns * _PITCH, number // columns * row_height
        place = (left, left + 1, top + height, top)
        ax.imshow((image - low) / (high - low), cmap="gray", vmin=0, vmax=1, extent=place, interpolation=smooth)
        true, prediction, colour = _caption(row, has_several_labels(report), longest)
        for text, below, shade in ((true, 0.2 * line, "black"), (prediction, 1.1 * line, colour)):
            ax.text(left, top + height + below, text, va="top", fontsize=size, color=shade, parse_math=False)
    ax.set(xlim=(-0.05, columns * _PITCH), ylim=(-(-len(rows) // columns) * row_height, -0.05), aspect="equal")
    ax.axis("off")
    write_title(ax, "greatest losses: true class (its probability) → prediction", fontsize=10, wrap=True)
    return ax


def are_images(x) -> bool:
    """Whether the rows of `x` can be drawn as images, by their shape, which sequences of features may have as well."""
    shape = np.shape(x)
    return len(shape) == 3 or (len(shape) == 4 and bool({shape[1], shape[3]} & {1, 3, 4}))


def as_images(x, numbers: list[int]) -> list[np.ndarray]:
    """Images `(height, width[, channels])` of the rows `numbers` of `x`, float64, in whichever order the axes are."""
    images = [np.asarray(x[number], np.float64) for number in numbers]
    if _has_channels_first(x):
        images = [np.moveaxis(image, 0, -1) for image in images]
    return [image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image for image in images]


def value_range(images: list[np.ndarray]) -> tuple[float, float]:
    """Values of black and white."""
    low, high = min(map(np.min, images)), max(map(np.max, images))
    if low < 0:
        return low, high if high > low else low + 1
    return 0.0, next((full for full in _FULL if high <= full), high)


def grid_size(x, num_rows: int) -> tuple[float, float]:
    """Width and height in inches of a picture of `num_rows` images of `x`."""
    columns = min(COLUMNS, num_rows)
    height, width = np.shape(x)[2:] if _has_channels_first(x) else np.shape(x)[1:3]
    each = min(2.4, 1.48 * height / width) + 0.4  # with the caption
    return max(4.0, 1.6 * columns), 0.4 + each * -(-num_rows // columns)


def _caption(row, several: bool, longest: int) -> tuple[str, str, str]:
    """True class with its probability, prediction, and colour of the prediction."""
    probability = f"{row.probability:.2g}" if row.probability >= 1e-4 else f"{row.probability:.0e}"
    true = f"{cut(' '.join(row.true.split()), max(6, longest - len(probability) - 3))} ({probability})"
    if several:
        return true, "→ yes" if row.predicted else "→ no", NOT_FINITE
    prediction = f"→ {cut(' '.join(row.predicted.split()), longest - 2)}"
    return true, prediction, GREEN if row.predicted == row.true else NOT_FINITE


def _images(x, numbers: list[int], rows: int) -> list[np.ndarray]:
    """Images `(height, width[, 3 or 4])` of the rows `numbers` of `x`, which must have `rows` rows, as float64."""
    x = x if hasattr(x, "shape") else np.asarray(x)
    if not are_images(x):
        raise ValueError(
            f"`x` must hold images (rows, height, width) or (rows, height, width, channels). Received: {tuple(x.shape)}"
        )
    if len(x) != rows:
        raise ValueError(f"`x` must be the {rows:,} rows that were evaluated for `report`. Received: {len(x):,} rows")
    return as_images(x, numbers)


def _has_channels_first(x) -> bool:
    return len(np.shape(x)) == 4 and np.shape(x)[3] not in (1, 3, 4)
