"""What `pip install .` gives, away from the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from test_imports import PACKAGES, hide_and_import

ROOT = Path(__file__).parent.parent
SHIPPED = (".py", ".typed", ".html", ".md", ".css", ".js")
BODY = Path("recipes/saved_models/mnist-small")  # of digits-transfer


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run([*pip, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_holds_the_three_packages_a_body_and_nothing_else(installed):
    version = "0.1.0"
    assert {path.name for path in installed.iterdir()} == {*PACKAGES, f"keras_recipes-{version}.dist-info"}
    for package in PACKAGES:
        files = {path.relative_to(installed) for path in (installed / package).rglob("*") if path.is_file()}
        source = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.suffix in SHIPPED}
        assert {file for file in files if BODY not in file.parents} == source
    shipped = {"manifest.json", "model.keras", "recipe.yaml", "report.json", "versions.json"}
    assert {path.name for path in (installed / BODY).iterdir()} == shipped


@pytest.mark.extensive
def test_it_works_away_from_the_checkout(installed, tmp_path):
    program = (
        "import recipes, custom_layers, callbacks\n"
        "run = recipes.train('tabular', 'iris', fast_dev_run=True, pictures=False, verbose=False)\n"
        "print(recipes.__file__, custom_layers.__file__, callbacks.__file__)\n"
        "print(recipes.evaluate(run.directory))\n"
        "recipes.transfer('mnist-small', 3)\n"
    )
    environment = {"PYTHONPATH": str(installed), "TF_CPP_MIN_LOG_LEVEL": "2"}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(str(installed)) == 3
    assert (tmp_path / "saved_models" / "tabular-iris-seed0-fast-dev-run" / "model.keras").is_file()


@pytest.mark.parametrize("name", ["callbacks.py", "custom_layers/__init__.py"])
def test_a_module_that_hides_an_installed_one_is_named(installed, name, tmp_path):
    hide_and_import(installed, name, tmp_path)
