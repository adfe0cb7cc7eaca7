"""What becomes of the columns of a table in front of the first dense layer: vectors of numbers, and learned scales."""

from custom_layers import FeatureScale, PeriodicEmbedding, PiecewiseLinearEmbedding
from recipes.arguments.numbers import require_whole
from recipes.models import blocks

NUMBER_EMBEDDINGS = ("periodic", "piecewise")


def embed_numbers(
    x, number_embedding: str | None, numbers: int | None, bin_edges, row_shape: tuple[int, ...], codes: int
):
    """Rows with a learned vector in place of each of the first columns.

    Args:
        x: Rows `(batch, columns)`, with vectors in place of codes.
        number_embedding: Kind of the embedding, as in `mlp`; `None` for no change.
        numbers: Number of columns that hold numbers, from the first on; `None` for all without codes.
        bin_edges: Edges of the bins of each column of numbers, for the embedding `"piecewise"`.
        row_shape: Shape of a row as the model takes it.
        codes: Number of columns that hold codes.

    Raises:
        ValueError: For an unknown embedding, rows that are not those of a table, and `numbers` that do not fit.
    """
    if bin_edges is not None and number_embedding != "piecewise":
        raise ValueError(f"`bin_edges` is for the number embedding piecewise. Received: {number_embedding!r}")
    if number_embedding is None:
        if numbers is not None:
            raise ValueError(f"`numbers` is for `number_embedding`. Received: {numbers!r} without one")
        return x
    kind = blocks.choose("number embedding", number_embedding, NUMBER_EMBEDDINGS)
    if len(row_shape) != 1:
        raise ValueError(f"`number_embedding` is for rows of numbers. Received: rows of shape {row_shape}")
    most = row_shape[0] - codes
    numbers = most if numbers is None else numbers
    require_whole("numbers", numbers)
    if not 1 <= numbers <= most:
        raise ValueError(
            f"`number_embedding` needs 1 to {most} of `numbers`, columns without codes. Received: {numbers}"
        )
    if kind == "periodic":
        return PeriodicEmbedding(numbers, name="periodic_embedding")(x)
    if bin_edges is None or len(bin_edges) != numbers:
        raise ValueError(
            f"`bin_edges` must hold edges for {numbers} columns, such as PiecewiseLinearEmbedding.quantile_edges(x). "
            f"Received: {'none' if bin_edges is None else len(bin_edges)}"
        )
    return PiecewiseLinearEmbedding(bin_edges, name="piecewise_embedding")(x)


def scale_columns(x, feature_scale: bool):
    """Rows with a learned scale for each column, where that is set."""
    blocks.check_flag("feature_scale", feature_scale)
    return FeatureScale(name="feature_scale")(x) if feature_scale else x
