"""On a GPU a pixel goes the path of README to `ops/conv2d/gpu.py`, then the path of the GPU's page to the kernel."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import normal
from test_path_of_a_pixel import PACKAGE, ROAD, files, readme_network, stack_of_minicnn

from minicnn import backend
from minicnn.kernels.gpu.launch import GPUKernel

PAGE = (PACKAGE / "kernels" / "gpu" / "README.md").read_text().split("## The path of a pixel")[1].split("\n## ")[0]
GPU_ROAD = re.findall(r"^\d\. \[`([^`]+)`\]", PAGE, re.MULTILINE)
MOST_FRAMES = 13


@pytest.fixture
def products(monkeypatch):
    """[the stack of each launch of the matrix product's fast version], in one eager step of `fit`."""
    stacks, queue = [], GPUKernel._queue

    def noted(self, *arguments):
        file = Path(inspect.getsourcefile(self.function)).relative_to(PACKAGE).as_posix()
        if file == "kernels/gpu/register_tiles.py":
            stacks.append([*stack_of_minicnn(), (file, self.function.__name__)])
        queue(self, *arguments)

    monkeypatch.setattr(GPUKernel, "_queue", noted)
    backend.set_backend("cuda")
    model = readme_network(F=4)
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(normal(2, 14, 14, 1, dtype=np.float32), np.arange(2), batch_size=2, verbose=0)
    return [
        stack
        for stack in stacks
        if ("ops/conv2d/gpu.py", "forward") in stack or ("ops/conv2d/gpu.py", "backward") in stack
    ]


def test_the_page_and_the_code_take_the_same_path(products):
    forward = [stack for stack in products if ("models/sequential.py", "forward") in stack]
    backward = [stack for stack in products if ("models/sequential.py", "backward") in stack]
    assert (len(forward), len(backward)) == (2, 3)  # the first convolution makes no dx
    for stack in products:
        assert files(stack) == [*ROAD[:5], *GPU_ROAD]
        assert len(stack) <= MOST_FRAMES, stack
