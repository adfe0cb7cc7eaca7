"""Hostile recipes, data and run folders: functions that build each of them, small, and what must refuse it."""

import copy
import io
import json
import lzma
import os
import pickle
import socket
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

import recipes
from recipes.runs.stored import Stored
from recipes.settings import Data, Recipe


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
    Hostile("a mark that turns the line around", text("a\n\u202e"), Recipe.from_yaml, r"\\u202e"),
    Hostile("a recipe with a NUL", written("r.yaml", "name: a\0b"), Recipe.from_yaml, "is not valid YAML"),
    Hostile("a module as features of TFDS", foreign_features, load_tfds, "only features of TFDS are read"),
    Hostile(
        "a module as a set of TFDS", text("tfds:os.path"), recipes.load_dataset, "datasets of TFDS are called NAME"
    ),
    Hostile(
        "a path as a set of TFDS", text("tfds:../../own"), recipes.load_dataset, "datasets of TFDS are called NAME"
    ),
]


def header(shape: str, dtype: str = "'<f8'") -> bytes:
    """The header of an array, version 1.0, that claims any shape and type."""
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(*members: tuple[str, bytes], name: str = "rows.npz") -> Callable[[Path], Path]:
    """A function that writes members into a compressed archive, several of one name if need be."""

    def make(folder: Path) -> Path:
        with warnings.catch_warnings(), zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as stored:
            warnings.simplefilter("ignore")  # of names that are given twice
            for member, content in members:
                stored.writestr(member, content)
        return folder / name

    return make


def zeros(count: int) -> bytes:
    """A raw deflate stream of `count` MiB of zeros, made in no time: a block may be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * count + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def bomb(name: str = "rows.npz", claimed: int = 2**30) -> Callable[[Path], Path]:
    """An archive of a megabyte whose array `x` unpacks to a gigabyte, or claims to hold `claimed` bytes."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w") as stored:
            stored.writestr("x.npy", zeros(1024))
            (member,) = stored.infolist()
            member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, claimed
        return folder / name

    return make


def overlapping(folder: Path) -> Path:
    """An archive whose list names the same member ten thousand times."""
    rows = io.BytesIO()
    with zipfile.ZipFile(rows, "w") as stored:
        stored.writestr("x.npy", header("(1000,)") + bytes(8000))
        (member,) = stored.infolist()
        for number in range(9000):
            again = copy.copy(member)
            again.filename = f"x{number}.npy"
            stored.filelist.append(again)
            stored.NameToInfo[again.filename] = again
    (folder / "rows.npz").write_bytes(rows.getvalue())
    return folder / "rows.npz"


def load(path):
    return recipes.load_dataset(path)


def load_table(path):
    return recipes.load_dataset(path, target="a")


def zipped(path):
    return recipes.load_dataset(path, settings=Data(encoding="zip", target="a"))


ARRAYS = [
    Hostile(
        "a pickle as an array", archive(("x.npy", header("(1,)", "'|O'") + pickle.dumps([1]))), load, "hold.*object"
    ),
    Hostile("a pickle as an archive", written("r.npz", pickle.dumps([1])), load, "is no readable NPZ file"),
    Hostile(
        "an archive that unpacks to a gigabyte", bomb(), load, "unpacks to 1,073,741,824 bytes, 1,011 times its size"
    ),
    Hostile("an archive that claims a petabyte", bomb(claimed=2**50), load, "unpacks to .* times its size"),
    Hostile("members that overlap", overlapping, load, "its members overlap"),
    Hostile("10^5 arrays", archive(*((f"x{n}", b"") for n in range(20_000))), load, "it holds 20,000 arrays"),
    Hostile("two arrays of one name", archive(*[("x.npy", header("(0,)"))] * 2), load, "two arrays called 'x'"),
    Hostile("a shape beyond the file", archive(("x.npy", header("(2**40,)"))), load, "no readable NPZ file"),
    Hostile("10^12 values", archive(("x.npy", header("(1000000000000,)"))), load, "claims the shape .1000000000000,"),
    Hostile(
        "a negative shape", archive(("x.npy", header("(-1, -1)") + bytes(8))), load, r"claims the shape \(-1, -1\)"
    ),
    Hostile("10^12 empty rows", archive(("x.npy", header("(1000000000000, 0)"))), load, "claims the shape"),
    Hostile("a text of 10^8 characters", archive(("x.npy", header("(1,)", "'<U100000000'"))), load, "claims the shape"),
    Hostile("a header of 60 KB", archive(("x.npy", header("(" + "1," * 30_000 + ")"))), load, "no readable NPZ file"),
    Hostile("a header that is code", archive(("x.npy", header("print('run')"))), load, "no readable NPZ file"),
    Hostile("a header of brackets", archive(("x.npy", header("(" * 900))), load, "no readable NPZ file"),
    Hostile(
        "texts of no characters",
        archive(("x.npy", header("(2,)", "'<U1'") + b"\xff" * 8), ("y.npy", header("(2,)") + bytes(16))),
        load,
        "holds texts that are not Unicode",
    ),
    Hostile("a member that is no array", archive(("x.npy", b"MZ")), load, "no readable NPZ file"),
    Hostile("a pipe as arrays", pipe("rows.npz"), load, "is a pipe: only regular files are read"),
    Hostile("a device as arrays", link("rows.npz", "/dev/zero"), load, "is a device: only regular files are read"),
]

