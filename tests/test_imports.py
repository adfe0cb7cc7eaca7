"""Who may import whom, and what an import may cost."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import recipes

ROOT = Path(__file__).parent.parent
PACKAGES = ("recipes", "custom_layers", "callbacks")
KERAS_BASES = (keras.Model, keras.callbacks.EarlyStopping, keras.optimizers.Optimizer, keras.losses.Loss, keras.Metric)

# Who may import whom, from the ground up: for each folder, and each file at the top of `recipes`, the rooms that it may
# import besides itself, and the other packages.
GROUND = {"recipes.arguments", "recipes.disk", "recipes.version"}
PIECES = {"recipes.losses", "recipes.optimizers", "recipes.schedules", "recipes.initialization", "recipes.metrics"}
OURS = {"callbacks", "custom_layers"}
DATA = {"recipes.settings", "recipes.data"}
MODELS = {*GROUND, *PIECES, *DATA, *OURS, "recipes.models", "recipes.keras_internals"}
EVALUATION = {*MODELS, "recipes.plots", "recipes.runs", "recipes.report", "recipes.evaluation"}
MAY_IMPORT = {
    "callbacks": {"keras", "numpy", "tensorflow", "jax", "tensorboard"},
    "custom_layers": {"keras"},
    "recipes.disk": set(),
    "recipes.version": set(),
    "recipes.arguments": {"numpy", "yaml"},
    "recipes.settings": GROUND,
    "recipes.catalogue": {"recipes.settings", "recipes.arguments"},
    "recipes.keras_internals": {"keras", "numpy", "tensorflow"},
    "recipes.schedules": {*GROUND, "keras"},
    "recipes.losses": {*GROUND, "keras"},
    "recipes.optimizers": {*GROUND, "recipes.keras_internals", "keras", "tensorflow", "jax"},
    "recipes.initialization": {*GROUND, "recipes.keras_internals", "custom_layers", "keras", "numpy"},
    "recipes.metrics": {*GROUND, "keras", "numpy", "scipy"},
    "recipes.data": {
        *GROUND, "recipes.settings", "numpy", "sklearn", "pyarrow", "PIL", "keras", "tensorflow", "tensorflow_datasets",
    },
    "recipes.plots": {*GROUND, "recipes.metrics", "callbacks", "numpy", "matplotlib"},
    "recipes.models": {*MODELS, "custom_layers", "keras", "numpy", "h5py"},
    "recipes.runs": {*MODELS, *OURS, "recipes.plots", "keras", "numpy", "matplotlib"},
    "recipes.report": {
        *MODELS, *OURS, "recipes.plots", "recipes.runs", "recipes.catalogue", "numpy", "jinja2", "markupsafe",
    },
    "recipes.evaluation": {*EVALUATION, *OURS, "keras", "numpy", "sklearn", "threadpoolctl"},
    "recipes.training": {
        *EVALUATION, *OURS, "recipes.catalogue", "keras", "numpy", "scipy", "matplotlib", "tensorflow", "jax", "torch",
    },
    "recipes.doctor": {
        *EVALUATION, *OURS, "recipes.catalogue", "recipes.training", "keras", "numpy", "sklearn", "matplotlib",
    },
    "recipes.lab": {
        *EVALUATION, *OURS, "recipes.catalogue", "recipes.training", "keras", "numpy", "sklearn", "matplotlib",
        "markupsafe",
    },
    "recipes.cli": {
        *EVALUATION, *OURS, "recipes.catalogue", "recipes.training", "recipes.doctor", "recipes.lab", "keras",
        "jsonargparse", "yaml", "matplotlib", "tensorflow",
    },
}  # fmt: skip


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who knows whom"
            if node.module == "recipes":
                yield from (f"recipes.{alias.name}" for alias in node.names)
            else:
                yield node.module


def inside(name, owners):
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_modules_import_only_what_their_folder_may_know(module, path):
    if module == "recipes":
        return  # its names are loaded when they are first used
    room = next(room for room in MAY_IMPORT if inside(module, [room]))
    allowed = {room, *MAY_IMPORT[room]}
    foreign = [
        name for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not inside(name, allowed)
    ]  # fmt: skip
    assert foreign == []


def test_no_room_imports_one_above_it():
    for room, allowed in MAY_IMPORT.items():
        below = list(MAY_IMPORT)[: list(MAY_IMPORT).index(room)]
        assert {name for name in allowed if name in MAY_IMPORT} - {room} <= set(below), room


def test_no_module_imports_itself_through_others():
    paths = dict(modules())
    graph = {
        module: [name for name in imported_modules(path, paths) if name != module] for module, path in paths.items()
    }
    assert list(graphlib.TopologicalSorter(graph).static_order())  # raises a CycleError that names the circle


def imported_modules(path, paths):
    """The modules of ours that a module imports when it is loaded."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in paths else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_only_commands_import_ours_inside_of_functions():
    # Elsewhere that would hide a circle; commands do it to answer fast.
    for module, path in modules():
        if not inside(module, ["recipes.cli"]):
            functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
            inner = [part for function in functions for part in ast.walk(function)]
            names = [part.module for part in inner if isinstance(part, ast.ImportFrom)]
            names += [alias.name for part in inner if isinstance(part, ast.Import) for alias in part.names]
            assert not [name for name in names if inside(name, PACKAGES)], module


