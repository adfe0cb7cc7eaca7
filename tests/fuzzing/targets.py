"""What is fuzzed: a target writes an input made by chance into a folder, and returns the call that reads it."""

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing import mutation, seeds
from hostile import models

import recipes
from recipes.arguments import plain_yaml
from recipes.arguments.names import printable
from recipes.data import summary
from recipes.report.model_card import model_card
from recipes.report.page import page_of
from recipes.runs.stored import Stored
from recipes.settings import Data, Recipe


def recipe(random: Random, folder: Path) -> Callable[[], object]:
    """Recipe files: settings changed as a tree, or as text."""
    texts = seeds.recipe_texts()
    content = random.choice(texts)
    if random.random() < 0.5:
        tree = mutation.mutated_tree(random, plain_yaml.load(content.decode()), mutation.VALUES + widths(random))
        # JSON is YAML, too, and holds what the writer of YAML refuses.
        content = json.dumps(tree, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    else:
        content = mutation.mutated_bytes(random, content, texts)
    file = folder / "r.yaml"
    file.write_bytes(content)
    again = random.random() < 0.2

    def read():
        settings = Recipe.from_yaml(file)
        # What was read can be written, and says the same; writing takes most of the time.
        if again:
            assert repr(Recipe.from_yaml(settings.to_yaml())) == repr(settings), "another recipe after it was written"

    return read


def widths(random: Random) -> tuple[str, ...]:
    """Rules of widths, right and wrong."""
    first, second = (random.choice((0, 1, 2, 8, 300, 10**5, 10**10)) for _ in range(2))
    return (
        f"{first} x {second}",
        f"{first} / 2 x {second}",
        f"{first} * 2 x {second}",
        f"9 / {first} x {second}",
        " x ",
    )


def table(random: Random, folder: Path) -> Callable[[], object]:
    """Tables in text files."""
    name, content, settings = random.choice(seeds.tables())
    content = mutation.mutated_bytes(random, content, [other for _, other, _ in seeds.tables()])
    (folder / name).write_bytes(content)
    return functools.partial(read_and_show, folder / name, settings)


def npz(random: Random, folder: Path) -> Callable[[], object]:
    """Rows in NPZ files."""
    content, settings = random.choice(seeds.arrays())
    (folder / "rows.npz").write_bytes(mutation.mutated_npz(random, content))
    return functools.partial(read_and_show, folder / "rows.npz", settings)


def read_and_show(file: Path, settings: Data) -> None:
    """Read a dataset, and describe it as `keras-recipes show` does."""
    dataset = recipes.load_dataset(file, settings=settings)
    shown = f"{dataset.describe()} {summary.to_text(dataset)} {json.dumps(summary.summarize(dataset))}"
    require(_is_safe(shown.replace("\n", "")), "a summary that sends codes to the terminal")


PARTS = ("versions", "seed", "recipe", "class_names", "fingerprint", "kept_epoch", "missing", "history", "record")
RESULTS = ("watched", "report", "analysis", "examples", "predictions")
CHANGES = {".json": mutation.mutated_json, ".npz": mutation.mutated_npz}


def run_folder(random: Random, folder: Path) -> Callable[[], object]:
    """Run folders with one file changed; half of them have a manifest, itself changed or true to the change."""
    files = dict(random.choice(seeds.run_folders()))
    name = random.choice([name for name in files if name != "model.keras"])
    files[name] = CHANGES.get(Path(name).suffix, mutation.mutated_bytes)(random, files[name])
    if random.random() < 0.5:
        listed = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        }
        text = json.dumps({"format": "keras-recipes manifest 1", "files": listed}).encode()
        files["manifest.json"] = mutation.mutated_json(random, text) if random.random() < 0.5 else text
    if random.random() < 0.1:
        del files[random.choice(list(files))]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    shows = random.random() < 0.4  # that takes most of the time

    def read():
        stored, errors = Stored(folder), []
        # Each part is read for itself: a damaged one does not hide the others.
        for part in PARTS + RESULTS:
            try:
                value = getattr(stored, part)
                if part == "report" and value is not None:
                    assert _is_safe(str(value).replace("\n", "")), "a report that sends codes to the terminal"
            except (ValueError, OSError) as error:
                if type(error) not in DOCUMENTED or not _is_safe(str(error)):
                    raise
                require(str(folder) in str(error), f"a message that names no file: {error!s:.200}")
                errors.append(error)
        # What is made of the parts for people leaves out what is damaged.
        for make in (page_of, model_card) if shows else ():
            require(_is_safe(make(stored).replace("\n", "")), "a page that sends codes to the terminal")
        if errors:
            raise errors[0]

    return read