PARTS = {
    "report.json": lambda run: run.report,
    "predictions.npz": lambda run: run.predictions,
    "record.npz": lambda run: run.record,
    "rows.npz": lambda run: run.fingerprint,
    "history.csv": lambda run: run.history,
    "versions.json": lambda run: run.versions,
    "recipe.yaml": lambda run: run.recipe,
}
VERSIONS = {"seed": 0, "classes": ["a", "b"]}
REPORT = recipes.classification_report([0, 1, 1, 0], [0, 1, 0, 0], class_names=["a", "b"]).to_dict()


def of_run(name: str, make: Callable[[Path], object], **others) -> tuple[Callable[[Path], Stored], Callable]:
    """A run folder with one hostile file, and the part of it that is read."""

    def build(folder: Path) -> Stored:
        parts = {"versions.json": VERSIONS, "report.json": REPORT, **others}
        for file, content in parts.items():
            if file != name:
                (folder / file).write_text(json.dumps(content))
        if name != "recipe.yaml":
            (folder / "recipe.yaml").write_text("name: a")
        (folder / "model.keras").write_bytes(b"PK")
        make(folder)
        return Stored(folder)

    return build, PARTS[name]


def plain(name: str, content, **others):
    """A run folder with one hostile file of plain values."""
    return of_run(name, written(name, json.dumps(content)), **others)


def arrays(name: str, **content):
    """A run folder with one hostile file of arrays."""
    return of_run(name, lambda folder: np.savez(folder / name, **content))


def _fingerprint(**changes) -> dict:
    parts = ("train", "validation", "test")
    facts = {"rows": dict.fromkeys(parts, 1), "columns": [], "digests": dict.fromkeys(parts, "")}
    return {**VERSIONS, "fingerprint": {**facts, **changes}}


