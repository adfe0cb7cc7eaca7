"""The software and the machine that a training runs on, as far as they may change its result."""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

import keras

from recipes.version import __version__

# Environment variables that bound the number of threads, or choose how operations are computed.
_SETTINGS = (
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS",
)  # fmt: skip


def versions() -> dict:
    """Versions of whatever may change the result of the same recipe."""
    backend = keras.backend.backend()
    packages = {"keras-recipes": __version__, "keras": keras.__version__}
    for package in (backend, "numpy", "scikit-learn"):
        packages[package] = importlib.metadata.version(package)
    system = {"python": platform.python_version(), "system": platform.platform()}
    precision = keras.config.dtype_policy().name
    return {"backend": backend, "precision": precision, **system, "packages": packages, "machine": machine()}


def machine() -> dict[str, str]:
    """Kind of the processor, a digest of its abilities, and threads and their settings, on which last digits depend."""
    described = {}
    information = Path("/proc/cpuinfo")
    if information.is_file():  # on Linux: one block of lines for each core
        lines = information.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
        described = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    available = hasattr(os, "sched_getaffinity")  # not on every system
    threads = [f"{len(os.sched_getaffinity(0)) if available else os.cpu_count()} cores"]
    threads += [f"{name}={os.environ[name]}" for name in _SETTINGS if name in os.environ]
    return {
        "processor": described.get("model name") or platform.processor() or platform.machine(),
        "abilities": hashlib.blake2b(described.get("flags", "").encode(), digest_size=8).hexdigest(),
        "threads": ", ".join(threads),
    }
