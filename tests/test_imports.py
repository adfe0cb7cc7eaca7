"""Who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import recipes

ROOT = Path(__file__).parent.parent
PACKAGES = ("recipes", "custom_layers", "callbacks")

# What each part may know besides the standard library. The command line, which is not named here, may know everything.
LEAVES = {"recipes.lookup", "recipes.checked", "recipes.plain_yaml", "recipes.widths"}
ALLOWED = {
    "callbacks": {"callbacks", "keras", "numpy", "tensorflow", "jax", "tensorboard"},
    "custom_layers": {"custom_layers", "keras"},
    "recipes.lookup": set(),
    "recipes.checked": set(),
    "recipes.plain_yaml": {"yaml"},
    "recipes.widths": set(),
    "recipes.settings": LEAVES,
    "recipes.catalogue": {*LEAVES, "recipes.settings", "recipes.catalogue"},
    "recipes.data": {
        *LEAVES, "recipes.settings", "recipes.data", "numpy", "sklearn", "pyarrow", "PIL", "tensorflow",
        "tensorflow_datasets",
    },
    "recipes.metrics": {*LEAVES, "recipes.data", "recipes.metrics", "numpy", "scipy"},
    "recipes.plots": {"recipes.metrics", "recipes.plots", "callbacks.record", "numpy", "matplotlib"},
    "recipes.initialization": {*LEAVES, "recipes.initialization", "custom_layers", "keras", "numpy"},
    "recipes.optimizers": {*LEAVES, "recipes.optimizers", "keras", "tensorflow", "jax"},
    "recipes.losses": {*LEAVES, "recipes.losses", "keras"},
    "recipes.schedules": {*LEAVES, "keras"},
    "recipes.models": {
        *LEAVES, "recipes.settings", "recipes.data", "recipes.initialization", "recipes.metrics", "recipes.runs",
        "recipes.models", "custom_layers", "keras", "numpy",
    },
    "recipes.augmentation": {*LEAVES, "recipes.settings", "keras", "numpy"},
    "recipes.fine_tuning": {*LEAVES, "recipes.models", "recipes.optimizers", "keras"},
    "recipes.learning_rate_range": {"recipes.optimizers", "keras", "numpy", "matplotlib"},
    "recipes.batches": {"recipes.data", "keras", "numpy"},
    "recipes.confusion_metric": {"recipes.metrics", "keras", "numpy"},
    "recipes.output_blocks": {*LEAVES, "recipes.data", "recipes.metrics", "recipes.raw_rows", "keras", "numpy"},
    "recipes.judging": {"recipes.metrics", "recipes.output_blocks", "numpy"},
    "recipes.raw_rows": {*LEAVES, "recipes.settings", "recipes.data", "custom_layers", "keras", "numpy"},
    "recipes.runs": {
        *LEAVES, "recipes.__version__", "recipes.confusion_metric", "recipes.losses", "recipes.optimizers",
        "recipes.schedules", "recipes.settings", "recipes.data", "callbacks", "custom_layers", "keras", "numpy",
    },
    "recipes.own_data": {
        *LEAVES, "recipes.settings", "recipes.data", "recipes.raw_rows", "recipes.runs", "keras", "numpy",
    },
    "recipes.finishing": {
        "recipes.settings", "recipes.data", "recipes.metrics", "recipes.plots", "recipes.output_blocks",
        "recipes.judging", "recipes.runs", "callbacks", "keras", "numpy", "matplotlib",
    },
    "recipes.evaluation": {
        *LEAVES, "recipes.settings", "recipes.raw_rows", "recipes.output_blocks", "recipes.judging", "recipes.runs",
        "recipes.finishing", "recipes.own_data", "recipes.data", "recipes.metrics", "recipes.models", "keras", "numpy",
    },
    "recipes.comparison": {
        "recipes.settings", "recipes.raw_rows", "recipes.runs", "recipes.own_data", "recipes.data", "recipes.metrics",
        "recipes.evaluation", "recipes.output_blocks", "numpy",
    },
    "recipes.cross_validation": {
        "recipes.settings", "recipes.data", "recipes.models", "recipes.metrics", "recipes.output_blocks",
        "recipes.judging", "recipes.finishing", "recipes.training", "keras", "numpy", "scipy",
    },
    "recipes.epoch_cost": {"recipes.settings", "recipes.data", "recipes.models", "recipes.training", "keras"},
    "recipes.training": {
        *LEAVES, "recipes.settings", "recipes.catalogue", "recipes.data", "recipes.models", "recipes.metrics",
        "recipes.losses", "recipes.optimizers", "recipes.schedules", "recipes.augmentation", "recipes.batches",
        "recipes.runs", "recipes.finishing", "recipes.fine_tuning", "callbacks", "keras", "numpy",
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
def test_modules_import_only_what_they_may_know(module, path):
    owner = next((owner for owner in ALLOWED if inside(module, [owner])), None)
    if owner is None:
        return
    foreign = [
        name for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not inside(name, ALLOWED[owner])
    ]  # fmt: skip
    assert foreign == []


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