LABELS = np.array([0, 1, 1, 0])
DIGESTS = {part: np.zeros(1, np.float32) for part in ("train", "validation", "test")}
RUNS = [
    Hostile("a report of lists in lists", *of_run("report.json", written("report.json", "[" * 100_000)), "JSON object"),
    Hostile("a report that is a list", *plain("report.json", []), "it must hold a JSON object"),
    Hostile(
        "a report of NaN alone", *of_run("report.json", written("report.json", "NaN")), "it must hold a JSON object"
    ),
    Hostile(
        "a report whose matrix is a text", *plain("report.json", {**REPORT, "confusion_matrix": "ab"}), "is damaged"
    ),
    Hostile("a report of other shape", *plain("report.json", {**REPORT, "confusion_matrix": [[1]]}), "is damaged"),
    Hostile(
        "a report of huge counts",
        *plain("report.json", {**REPORT, "confusion_matrix": [[10**30, 0]] * 2}),
        "is damaged",
    ),
    Hostile(
        "a report of negative counts", *plain("report.json", {**REPORT, "confusion_matrix": [[-1, 0]] * 2}), "damaged"
    ),
    Hostile("a report whose classes are a number", *plain("report.json", {**REPORT, "classes": 5}), "is damaged"),
    Hostile("a report whose scores are texts", *plain("report.json", {**REPORT, "macro": {"f1": "x"}}), "is damaged"),
    Hostile("a report with no scores", *plain("report.json", {**REPORT, "classes": {"a": 1, "b": None}}), "is damaged"),
    Hostile("a report whose rows are a list", *plain("report.json", {**REPORT, "rows": [4]}), "is damaged"),
    Hostile("a report of a strange confidence", *plain("report.json", {**REPORT, "confidence": "x"}), "is damaged"),
    Hostile(
        "a report whose intervals are numbers", *plain("report.json", {**REPORT, "intervals": {"f1": 1}}), "damaged"
    ),
    Hostile("a report that confuses numbers", *plain("report.json", {**REPORT, "most_confused": [1]}), "is damaged"),
    Hostile("a regression report of texts", *plain("report.json", {"mae": "x"}), "is damaged"),
    Hostile("a report of notes on other kinds", *plain("report.json", {**REPORT, "undefined": 5}), "is damaged"),
    Hostile("a pipe as a report", *of_run("report.json", pipe("report.json")), "is a pipe: only regular files"),
    Hostile("a device as versions", *of_run("versions.json", link("versions.json", "/dev/zero")), "is a device"),
    Hostile("a seed that is a text", *plain("versions.json", {"seed": "x"}), "seed must be a whole number"),
    Hostile(
        "classes that are a text", *plain("versions.json", {"seed": 0, "classes": "ab"}), "classes must be different"
    ),
    Hostile("classes given twice", *plain("versions.json", {"seed": 0, "classes": ["a", "a"]}), "classes must be diff"),
    Hostile("an epoch that is a list", *plain("versions.json", {"seed": 0, "kept_epoch": []}), "kept_epoch must be an"),
    Hostile(
        "missing parts that are a number", *plain("versions.json", {"seed": 0, "missing": 5}), "missing must be names"
    ),
    Hostile(
        "paths that are numbers", *plain("versions.json", {"seed": 0, "paths": {"name": [5]}}), "paths must be paths"
    ),
    Hostile(
        "a fingerprint that is a text", *plain("versions.json", {"fingerprint": "x"}), "fingerprint must be a mapping"
    ),
    Hostile(
        "a fingerprint of negative rows",
        *of_run("rows.npz", lambda folder: None, **{"versions.json": _fingerprint(rows={"test": -1})}),
        "the fingerprint .* is damaged",
    ),
    Hostile(
        "digests that are fractions",
        *of_run(
            "rows.npz", lambda folder: np.savez(folder / "rows.npz", **DIGESTS), **{"versions.json": _fingerprint()}
        ),
        "it must hold digests of rows",
    ),
    Hostile(
        "predictions of texts", *arrays("predictions.npz", label=LABELS, predicted=LABELS.astype(str)), "predicted must"
    ),
    Hostile(
        "predictions of other classes",
        *arrays("predictions.npz", label=LABELS, predicted=LABELS + 9),
        "numbers below 2",
    ),
    Hostile(
        "predictions of fewer rows", *arrays("predictions.npz", label=LABELS, predicted=LABELS[:2]), "one for each row"
    ),
    Hostile(
        "a prediction for no row", *arrays("predictions.npz", label=np.array(1), predicted=LABELS), "one for each row"
    ),
    Hostile(
        "predictions without labels", *arrays("predictions.npz", predicted=LABELS), "the arrays label and predicted"
    ),
    Hostile("predictions that unpack to a gigabyte", *of_run("predictions.npz", bomb("predictions.npz")), "unpacks to"),
    Hostile("a record of texts", *arrays("record.npz", layers=np.array(5), epochs=np.array("x")), "is no record"),
    Hostile(
        "a record of other shapes",
        *arrays("record.npz", layers=np.array(["a"]), epochs=np.arange(2), steps=np.zeros(3)),
        r"`steps` must have the shape \(2,\). Received: \(3,\)",
    ),
    Hostile("a record that unpacks to a gigabyte", *of_run("record.npz", bomb("record.npz")), "unpacks to"),
    Hostile(
        "a history of texts", *of_run("history.csv", written("history.csv", "epoch,loss\n1,x\n")), "table of numbers"
    ),
    Hostile(
        "a history of long fields", *of_run("history.csv", written("history.csv", "x" * 200_000)), "table of numbers"
    ),
    Hostile("a history of uneven rows", *of_run("history.csv", written("history.csv", "e,a\n1\n1,2\n")), "of numbers"),
    Hostile("a device as a history", *of_run("history.csv", link("history.csv", "/dev/zero")), "is a device"),
    Hostile(
        "a pipe as a recipe of a run", *of_run("recipe.yaml", pipe("recipe.yaml")), "is a pipe: only regular files"
    ),
]


