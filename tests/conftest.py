"""Shared by all tests: one short real training, the same draws in every run, and no chatter."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# As many tests run at a time as there are cores: more threads are a quarter slower.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import gc
import signal

import pytest


def pytest_configure(config):
    """Set up the backends, which read their settings when they are imported or compute for the first time."""
    # Many tests need the same programs.
    if config.pluginmanager.hasplugin("cacheprovider"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests and os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        two_logical_devices()


def pytest_collection_finish():
    """Look for garbage less often, and never in what was imported: a tenth of the time of a long run goes into that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def two_logical_devices():
    """Give TensorFlow two devices to distribute over; it must be told before it computes anything."""
    import tensorflow

    processor = tensorflow.config.list_physical_devices("CPU")[0]
    device = tensorflow.config.LogicalDeviceConfiguration()
    tensorflow.config.set_logical_device_configuration(processor, [device, device])


@pytest.fixture(scope="session")
def scopes():
    """What to build and compile a model in: nothing, for one device, and the scope of a strategy for two.

    One strategy for all tests: those of a second would be taken for the same operations of both devices.
    """
    tensorflow = pytest.importorskip("tensorflow")
    strategy = tensorflow.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return contextlib.nullcontext, strategy.scope


@pytest.fixture(autouse=True)
def same_draws():
    """Every test draws the same numbers in every run: a short training must not pass or fail by luck."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def quick_compiler(request):
    """Most of the time on JAX goes into compiling what is called once: without optimization, but for tests of that."""
    import keras

    quick = keras.backend.backend() == "jax" and not request.node.get_closest_marker("optimized")
    if not quick:
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session")
def short_recipe():
    """The `tabular` recipe, cut to a second or two."""
    import recipes

    quick = {"model": {"widths": [16]}, "optimizer": {"learning_rate": 0.01}, "fit": {"epochs": 6}}
    return recipes.get("tabular").replace(**quick)


@pytest.fixture(scope="session")
def run(tmp_path_factory, short_recipe):
    """A finished training on breast_cancer."""
    import recipes

    return recipes.train(short_recipe, output=tmp_path_factory.mktemp("runs"), verbose=False)


@pytest.fixture(scope="session")
def save_run():
    """Writes a run folder as `train` does, but of a network that was not trained; without a report."""
    from callbacks import Record
    from recipes import load_dataset
    from recipes.data import row_digests
    from recipes.runs import writing
    from recipes.runs.watched import Watched
    from recipes.training.prepared import Training

    def save(directory, recipe, data, target=None):
        dataset = load_dataset(data, 0, recipe.data, target=target)
        serving, fingerprint = Training.of(recipe, dataset).serving(), row_digests.of_dataset(dataset)
        recipe = recipe.replace(data={"name": str(data), "target": target})
        facts = {"seed": 0, "classes": dataset.class_names}
        writing.save(directory, serving, recipe, Watched({"loss": [1.0]}, Record(), 1), facts, fingerprint)
        return directory

    return save


@pytest.fixture(scope="session")
def assert_alike():
    """Compares two reports but for the last digits of outputs: backends compute other batches in another order."""

    def compare(report, expected):
        ours, theirs = report.to_dict(), expected.to_dict()
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if name in ("accuracy", "confusion_matrix", "rows", "macro", "undefined"):
                assert ours[name] == value
            elif isinstance(value, float) and name in ("log_loss", "brier", "mse", "mae", "r2"):
                assert ours[name] == pytest.approx(value, rel=1e-4, abs=1e-6)

    return compare


@pytest.fixture
def heeded_signals():
    """SIGINT and SIGTERM as in a terminal: a shell has commands in the background, such as tests, ignore SIGINT."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
