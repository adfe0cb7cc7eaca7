"""Sets of tensorflow-datasets (TFDS): found by name, and downloaded and prepared where they are not there yet."""

import contextlib
import difflib
import io
import json
import logging
import os
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from recipes.arguments.names import normalize, shown, unknown
from recipes.arguments.regular_files import read_text

# Seconds within which a server must answer.
TIMEOUT = 5.0
# Largest description of the features of a set, in bytes, and the module of the classes that it may name.
_MOST_DESCRIPTION = 16 * 2**20
_FEATURES = "tensorflow_datasets.core.features."
_PORTS = {"http": 80, "ftp": 21}


@contextlib.contextmanager
def quiet():
    """Hide the messages and progress bars of TFDS, and keep TensorFlow off the accelerator of another backend."""
    _leave_accelerator_alone()
    loggers = [logging.getLogger(name) for name in ("absl", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        # TFDS can switch its progress bars off, but not say whether they were on: hiding them changes no setting.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _leave_accelerator_alone():
    """On another backend, TensorFlow only reads files, but would reserve all memory of the accelerator."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):  # its devices are in use already
            tensorflow.config.set_visible_devices([], "GPU")


def find(name: str, folder: Path | None):
    """The `tfds.core.DatasetBuilder` of a set; data prepared in `folder` take precedence over those in TFDS's folder.

    Args:
        name: `NAME`, `NAME/CONFIG`, `NAME:VERSION` or `NAME/CONFIG:VERSION`; `-` and `_` are alike.
        folder: Folder of local copies, or `None`.

    Raises:
        ValueError: If the name is unknown, or the set cannot be opened.
    """
    import tensorflow_datasets as tfds

    dataset, request = _request(name)
    # TFDS itself reads the variable only once, when it is imported.
    named = os.environ.get("TFDS_DATA_DIR")
    default = Path(named).expanduser() if named else None
    builder = None
    for home in [folder, default] if folder else [default]:
        _refuse_foreign_features((home or Path(tfds.core.constants.DATA_DIR)) / dataset)
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
    """Name of the set, and the whole request, in TFDS's spelling."""
    import tensorflow_datasets as tfds

    match = re.fullmatch(r"([\w-]+)(?:/(\w[\w.+-]*))?(?::([\d.*]+))?", name.strip(), re.ASCII)
    if not match:
        raise ValueError(f"datasets of TFDS are called NAME, NAME/CONFIG or NAME:VERSION. Received: {name!r}")
    dataset, config, version = match[1].lower().replace("-", "_"), match[2], match[3]
    if config:
        with contextlib.suppress(tfds.core.DatasetNotFoundError):  # the local folder may have it all the same
            config = _config(dataset, config, list(tfds.builder_cls(dataset).builder_configs))
    return dataset, dataset + (f"/{config}" if config else "") + (f":{version}" if version else "")


def _refuse_foreign_features(folder: Path) -> None:
    """Refuse prepared data that name classes outside of TFDS, whose modules TFDS would import to read them.

    Raises:
        ValueError, OSError: If there are any, or a file that describes features is damaged.
    """
    for file in sorted(folder.rglob("features.json")):
        try:
            described = json.loads(read_text(file, _MOST_DESCRIPTION, "description of features"))
            foreign = [name for name in _class_names(described) if not name.startswith(_FEATURES)]
        except (ValueError, RecursionError):
            raise ValueError(f"{file} is damaged: it must describe the features of a dataset of TFDS") from None
        if foreign:
            raise ValueError(f"{file} is refused: only features of TFDS are read. Received: {shown(foreign[0])}")


def _class_names(described) -> Iterator[str]:
    """Names of the Python classes in the description of features, wherever they stand."""
    if isinstance(described, dict):
        for key, value in described.items():
            if key in ("pythonClassName", "python_class_name", "type") and isinstance(value, str):
                yield value
    if isinstance(described, dict | list):
        for value in described.values() if isinstance(described, dict) else described:
            yield from _class_names(value)


def _config(dataset: str, config: str, known: list[str]) -> str:
    if not known:
        raise ValueError(f"the dataset {dataset!r} of TFDS has no configurations. Received: {config!r}")
    spelling = {normalize(one): one for one in known}
    if normalize(config) not in spelling:
        raise _unknown(f"configuration of {dataset!r}", config, known)
    return spelling[normalize(config)]


def _unknown(kind: str, name: str, known: list[str]) -> ValueError:
    """The error for an unknown name, with the nearest names alone, since TFDS has hundreds."""
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5) or known[:4]
    others = len(known) - len(near)
    return unknown(kind, name, [*near, f"and {others} more"] if others else near)


def prepare(builder, folder: Path | None, download: bool = True) -> None:
    """Download and prepare the set of `builder`, if it is not prepared yet.

    Args:
        builder: Builder from `find`.
        folder: Folder of local copies, or `None`: files in `folder/NAME` are not downloaded.
        download: Whether files may be downloaded.

    Raises:
        FileNotFoundError: If the set is not prepared and `download` is false.
        ConnectionError: If a download is needed and there is no network.
        OSError: If the set cannot be downloaded or prepared.
    """
    import tensorflow_datasets as tfds

    if builder.is_prepared():
        return
    if not download:
        raise FileNotFoundError(f"the dataset {builder.name!r} is not here yet, and would be downloaded first")
    places = [folder / builder.name, folder / builder.name.replace("_", "-")] if folder else []
    local_files = next((place for place in places if place.is_dir()), None)
    _require_network(builder, local_files)
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=local_files))
    except Exception as error:  # of the network, of the disk, or of the code that belongs to the set
        raise OSError(f"the dataset {builder.name!r} cannot be downloaded and prepared: {_line(error)}") from None


def _require_network(builder, local_files: Path | None) -> None:
    """Refuse a download without a network: TFDS itself retries for more than three minutes, in silence.

    A set may name servers that its chosen configuration does not need, so one that answers is enough.
    """
    servers = _servers(builder.url_infos or {}, local_files, Path(builder.data_dir_root) / "downloads")
    if not servers or urllib.request.getproxies():  # a proxy answers for all servers
        return
    if not any(_answers(host, port) for host, port in servers):
        raise ConnectionError(
            f"there is no network ({servers[0][0]} does not answer) and no local copy of {builder.name!r}: put its "
            f"prepared data into DIR/{builder.name} and name DIR by --data-dir or the environment variable "
            f"KERAS_RECIPES_DATA, or put them into {Path(builder.data_dir_root) / builder.name}"
        )


def _servers(files, local_files: Path | None, downloads: Path) -> list[tuple[str, int]]:
    """Host and port of the servers of all files that would have to be downloaded.

    Args:
        files: Size and name of each file, by URL.
        local_files: Folder with local copies under the same names, or `None`.
        downloads: Folder of earlier downloads, in which TFDS chooses the names: files are found there by their size.
    """
    sizes = {path.stat().st_size for path in downloads.rglob("*") if path.is_file()}
    servers = []
    for url, file in files.items():
        is_local = local_files is not None and file.filename and (local_files / file.filename).is_file()
        if not is_local and file.size not in sizes:
            parts = urllib.parse.urlparse(url)
            host = "storage.googleapis.com" if parts.scheme == "gs" else parts.hostname
            servers += [(host, parts.port or _PORTS.get(parts.scheme, 443))] if host else []
    return list(dict.fromkeys(servers))


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=TIMEOUT).close()
    except OSError:
        return False
    return True


def _line(error: Exception) -> str:
    """The message of `error` in one line of limited length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."
