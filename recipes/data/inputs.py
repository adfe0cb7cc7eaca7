"""Inputs of a source in the form that the settings ask for: sequences, groups and times, size and colour of images."""

import numpy as np

from recipes.arguments.names import unknown
from recipes.data.arrays.checks import check_input
from recipes.data.images.pixels import COLORS, color_of, fit_all
from recipes.data.preparation.image_preparation import channels_first
from recipes.data.source import Source
from recipes.settings import Data


def read_as_sequences(source: Source, settings: Data) -> None:
    """Turn rows of two axes into sequences if the settings ask for it, unless the source holds sequences already."""
    x, _ = source.main_part
    if settings.kind is None or source.kind == settings.kind:
        return
    if x.ndim == 2:
        raise ValueError(
            f"data.kind is for rows of two axes: {settings.kind} cannot be read from {source.name}, a table of "
            f"{x.shape[1]} columns"
        )
    if source.kind:
        raise ValueError(f"data.kind={settings.kind!r} does not fit {source.name}, which holds {source.kind}")
    if settings.kind == "sequences":
        source.parts = {
            part: (check_input(x, source.name, kind="sequences"), y) for part, (x, y) in source.parts.items()
        }
        source.kind = "sequences"


def take_role_columns(source: Source, settings: Data) -> None:
    """Move the columns of groups and times out of `x`, if the reader has not done so."""
    for setting, attribute in (("group_column", "groups"), ("time_column", "times")):
        name = getattr(settings, setting)
        if name is None or getattr(source, attribute) is not None:
            continue
        x, _ = source.main_part
        names = source.feature_names or tuple(f"column_{number}" for number in range(x.shape[1]))
        if x.ndim != 2:
            raise ValueError(f"data.{setting} is for tables. Received: {name!r} for {source.kind or 'images'}")
        if name not in names:
            raise unknown(f"column for data.{setting}:", name, names)
        column = names.index(name)
        setattr(source, attribute, np.array(x[:, column]))
        source.parts = {part: (np.delete(x, column, axis=1), y) for part, (x, y) in source.parts.items()}
        source.feature_names = names[:column] + names[column + 1 :]
        source.vocabularies.pop(name, None)
        source.dates = tuple(date for date in source.dates if date != name)
        source.rescaled.pop(name, None)


def resize_images(source: Source, settings: Data) -> None:
    """Convert images to the size and colour of the settings."""
    x, _ = source.main_part
    given = [name for name in ("image_size", "color") if getattr(settings, name) is not None]
    if x.ndim == 2 or source.kind == "sequences":
        if given:
            what = source.kind or "a table"
            raise ValueError(f"data.{given[0]} is for images. Received: {getattr(settings, given[0])!r} for {what}")
        return
    if not given:
        return
    if x.ndim == 3:
        source.parts = {part: (images[..., None], y) for part, (images, y) in source.parts.items()}
        x, _ = source.main_part
    if channels_first(x.shape):
        raise ValueError(f"data.{given[0]} needs images of (height, width, channels). Received: {x.shape[1:]}")
    height, width = settings.image_size or x.shape[1:3]
    channels = COLORS[settings.color] if settings.color else x.shape[3]
    shape, background = (height, width, channels), color_of(settings.background)
    source.parts = {part: (fit_all(x, *shape, background), y) for part, (x, y) in source.parts.items()}