def model(random: Random, folder: Path) -> Callable[[], object]:
    """Model files with members exchanged, or their configuration, weights or archive changed."""
    members, file = random.choice((models.members(), seeds.model_members())).copy(), folder / "model.keras"
    kind = random.randrange(6)
    if kind < 3:
        values = mutation.VALUES + OBJECTS
        tree = mutation.mutated_tree(random, json.loads(members[models.CONFIG]), values)
        members[models.CONFIG] = json.dumps(tree).encode()
    elif kind == 3:
        members[models.WEIGHTS] = mutation.mutated_bytes(random, members[models.WEIGHTS])
    elif kind == 4:
        name, other = random.choice(list(members)), random.choice(list(members))
        members[name], members[other] = members[other], mutation.mutated_bytes(random, members[name])
    content = mutation.archive(members)
    file.write_bytes(mutation.mutated_bytes(random, content) if kind == 5 else content)

    def read():
        try:
            recipes.load_model(file)
        except (ValueError, OSError) as error:
            require(str(file) in str(error), f"a message that names no file: {error!s:.200}")
            raise

    return read


# What configurations hold, and may hold in a wrong place.
OBJECTS = (
    models.keras_object("keras.layers.Dense", {"units": 2}),
    models.keras_object("keras.layers.Dropout", {"rate": 0.5}),
    models.keras_object("keras.layers.BatchNormalization"),
    models.keras_object("keras.layers.Normalization", {"mean": 0.0, "variance": 1.0}),
    models.keras_object("keras.layers.Conv1D", {"filters": 2, "kernel_size": 2}),
    models.keras_object("keras.layers.StringLookup", {"vocabulary": ["a"]}),
    models.keras_object("keras.layers.Lambda"),
    models.keras_object("keras.layers.Embedding", {"input_dim": 4, "output_dim": 2}),
    models.keras_object("keras.layers.Reshape", {"target_shape": [1, 2]}),
    models.keras_object("keras.Sequential", {"layers": []}),
    models.keras_object("keras.initializers.Zeros"),
    models.keras_object("keras.initializers.Constant", {"value": 10}),
    models.keras_object("keras.optimizers.SGD"),
    models.keras_object("keras.metrics.Mean"),
    models.keras_object("keras.regularizers.L2"),
    models.keras_function("keras.activations.relu"),
    models.keras_function("keras.utils.get_file"),
    {"class_name": "__tensor__", "config": {"value": [1.0], "dtype": "float32"}},
    {"class_name": "__keras_tensor__", "config": {"shape": [None, 2], "dtype": "float32"}},
)
TARGETS = {"recipe": recipe, "table": table, "npz": npz, "run_folder": run_folder, "model": model}

# Errors of these types alone tell a user what is wrong with a file; subclasses such as UnicodeDecodeError do not.
DOCUMENTED = (ValueError, OSError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def _is_safe(text: str) -> bool:
    """Whether a text is one line without codes for a terminal."""
    return printable(text) == text


def require(holds: bool, fault: str) -> None:
    """Raise an AssertionError that tells the `fault`, unless the condition `holds`."""
    if not holds:
        raise AssertionError(fault)


def outcome(call: Callable[[], object]) -> str:
    """Name of what `call` did: `"read"`, or the type of a documented error of one sentence.

    Raises:
        Exception: Any other one is a fault.
        AssertionError: If the message of a documented error is no sentence.
    """
    try:
        call()
    except DOCUMENTED as error:
        if type(error) not in DOCUMENTED:
            raise
        message = str(error)
        require(_is_safe(message), f"a message of several lines, or with codes for a terminal: {message!r:.200}")
        require(10 < len(message) < 3000, f"a message of {len(message)} characters")
        return type(error).__name__
    return "read"
