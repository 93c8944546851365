"""The GPU's kernels without a GPU: simulated, and compiled.

The tests of the operations, the product and training run twice: in numba-cuda's simulator, which replaces numba.cuda
when Numba is imported and runs a kernel's Python, and on the virtual GPU, which runs its compiled code. Each takes
processes of its own, all at the same time and beside the other tests: few of them keep more than one core busy.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import ON_GPU_ALONE, ROOT
from helpers import OPERATION_FILES

from minicnn import backend

ON_VIRTUAL_GPU, SIMULATED = {"MINICNN_TEST_GPU": "virtual"}, {"NUMBA_ENABLE_CUDASIM": "1"}
PROCESSES = {  # name: (its tests, what its environment adds); the longest first
    "virtual GPU, operations": ((*OPERATION_FILES, "test_gpu_compile.py"), ON_VIRTUAL_GPU),
    "simulator, operations": (OPERATION_FILES, SIMULATED),
    **{f"simulator, {file}": ((file,), SIMULATED) for file in ON_GPU_ALONE},
    "virtual GPU, the rest": (("virtual_gpu", *ON_GPU_ALONE), {**ON_VIRTUAL_GPU, "MINICNN_CUDA_LAUNCH": "direct"}),
}


@pytest.fixture(scope="session")
def running(numba_cuda, tmp_path_factory):
    """{name: (the process, the file it writes to)}, all at once."""
    folder = tmp_path_factory.mktemp("gpu")
    processes = {name: _started(files, added, folder / name) for name, (files, added) in PROCESSES.items()}
    yield processes
    for process, _ in processes.values():
        process.kill()


def _started(files, added, output):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *(f"tests/{file}" for file in files)]
    with output.open("w") as file:
        environment = {**os.environ, **added}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT), output


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

    monkeypatch.setattr(device, "SIMULATED", False)
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(type(cuda.cudadrv.driver.driver), "get_version", lambda self: (12, 4), raising=False)
    device.what_is_missing.cache_clear()
    assert "CUDA 12.4" in device.what_is_missing() and "580" in device.what_is_missing()
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(type(cuda.cudadrv.driver.driver), "is_available", True, raising=False)
    device.what_is_missing.cache_clear()
    assert "libNVVM" in device.what_is_missing()
    device.what_is_missing.cache_clear()