def test_folders_stand_at_the_top_of_recipes_rather_than_modules():
    files = {path.name for path in (ROOT / "recipes").glob("*.py")}
    assert files == {"__init__.py", "version.py", "schedules.py"}


def test_every_file_fits_on_a_few_screens():
    long = {
        str(path.relative_to(ROOT)): lines
        for package in (*PACKAGES, "benchmarks")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) >= 300
    }
    assert long == {}


def test_no_function_takes_eight_positional_arguments():
    # Layers have as many as those of Keras.
    for package in ("recipes", "callbacks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
                    assert len([name for name in names if name not in ("self", "cls")]) < 8, (path, node.name)


def test_nothing_needs_docstrings_or_assertions_at_run_time():
    # `python -OO` leaves both out.
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            assert not any(isinstance(node, ast.Assert) for node in nodes), path
            with_default = {node.values[0] for node in nodes if isinstance(node, ast.BoolOp)}
            read = {node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "__doc__"}
            names = {node for node in nodes if isinstance(node, ast.Name) and node.id == "__doc__"}
            assert read | names <= with_default, path


# The one file of a package that may use private names of Keras; `None` for no file at all.
PRIVATE_NAMES = {"callbacks": "callbacks/watching/keras_private.py", "custom_layers": None}


@pytest.mark.parametrize("package", PRIVATE_NAMES)
def test_private_names_of_keras_are_used_in_one_file(package):
    paths = [path for path in sorted((ROOT / package).rglob("*.py")) if path != ROOT / (PRIVATE_NAMES[package] or "")]
    found = {str(path.relative_to(ROOT)): names for path in paths if (names := private_names(path))}
    assert found == {}


def private_names(path):
    """Imports of `keras.src`, and names with one leading underscore that the file does not define, or overrides."""
    own, used = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            own.add(node.name)
        elif isinstance(node, ast.ClassDef):
            own |= {target.id for part in node.body if isinstance(part, ast.Assign) for target in part.targets}
        elif isinstance(node, ast.Attribute):
            is_own = isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
            (own if is_own else used).add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            used |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    keras_has = {name for kind in KERAS_BASES for name in dir(kind)}
    private = {name for name in (used - own) | (own & keras_has) if re.match(r"_[a-z]", str(name))}
    return private | {name for name in imported(path) if inside(name, ["keras.src"])}


def python(program, *arguments, **kwargs):
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, **kwargs)


@pytest.mark.parametrize(
    "program",
    [
        "import recipes; recipes.names(); recipes.get('digits').to_yaml()",
        "from recipes.cli import main; main(['--help'])",
        "from recipes.cli import main; main(['list'])",
        "from recipes.cli import main; main(['show', 'digits', '--no-network'])",
    ],
)
def test_looking_around_loads_nothing_heavy(program):
    heavy = "{'numpy', 'keras', 'tensorflow', 'jax', 'sklearn', 'matplotlib', 'pandas', 'pyarrow', 'PIL'}"
    result = python(f"import sys; {program}; print(sorted({heavy} & set(sys.modules)), file=sys.stderr)")
    assert (result.returncode, result.stderr) == (0, "[]\n")


def test_metrics_load_neither_keras_nor_what_reads_data():
    heavy = (
        "{'keras', 'tensorflow', 'jax', 'sklearn', 'pandas', 'pyarrow', 'matplotlib', 'recipes.data', 'recipes.models'}"
    )
    result = python(f"import sys; import recipes.metrics; print(sorted({heavy} & set(sys.modules)))")
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")


def test_every_public_name_is_there_and_typed():
    assert sorted(recipes.__all__) == recipes.__all__
    for name in recipes.__all__:
        assert getattr(recipes, name) is not None
        assert name in dir(recipes)
    tree = ast.parse((ROOT / "recipes" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert sorted(alias.name for node in block.body for alias in node.names) == recipes.__all__
    with pytest.raises(AttributeError, match="module 'recipes' has no attribute 'trian'"):
        recipes.trian  # noqa: B018


@pytest.mark.parametrize(
    "name", ["callbacks.py", "custom_layers.py", "callbacks/__init__.py", "custom_layers/__init__.py"]
)
def test_a_module_of_the_users_own_that_hides_ours_is_named(name, tmp_path):
    hide_and_import(ROOT, name, tmp_path)


def hide_and_import(home, name, folder):
    """Run a script beside a module called as one of ours, with `recipes` found in `home`."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine = True\n")
    (folder / "script.py").write_text("import recipes\n")
    result = subprocess.run(
        [sys.executable, folder / "script.py"], env={"PYTHONPATH": str(home)}, capture_output=True, text=True
    )
    package = name.split("/")[0].removesuffix(".py")
    message = result.stderr.splitlines()[-1]
    assert message.startswith(f"ImportError: keras-recipes needs its own package `{package}`")
    assert str(Path(home) / package / "__init__.py") in message
    assert str(folder / package) in message
    assert "Rename yours" in message