def newlines(folder: Path) -> Path:
    """A table of one row, then 80 MiB of blank lines, in 80 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"a,b\n1,x\n") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\n" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    (folder / "rows.csv.gz").write_bytes(head + block * 80)
    return folder / "rows.csv.gz"


def uci(content: bytes) -> Callable[[Path], Path]:
    """A folder with an archive of UCI sets that unpacks to `content`."""

    def make(folder: Path) -> Path:
        (folder / "uci.tar.xz").write_bytes(lzma.compress(content, preset=0))
        return folder

    return make


def sparse(size: int) -> bytes:
    """A tar archive with a member that claims `size` bytes and stores none."""
    member = tarfile.TarInfo("a/a_py.dat")
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "",
        "GNU.sparse.size": str(size),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as stored:
        stored.addfile(member)
    return archive.getvalue()


def load_uci(folder: Path):
    return recipes.load_dataset("uci:a", data_dir=folder)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *others: bytes) -> bytes:
    """A PNG image of 10 x 10 pixels that claims any size."""
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + size + b"".join(others) + chunk(b"IDAT", zlib.compress(bytes(110))) + chunk(b"IEND", b"")
    )


def images(make: Callable[[Path], object]) -> Callable[[Path], Path]:
    """A folder of two classes, with one hostile image."""

    def build(folder: Path) -> Path:
        for name in "ab":
            (folder / name).mkdir()
            (folder / name / "1.png").write_bytes(png(10, 10))
        make(folder / "a")
        return folder

    return build


def parquet(folder: Path) -> Path:
    """Seventy million rows without a value, in a few kilobytes."""
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.nulls(70_000_000)}), folder / "rows.parquet")
    return folder / "rows.parquet"


TABLES = [
    Hostile("a gzip of blank lines", newlines, load_table, "unpacks to more than 200 times its size"),
    Hostile(
        "a table of 10^7 columns",
        written("rows.csv", b"a," * 10_000_000),
        load_table,
        "where a table has at most 100,000",
    ),
    Hostile(
        "a row of 10^7 fields",
        written("rows.csv", b"a,b\n" + b"1," * 10_000_000),
        load_table,
        "where a table has at most",
    ),
    Hostile(
        "a field of 80 MB",
        written("rows.csv", b"a,b\n" + b"1,2\n" * 90_000 + b'"' + b"x" * 80_000_000),
        load_table,
        "more than 32 MiB",
    ),
    Hostile("megabytes of quotation marks", written("rows.csv", b'"' * 3_000_001), load_table, "."),
    Hostile("bytes in a table", written("rows.csv", b"a,b\n1,\0\n"), load_table, "holds bytes that are no text"),
    Hostile(
        "a table in an archive's encoding", written("rows.csv", b"a,b\n1,2\n"), zipped, "there is no encoding 'zip'"
    ),
    Hostile("column names of 5000 digits", written("rows.csv", f"{'9' * 5000},{'8' * 5000}\n1,2\n"), load_table, "."),
    Hostile("a pipe as a table", pipe("rows.csv"), load_table, "is a pipe: only regular files are read"),
    Hostile(
        "a device as a table", link("rows.csv", "/dev/zero"), load_table, "is a device: only regular files are read"
    ),
    Hostile("a socket as a table", listening("rows.csv"), load_table, "is a socket: only regular files are read"),
    Hostile("a folder as a table", link("rows.csv", "."), load_table, "is a folder, not a file"),
    Hostile(
        "a pickle as a table", written("rows.pkl", pickle.dumps([1])), load_table, "can run code when it is loaded"
    ),
    Hostile("a zip as a table", written("rows.csv", b"PK\x03\x04" + bytes(100)), load_table, "unpack it"),
    Hostile("a table of nothing", parquet, load_table, "claims 70,000,000 rows of 1 columns"),
    Hostile(
        "a parquet file of zeros", written("rows.parquet", bytes(1000)), load_table, "is damaged, or no parquet file"
    ),
    Hostile("a pipe as a parquet file", pipe("rows.parquet"), load_table, "is a pipe: only regular files are read"),
    Hostile(
        "a feather file of nothing", written("rows.feather", b"ARROW1\0\0" + b"\xff" * 100), load_table, "is damaged"
    ),
    Hostile("an archive of 66 MiB of zeros", uci(bytes(66 * 2**20)), load_uci, "it cannot be unpacked"),
    Hostile("an archive of a sparse file", uci(sparse(2**40)), load_uci, "it cannot be unpacked"),
    Hostile("an archive of another file", uci(b"x" * 2000), load_uci, "it cannot be unpacked"),
    Hostile("a pipe as an archive", pipe("uci.tar.xz"), load_uci, "."),
    Hostile(
        "an image of 10^10 pixels", images(written("2.png", png(100_000, 100_000))), load, "are more than 50,000,000"
    ),
    Hostile(
        "a bitmap of 10^10 pixels", images(written("2.ppm", b"P6 99999 99999 255\n")), load, "are more than 50,000,0"
    ),
    Hostile("a pipe as an image", images(pipe("2.png")), load, "is a pipe: only regular files are read"),
    Hostile(
        "a device as an image", images(link("2.png", "/dev/zero")), load, "is a device: only regular files are read"
    ),
    Hostile(
        "a text of 100 MB in an image",
        images(written("2.png", png(10, 10, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))))),
        load,
        "holds no image that can be read",
    ),
    Hostile(
        "PostScript as an image", images(written("2.png", b"%!PS-Adobe-3.0 EPSF-3.0\n")), load, "it is none of BMP"
    ),
    Hostile(
        "an image whose name has escape codes",
        images(written("\x1b[2J.png", b"x")),
        load,
        r"\\x1b\[2J.png holds no image",
    ),
]

CASES = [*RECIPES, *ARRAYS, *RUNS, *TABLES]
