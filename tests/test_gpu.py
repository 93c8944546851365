"""The GPU's kernels without a GPU: the virtual one runs their compiled code (`virtual_gpu/`).

Its tests need processes of their own, because it takes the place of CUDA's driver. They run beside the other tests.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import ON_GPU_ALONE, ROOT, TESTS
from helpers import OPERATION_FILES

from minicnn import backend

PROCESSES = {  # name: (which GPU, how kernels are launched, arguments of pytest)
    "operations": ("virtual", "numba", [*OPERATION_FILES, "test_gpu_compile.py", "-k", "not test_float64"]),
    "operations, small grids": ("virtual, small grids", "numba", [*OPERATION_FILES, "-k", "test_float64"]),
    "the rest": ("virtual", "direct", ["virtual_gpu", *ON_GPU_ALONE]),
}


@pytest.fixture(scope="session")
def running(numba_cuda, tmp_path_factory):
    """{name: (the process, the file it writes to)}, all at once."""
    folder = tmp_path_factory.mktemp("gpu")
    processes = {name: _started(*how, folder / name) for name, how in PROCESSES.items()}
    yield processes
    for process, _ in processes.values():
        process.kill()


def _started(gpu, launch, arguments, output):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--rootdir", str(ROOT), *arguments]
    environment = {**os.environ, "MINICNN_TEST_GPU": gpu, "MINICNN_CUDA_LAUNCH": launch}
    with output.open("w") as file:
        return subprocess.Popen(command, cwd=TESTS, env=environment, stdout=file, stderr=subprocess.STDOUT), output


def test_processes_start(running):
    """The first of all tests: the others run meanwhile."""
    assert [name for name, (process, _) in running.items() if process.poll()] == []


@pytest.mark.parametrize("name", PROCESSES)
def test_in_a_process_of_its_own(running, name):
    """The last of all tests, when the processes have ended, or nearly."""
    process, file = running[name]
    code, output = process.wait(), file.read_text()
    assert code == 0, output[-5000:]
    assert "SKIPPED" not in output


def test_without_a_gpu_the_error_is_a_sentence(python):
    if "cuda" in backend.backends():
        pytest.skip("there is a GPU")
    code = "import minicnn\ntry:\n minicnn.backend.set_backend('cuda')\nexcept RuntimeError as error: print(error)"
    said = python(code).strip()
    assert said.startswith('The "cuda" backend cannot be used: ') and said.endswith(".") and "\n" not in said
    assert python("import minicnn; minicnn.backend.set_backend('auto'); print(minicnn.backend.backend())").endswith(
        "cpu\n"
    )


def test_drivers_that_are_too_old_are_told(numba_cuda, monkeypatch):
    from numba import cuda

    from minicnn.kernels.gpu import device

    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(type(cuda.cudadrv.driver.driver), "get_version", lambda self: (12, 4), raising=False)
    device.what_is_missing.cache_clear()
    assert "CUDA 12.4" in device.what_is_missing() and "580" in device.what_is_missing()
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(type(cuda.cudadrv.driver.driver), "is_available", True, raising=False)
    device.what_is_missing.cache_clear()
    assert "libNVVM" in device.what_is_missing()
    device.what_is_missing.cache_clear()
