"""The code takes the path that README describes in "The path of a pixel", forward and backward."""

from __future__ import annotations

import inspect
import re
import traceback
from pathlib import Path

import numpy as np
from helpers import normal

import minicnn
from minicnn import backend, layers
from minicnn.kernels.cpu import microkernel
from minicnn.ops.conv2d import cpu, pooled, tiled, winograd

PACKAGE = Path(minicnn.__file__).parent
README = PACKAGE.parent / "README.md"
SECTION = README.read_text().split("## The path of a pixel")[1].split("\n## ")[0]
ROAD = re.findall(r"^\d\. \[`[^`]+`\]\(minicnn/([^)]+)\)", SECTION, re.MULTILINE)
WAY_BACK = README.read_text().split("## The way back")[1].split("\n## ")[0]
TABLE = [row.strip("|").split("|") for row in re.findall(r"^\|.*\|$", WAY_BACK, re.MULTILINE)[2:]]
MOST_FRAMES = 10


def readme_network(side=14, F=16):
    """A smaller version of README's network: two convolutions, each with a pool."""
    return minicnn.Sequential([
        layers.Input((side, side, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(F, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(F, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dropout(0.3), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def stack_of_minicnn():
    """[(file, function)] of the running calls, from `fit` to the function that calls the kernel."""
    frames = [(Path(frame.filename), frame.name) for frame in traceback.extract_stack()]
    ours = [(path.relative_to(PACKAGE).as_posix(), name) for path, name in frames if path.is_relative_to(PACKAGE)]
    return ours[ours.index(("models/trainer.py", "fit")) :]


def watched(kernel, stacks):
    """A function that appends the stack of the call to `stacks`, with the kernel at its end, and calls the kernel."""
    function = kernel.dispatcher.py_func
    file = Path(inspect.getsourcefile(function)).relative_to(PACKAGE).as_posix()
    names = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    multiplies = names.get("tile") is microkernel.tile or {"gather", "scatter"} <= names.keys()  # those of windows.py
    assert multiplies, f"{file}: {function.__name__} calls nothing that multiplies"

    def call(*arguments):
        stacks.append([*stack_of_minicnn(), (file, function.__name__)])
        return kernel(*arguments)

    return call


def stacks_of_a_step(name, monkeypatch, places):
    """Run one eager step of `fit` on the backend; return the stacks of the kernels at `places`, [(module, name)]."""
    stacks: list = []
    for module, kernel in places:
        made = getattr(module, kernel)
        if hasattr(made, "cache_info"):  # a kernel made for certain sizes
            monkeypatch.setattr(module, kernel, lambda *sizes, made=made: watched(made(*sizes), stacks))
        else:
            monkeypatch.setattr(module, kernel, watched(made, stacks))
    backend.set_backend(name)
    model = readme_network()
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(normal(8, 14, 14, 1, dtype=np.float32), np.arange(8), batch_size=8, verbose=0)
    return stacks


def files(stack):
    """The files of a stack, each once, in the order of the calls."""
    return list(dict.fromkeys(file for file, _ in stack))


def test_readme_s_road_is_short():
    assert ROAD[0] == "models/trainer.py" and ROAD[-1] == "kernels/cpu/microkernel.py" and len(ROAD) == 7
    for file in ROAD:
        assert (PACKAGE / file).exists()


def test_every_convolution_goes_readme_s_road_forward(monkeypatch):
    stacks = stacks_of_a_step("tiled", monkeypatch, [(tiled, "_convolve")])
    forward = [stack for stack in stacks if ("models/sequential.py", "forward") in stack]
    assert len(forward) == 2
    for stack in forward:
        assert files(stack) == ROAD[:-1]  # the last file has the tile, which is part of the kernel
        assert len(stack) <= MOST_FRAMES, stack


def test_backward_takes_the_same_path(monkeypatch):
    stacks = stacks_of_a_step("tiled", monkeypatch, [(tiled, "_convolve"), (tiled, "_sum_over_pixels")])
    backward = [stack for stack in stacks if ("models/sequential.py", "backward") in stack]
    assert [stack[-1][1] for stack in backward] == ["_sum_over_pixels", "_convolve", "_sum_over_pixels"]
    for stack in backward:
        assert files(stack) == ROAD[:-1]
        assert len(stack) <= MOST_FRAMES, stack


def test_the_default_backend_takes_the_path_of_readme_s_table(monkeypatch):
    kernels = [(cpu, "_convolve"), (winograd, "_convolution"), (pooled, "_gradients"), (cpu, "_kernel_gradient_pieces")]
    stacks = stacks_of_a_step("cpu", monkeypatch, kernels)
    assert all(len(stack) <= MOST_FRAMES for stack in stacks), stacks
    forward, backward = ([s for s in stacks if ("models/sequential.py", way) in s] for way in ("forward", "backward"))
    cpu_file = [*ROAD[:5], "ops/conv2d/cpu.py"]
    expected = [cpu_file, [*cpu_file, "ops/conv2d/winograd.py"]]
    assert [files(stack) for stack in forward] == expected
    assert [files(stack) for stack in reversed(backward)] == [cpu_file, [*cpu_file, "ops/conv2d/pooled.py"]]
    first, second = (row[1:3] for row in TABLE[:2])
    for stack, cell in zip([*forward, *reversed(backward)], [first[0], second[0], first[1], second[1]], strict=True):
        assert stack[-1][1] == re.search(r"`(\w+)`", cell)[1]


def test_readme_s_table_names_what_is_in_its_files():
    sources = "".join((PACKAGE / file).read_text() for file in re.findall(r"\(minicnn/([^)]+)\)", str(TABLE)))
    names = set(re.findall(r"`(\w+)`", str(TABLE)))
    assert len(TABLE) == 3 and len(names) > 8
    for name in names:
        assert re.search(rf"def {name}\(|\b{name}\b.* = |import .*\b{name}\b", sources), name
