"""Saved models: found, loaded and checked before anything in them runs."""

import difflib
import errno
import os
import tempfile
from pathlib import Path

import keras

import callbacks  # noqa: F401  (registers the schedule that a saved optimizer may hold)
import custom_layers  # noqa: F401  (registers the layers that a saved model may hold)
import recipes.losses
import recipes.metrics.confusion_metric
import recipes.optimizers
import recipes.schedules  # noqa: F401  (and whatever else a model may hold that the user compiled)
from recipes.disk import manifest
from recipes.models import applications
from recipes.models.canonical import write_canonical
from recipes.models.untrusted import (
    CONFIGURATION,
    RefusedError,
    UnknownNameError,
    check_model,
    read_archive,
    write_archive,
)

MODEL = "model.keras"
# Folders of the runs that ship with the package: inside of it where it is installed, beside it in a checkout.
SHIPPED = tuple(Path(__file__).resolve().parents[place] / "saved_models" for place in (1, 2))


def check_reloads(model: keras.Model) -> None:
    """Save and load `model` once, so that one that cannot be loaded is refused before it is trained.

    Raises:
        ValueError: If it cannot be loaded; the message says what to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            save_model(model, Path(folder) / MODEL)
            load_model(folder)
        except Exception as error:  # whatever the user's own layers raise
            reason = " ".join(str(error).split()).replace(f"{folder}/", "")
            raise ValueError(
                "the model could not be loaded again after training: register its classes with "
                f"@keras.saving.register_keras_serializable(), and use no Lambda layer ({reason[:300]})"
            ) from error


def model_file(path: str | os.PathLike) -> Path:
    """Model file of a run folder, or `path` itself if it is a `.keras` file.

    Args:
        path: Path of either, or a `Run` or `Stored`, which stand for the path of their folder.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If `path` is none of these.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(
            f"a run is given as a `Run`, a `Stored`, or the path of a run folder or .keras file. Received: {path!r:.80}"
        )
    path = Path(path)
    if path.is_dir():
        if not (path / MODEL).is_file():
            raise FileNotFoundError(f"{path} is no run folder: it has no {MODEL}")
        return path / MODEL
    if not path.exists():
        raise FileNotFoundError(f"there is no run folder or .keras file {path}")
    return path


def load_model(path: str | os.PathLike, custom_objects: dict | None = None) -> keras.Model:
    """Load a trained model: raw rows in, probabilities (or values) out.

    Args:
        path: Run folder or `.keras` file: its path, or a `Run` or `Stored`.
        custom_objects: Your own classes and functions that the model uses, by name.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If it is no Keras model, is damaged (by the manifest of its run folder, if there is one), or is
            refused: it holds Python code that would run while it loads, such as a Lambda layer, reaches for other
            files, or asks for more memory than its weights need.
    """
    file = model_file(path)
    manifest.check(file)
    try:
        contents = read_archive(file)
    except RefusedError as error:
        raise ValueError(f"{file} is refused: {error}") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT):
            raise
        contents = {}
    except Exception:  # a damaged file can fail in many ways
        contents = {}
    if CONFIGURATION not in contents:
        raise ValueError(f"{file} is no Keras model file (as `model.save` writes it), or is damaged")
    try:
        check_model(contents, custom_objects)
        # Of the file itself, which may be changed meanwhile, Keras sees nothing.
        with tempfile.TemporaryDirectory() as folder:
            write_archive(contents, Path(folder) / MODEL)
            del contents
            return keras.saving.load_model(Path(folder) / MODEL, custom_objects=custom_objects, safe_mode=True)
    except RefusedError as error:
        raise ValueError(f"{file} is refused: {error}") from None
    except UnknownNameError as error:
        raise ValueError(
            f"{file} needs {error}: import the module that registers it, or give it in `custom_objects`"
        ) from None
    except Exception as error:  # each library that reads a part of the file raises errors of its own
        text = "".join(letter if letter.isprintable() else " " for letter in str(error))
        reason = " ".join(text.split())[:300] or type(error).__name__
        raise ValueError(f"{file} cannot be loaded: {reason}") from error


def find(name: str | os.PathLike) -> Path:
    """Path of a run folder or `.keras` file, which may also be named as it is called in a folder `saved_models`.

    Args:
        name: Path, `Run` or `Stored`; or name in the folder `saved_models` here, or in that of this package.

    Raises:
        FileNotFoundError: If there is none.
    """
    name = os.fspath(name)
    places = [Path(name), "saved_models" / Path(name), *(shipped / name for shipped in SHIPPED)]
    for place in places:
        if place.exists():
            return place
    near = difflib.get_close_matches(name, applications.NETWORKS, n=1)
    hint = (
        f"did you mean {near[0]}, of keras.applications?"
        if near
        else f"`keras-recipes train {Path(name).name} --name {Path(name).name}` makes that of a recipe"
    )
    raise FileNotFoundError(
        f"there is no run folder or .keras file {name}, and none of that name in saved_models: {hint}"
    )


def save_model(model: keras.Model, file: Path) -> None:
    """Save `model` without the optimizer of the network inside, whose state would triple the file unused.

    Equal models give files of equal bytes, whenever and wherever they are saved.
    """
    inner = [(layer, layer.optimizer) for layer in model.layers if isinstance(layer, keras.Model) and layer.compiled]
    for network, _ in inner:
        network.optimizer, network.compiled = None, False
    try:
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder) / MODEL)
            write_canonical(Path(folder) / MODEL, file)
    finally:
        for network, optimizer in inner:
            network.optimizer, network.compiled = optimizer, True
