"""The GPU's kernels tested without a GPU: the virtual GPU (`virtual_gpu/`) runs their compiled code.

Its tests run in separate processes, because the virtual GPU replaces CUDA's driver.
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
    "operations, small grids": (
        "virtual, small grids",
        "numba",
        [*OPERATION_FILES, "test_gpu_compile.py", "-k", "test_float64"],
    ),
    "the rest": ("virtual", "direct", ["virtual_gpu", *ON_GPU_ALONE]),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_process(numba_cuda, name):
    gpu, launch, arguments = PROCESSES[name]
    command = [
        sys.executable, "-m", "pytest", "-n", "0", "-m", "not cpu", "-p", "no:cacheprovider", "-rs", "--rootdir", ROOT,
    ]  # fmt: skip
    environment = {**os.environ, "MINICNN_TEST_GPU": gpu, "MINICNN_CUDA_LAUNCH": launch}
    result = subprocess.run([*command, *arguments], cwd=TESTS, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-1000:]
    assert "SKIPPED" not in result.stdout


def test_without_a_gpu_the_error_is_a_sentence(python):
    if "cuda" in backend.backends():
        pytest.skip("there is a GPU")
    code = "import minicnn\ntry:\n minicnn.backend.set_backend('cuda')\nexcept RuntimeError as error: print(error)"
    said = python(code).strip()
    assert said.startswith('The "cuda" backend cannot be used: ') and said.endswith(".") and "\n" not in said
    assert python("import minicnn; minicnn.backend.set_backend('auto'); print(minicnn.backend.backend())").endswith(
        "cpu\n"
    )


def test_drivers_that_are_too_old_are_reported(numba_cuda, monkeypatch):
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
