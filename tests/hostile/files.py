"""Hostile recipes, data and run folders: functions that build each of them, small, and what must refuse it."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import recipes
from recipes.settings import Recipe


@dataclass(frozen=True)
class Hostile:
    """A hostile input.

    Attributes:
        name: Name of the test.
        make: Function of an empty folder that builds the input, and returns what `read` takes.
        read: Public function that meets the input.
        refusal: Pattern that is found in the error message.
    """

    name: str
    make: Callable[[Path], object]
    read: Callable[[object], object]
    refusal: str


def written(name: str, content: bytes | str) -> Callable[[Path], Path]:
    """A function that writes one file into a folder."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def pipe(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    return make


def link(name: str, target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def listening(name: str) -> Callable[[Path], Path]:
    """A socket; its path may have about a hundred characters, so it is bound within the folder."""

    def make(folder: Path) -> Path:
        before = Path.cwd()
        os.chdir(folder)
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(name)
        finally:
            os.chdir(before)
        return folder / name

    return make


def text(content: str) -> Callable[[Path], str]:
    """A recipe as text rather than a file."""
    return lambda folder: content


def _laughs() -> str:
    levels = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    return f"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n{levels}data: {{target: *a9}}"


def foreign_features(folder: Path) -> Path:
    """A prepared set of TFDS whose features are a class of a module in the working directory."""
    stored = folder / "own" / "1.0.0"
    stored.mkdir(parents=True)
    (stored / "features.json").write_text(json.dumps({"pythonClassName": "hostile_module.Thing", "featuresDict": {}}))
    (stored / "dataset_info.json").write_text(json.dumps({"name": "own", "version": "1.0.0", "splits": []}))
    return folder


def load_tfds(folder: Path):
    return recipes.load_dataset("tfds:own", data_dir=folder, download=False)


RECIPES = [
    Hostile("aliases that double at each level", text(_laughs()), Recipe.from_yaml, "more than 262,144 characters"),
    Hostile(
        "an alias of a long text",
        text(f"name: &a {'x' * 1000}\nfit: {{class_weight: {{{','.join(f'{n}: *a' for n in range(500))}}}}}"),
        Recipe.from_yaml,
        "more than 262,144 characters where aliases are replaced",
    ),
    Hostile("a list that holds itself", text("data: &a [*a]"), Recipe.from_yaml, "where aliases are replaced"),
    Hostile("a mapping that merges itself", text("data: &a {<<: *a}"), Recipe.from_yaml, "where aliases are replaced"),
    Hostile("lists in lists", text("[" * 10_000), Recipe.from_yaml, "more than 20 levels"),
    Hostile("mappings in mappings", text("{a: " * 10_000), Recipe.from_yaml, "more than 20 levels"),
    Hostile("thousands of values", text(f"data: {{ignore: [{'x,' * 60_000}]}}"), Recipe.from_yaml, "25,000 values"),
    Hostile("megabytes", written("big.yaml", b"#" * (2**20 + 1)), Recipe.from_yaml, "is too large: a recipe file"),
    Hostile(
        "a Python object",
        text("name: !!python/object/apply:os.system [touch here]"),
        Recipe.from_yaml,
        "tags are not read",
    ),
    Hostile("a tag with no value", text("fit: {epochs: !!int ''}"), Recipe.from_yaml, "tags are not read"),
    Hostile("a date that is none", text("name: !!timestamp x"), Recipe.from_yaml, "tags are not read"),
    Hostile("a key given twice", text("fit: {epochs: 1, epochs: 2}"), Recipe.from_yaml, "'epochs' is given twice"),
    Hostile("a list as a key", text("? [a]\n: 1"), Recipe.from_yaml, "a name must be a text"),
    Hostile("a key called self", text("self: 1"), Recipe.from_yaml, "unknown setting 'self'"),
    Hostile("a key with escape codes", text('"\\e[2Jx": 1'), Recipe.from_yaml, r"unknown setting '\\x1b\[2Jx'"),
    Hostile("two documents", text("name: a\n---\nname: b"), Recipe.from_yaml, "a single document"),
    Hostile(
        "a number of 5000 digits", text(f"fit: {{epochs: {'1' * 5000}}}"), Recipe.from_yaml, "more than 400 digits"
    ),
    Hostile(
        "a number beyond float64",
        text(f"optimizer: {{learning_rate: {'1' * 399}}}"),
        Recipe.from_yaml,
        "learning_rate must be a number",
    ),
    Hostile("10^11 epochs", text("fit: {epochs: 99999999999}"), Recipe.from_yaml, "must be at most 1,000,000,000"),
    Hostile("10^11 rows at once", text("fit: {batch_size: 99999999999}"), Recipe.from_yaml, "fit.batch_size must be"),
    Hostile("10^8 layers", text("model: {widths: 1 x 99999999}"), Recipe.from_yaml, "at most 1,000 layers"),
    Hostile("10^9 units", text("model: {widths: [1000000000, 9]}"), Recipe.from_yaml, "at most 1,000,000,000 weights"),
    Hostile("layers that multiply", text("model: {widths: 90000 x 3}"), Recipe.from_yaml, "1,000,000,000 weights"),
    Hostile("a rule of long numbers", text(f"model: {{widths: 1 x {'9' * 6000}}}"), Recipe.from_yaml, "or a rule"),
    Hostile("10^4 blocks", text("model: {builder: residual, depth: 9999}"), Recipe.from_yaml, "at most 1,000 layers"),
    Hostile("a kernel of 10^12", text("model: {kernel_size: 999999}"), Recipe.from_yaml, "1,000,000,000 weights"),
    Hostile("10^9 pieces", text("model: {pieces: 999999999}"), Recipe.from_yaml, "1,000,000,000 weights"),
    Hostile(
        "images of 10^10 pixels", text("data: {image_size: [99999, 99999]}"), Recipe.from_yaml, "50,000,000 pixels"
    ),
    Hostile("sequences of 10^9 steps", text("adding:999999999"), recipes.load_dataset, "at most 10,000"),
    Hostile("steps of 5000 digits", text(f"adding:{'9' * 5000}"), recipes.load_dataset, "at most 10,000"),
    Hostile("a pipe as a recipe", pipe("r.yaml"), Recipe.from_yaml, "is a pipe: only regular files are read"),
    Hostile("a device as a recipe", link("r.yaml", "/dev/zero"), Recipe.from_yaml, "is a device: only regular files"),
    Hostile("a socket as a recipe", listening("r.yaml"), Recipe.from_yaml, "is a socket: only regular files are read"),
    Hostile("a folder as a recipe", link("r.yaml", "."), Recipe.from_yaml, "is a folder, not a file"),
    Hostile("a link to itself", link("r.yaml", "r.yaml"), Recipe.from_yaml, "cannot be read: Too many levels"),
    Hostile("a recipe that is no text", written("r.yaml", b"\xff\xfe\x00"), Recipe.from_yaml, "is no text in UTF-8"),
    Hostile("a recipe with a NUL", written("r.yaml", "name: a\0b"), Recipe.from_yaml, "is not valid YAML"),
    Hostile("a module as features of TFDS", foreign_features, load_tfds, "only features of TFDS are read"),
    Hostile(
        "a module as a set of TFDS", text("tfds:os.path"), recipes.load_dataset, "datasets of TFDS are called NAME"
    ),
    Hostile(
        "a path as a set of TFDS", text("tfds:../../own"), recipes.load_dataset, "datasets of TFDS are called NAME"
    ),
]

CASES = [*RECIPES]
