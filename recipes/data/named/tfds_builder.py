"""Where a set of tensorflow-datasets (TFDS) comes from: found by its name, and downloaded where it is not there."""

import contextlib
import difflib
import io
import logging
import os
import re
import socket
import urllib.parse
import urllib.request
from pathlib import Path

from recipes.arguments.names import normalize, unknown

# Seconds that a server has to answer.
PATIENCE = 5.0


@contextlib.contextmanager
def quiet():
    """Hide the messages and progress bars of TFDS, and leave the accelerator alone."""
    _leave_accelerator_alone()
    from tensorflow_datasets.core.utils import tqdm_utils

    loggers = [logging.getLogger(name) for name in ("absl", "urllib3")]
    levels, bars = [logger.level for logger in loggers], tqdm_utils._active
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    tqdm_utils.display_progress_bar(False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm_utils.display_progress_bar(bars)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _leave_accelerator_alone():
    """On another backend, TensorFlow only reads: it would take all memory of the accelerator for itself."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):  # its devices are in use already
            tensorflow.config.set_visible_devices([], "GPU")


def find(name: str, folder: Path | None):
    """What TFDS knows of the set, a `tfds.core.DatasetBuilder`: prepared data in `folder` first, then in that of TFDS.

    Args:
        name: `NAME`, `NAME/CONFIG`, `NAME:VERSION` or `NAME/CONFIG:VERSION`; `-` and `_` are alike.
        folder: Of local copies, or `None`.

    Raises:
        ValueError: If the name is unknown, or the set cannot be opened.
    """
    import tensorflow_datasets as tfds

    dataset, request = _request(name)
    # TFDS looks at the variable only once, when it is imported.
    named = os.environ.get("TFDS_DATA_DIR")
    default = Path(named).expanduser() if named else None
    builder = None
    for home in [folder, default] if folder else [default]:
        try:
            builder = tfds.builder(request, data_dir=home)
        except tfds.core.DatasetNotFoundError:
            continue
        except Exception as error:  # a version that is not there, damaged data, a module that is not installed
            reason = _line(error).split('": ')[-1]
            raise ValueError(f"the dataset {name!r} of tensorflow-datasets cannot be opened: {reason}") from None
        if builder.is_prepared():
            return builder
    if builder is None:
        raise _unknown("dataset of TFDS", dataset, tfds.list_builders(with_community_datasets=False))
    return builder


def _request(name: str) -> tuple[str, str]:
    """Name of the set, and the whole request, as TFDS spells them."""
    import tensorflow_datasets as tfds

    match = re.fullmatch(r"([\w-]+)(?:/([\w.+-]+))?(?::([\d.*]+))?", name.strip())
    if not match:
        raise ValueError(f"datasets of TFDS are called NAME, NAME/CONFIG or NAME:VERSION. Received: {name!r}")
    dataset, config, version = match[1].lower().replace("-", "_"), match[2], match[3]
    if config:
        with contextlib.suppress(tfds.core.DatasetNotFoundError):  # it may lie in the folder all the same
            config = _config(dataset, config, list(tfds.builder_cls(dataset).builder_configs))
    return dataset, dataset + (f"/{config}" if config else "") + (f":{version}" if version else "")


def _config(dataset: str, config: str, known: list[str]) -> str:
    if not known:
        raise ValueError(f"the dataset {dataset!r} of TFDS has no configurations. Received: {config!r}")
    spelling = {normalize(one): one for one in known}
    if normalize(config) not in spelling:
        raise _unknown(f"configuration of {dataset!r}", config, known)
    return spelling[normalize(config)]


def _unknown(kind: str, name: str, known: list[str]) -> ValueError:
    """TFDS knows hundreds of names: only the nearest are told."""
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5) or known[:4]
    others = len(known) - len(near)
    return unknown(kind, name, [*near, f"and {others} more"] if others else near)


def prepare(builder, folder: Path | None, download: bool = True) -> None:
    """Download and prepare the set of `builder`, if it is not prepared yet.

    Args:
        builder: From `find`.
        folder: Of local copies, or `None`: files in `folder/NAME` are not downloaded.
        download: Whether that may be done.

    Raises:
        FileNotFoundError: If it is not prepared, and may not be.
        ConnectionError: If a download is needed and there is no network.
        OSError: If it cannot be downloaded or prepared.
    """
    import tensorflow_datasets as tfds

    if builder.is_prepared():
        return
    if not download:
        raise FileNotFoundError(f"the dataset {builder.name!r} is not here yet, and would be downloaded first")
    places = [folder / builder.name, folder / builder.name.replace("_", "-")] if folder else []
    own_files = next((place for place in places if place.is_dir()), None)
    try:
        with _short_patience():
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=own_files))
    except _UnreachableError as server:
        raise ConnectionError(
            f"there is no network ({server} does not answer) and no local copy of {builder.name!r}: put its prepared "
            f"data into DIR/{builder.name} and name DIR by --data-dir or the environment variable KERAS_RECIPES_DATA, "
            f"or put them into {Path(builder.data_dir_root) / builder.name}"
        ) from None
    except Exception as error:  # of the network, of the disk, or of the code that belongs to the set
        raise OSError(f"the dataset {builder.name!r} cannot be downloaded and prepared: {_line(error)}") from None


class _UnreachableError(OSError):
    """A server that does not answer."""


@contextlib.contextmanager
def _short_patience():
    """Ask a server whether it is there before TFDS does, which asks for minutes before it gives up.

    That happens only where something really is downloaded: files that TFDS has, or was given, need no network.
    """
    from tensorflow_datasets.core.download import downloader

    original, known = downloader._Downloader.download, set()

    def download(self, url, *args, **kwargs):
        _require_server(url, known)
        return original(self, url, *args, **kwargs)

    downloader._Downloader.download = download
    try:
        yield
    finally:
        downloader._Downloader.download = original


def _require_server(url: str, known: set[str]) -> None:
    parts = urllib.parse.urlparse(url)
    host = "storage.googleapis.com" if parts.scheme == "gs" else parts.hostname
    if host is None or host in known or urllib.request.getproxies():  # a proxy answers for all of them
        return
    port = parts.port or {"http": 80, "ftp": 21}.get(parts.scheme, 443)
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        raise _UnreachableError(host) from None
    known.add(host)


def _line(error: Exception) -> str:
    """The message of `error` in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."
