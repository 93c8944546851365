"""Fixtures: backends, TensorFlow as the judge, real data; and a clean state for every test."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import OPERATION_FILES, SMALL_GRIDS, VIRTUAL

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# tests run beside each other: a thread that waits for its next kernel must not keep a core busy
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import minicnn
from minicnn import backend, config

if VIRTUAL:
    from virtual_gpu import driver, small_grids, streams

    driver.install()
    if SMALL_GRIDS:
        small_grids.install()
from minicnn.kernels.cpu import compile_ahead, workspace

compile_ahead.is_possible = lambda: False  # the tests use all cores already

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
# tests that run on a GPU where there is one; elsewhere test_gpu.py runs them, on the virtual GPU
ON_GPU_ALONE = ("test_gpu_path.py", "test_gpu_product.py", "test_gpu_training.py", "test_gpu_graph.py")
GPU_FILES = (*OPERATION_FILES, *ON_GPU_ALONE)
collect_ignore = [
    *([] if "cuda" in backend.backends() else ON_GPU_ALONE),
    *([] if VIRTUAL else ["virtual_gpu", "test_gpu_compile.py"]),
]
# files whose tests check the forward and backward of every operation and layer, shapes, errors, names and architecture
QUICK_FILES = (
    *OPERATION_FILES, "test_architecture.py", "test_errors.py", "test_schedule.py", "test_gradient_check.py",
    "test_gradients.py", "test_keras_layers.py", "test_layers.py", "test_models.py", "test_names.py", "test_shapes.py",
    "test_signatures.py", "test_variables.py",
)  # fmt: skip
TAKES_LONG = {"tf", "numba_cuda", "real_data", "python", "browser"}  # fixtures: what else they need takes seconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# without a sandbox it also runs as root, in a container; the others keep it from asking its maker's servers
BROWSER_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_addoption(parser):
    parser.addoption(
        "--all",
        action="store_true",
        help="fail, instead of skipping, where TensorFlow, Chromium or the real data are missing",
    )  # fmt: skip


def pytest_collection_modifyitems(items):
    """`-m gpu` chooses what to run on a machine with a GPU, where TensorFlow need not be installed; `-m quick` what to
    run after every change, in less than two minutes.

    The processes of test_gpu.py take longest, so they come first: the other tests run beside them.
    """
    for item in items:
        if item.path.name in GPU_FILES:
            item.add_marker("gpu")
        if is_quick(item):
            item.add_marker("quick")
    items.sort(key=lambda item: item.originalname != "test_process")


def is_quick(item) -> bool:
    """Whether `-m quick` runs a test: in a file of QUICK_FILES, with no fixture that takes long, and not in float32,
    where every case is drawn many times."""
    return item.path.name in QUICK_FILES and not TAKES_LONG & {*item.fixturenames} and "float32" not in item.name


def _missing(config, sentence):
    if config.getoption("--all"):
        pytest.fail(f"{sentence} (and --all was given)")
    pytest.skip(sentence)


@pytest.fixture(autouse=True)
def clean_state():
    """Every test starts, and leaves the next one, with the same settings."""
    minicnn.utils.set_random_seed(1234)
    minicnn.utils.clear_session()
    yield
    backend.set_backend("cpu")
    config.set_floatx("float32")
    config.set_epsilon(1e-7)
    workspace.poison_released_buffers = False


@pytest.fixture(autouse=VIRTUAL)
def kernel_errors():
    """On the virtual GPU, errors of kernels that nobody has waited for are raised after the test."""
    streams.chance.seed(0)
    yield
    streams.finish(streams.streams)
    streams.raise_errors()


@pytest.fixture(params=[name for name in backend.backends() if name != "tiled"])
def each_backend(request):
    """Run the test once per backend, with that backend set; "tiled" differs from "cpu" in one operation's file."""
    backend.set_backend(request.param)
    return request.param


@pytest.fixture(scope="session")
def tf(request):
    """TensorFlow, the independent judge."""
    if importlib.util.find_spec("tensorflow") is None:
        _missing(request.config, "TensorFlow is not installed: pip install tensorflow-cpu")
    import tensorflow

    tensorflow.config.run_functions_eagerly(True)  # tracing a function takes longer than the few calls of a test
    tensorflow.keras.config.dtype_policy()  # Keras makes its default when first asked: now, and not in a float64 test
    gc.collect()
    gc.freeze()  # a million objects, which every collection would look at
    return tensorflow


@pytest.fixture
def keras_in_graphs(tf, monkeypatch):
    """Keras traces its steps, as it does by default. Then it knows no size of a batch, and its results show that."""
    from keras.src.trainers import trainer

    monkeypatch.setattr(trainer, "model_supports_jit", lambda model: False)  # XLA compiles for seconds
    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.fixture(scope="session")
def numba_cuda(request):
    """numba-cuda, with which kernels are compiled, also without a GPU."""
    if importlib.util.find_spec("numba_cuda") is None:
        _missing(request.config, 'numba-cuda is not installed: pip install "minicnn[cuda]"')


@pytest.fixture(scope="session")
def real_data(request, tmp_path_factory):
    """A folder with the real data sets, laid out as MINICNN_DATA expects."""
    if os.environ.get("MINICNN_DATA"):
        return Path(os.environ["MINICNN_DATA"])
    if not (SHARED_DATA / "prepare.py").exists():
        _missing(request.config, f"no real data: MINICNN_DATA is not set, and there is no {SHARED_DATA}")
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, SHARED_DATA / "prepare.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def browser(request):
    """A real browser, Chromium, driven by playwright."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if importlib.util.find_spec("playwright") is None:
        _missing(request.config, "playwright is not installed: pip install playwright axe-playwright-python")
    if found is None:
        _missing(request.config, "Chromium is not installed: apt-get install chromium, or the like")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(BROWSER_OPTIONS))
        yield chromium
        chromium.close()


@pytest.fixture
def python():
    """Run Python code in a process of its own; its standard output. A process that hangs is stopped, and fails."""

    def run(code, **environment):
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, cwd=ROOT,
            timeout=600,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run
