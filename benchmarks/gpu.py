"""How fast is the backend "cuda", beside cuBLAS, cuDNN and whole PyTorch training steps on the same GPU?

    pip install -e ".[cuda]" pytest torch      (torch for CUDA; TensorFlow is not needed)
    python benchmarks/gpu.py checks            the tests of the backend, on the GPU
    python benchmarks/gpu.py ladder            every version of the operations, and PyTorch's
    python benchmarks/gpu.py steps [--networks fashion ...] [--rounds 5]      training steps of the five networks
    python benchmarks/gpu.py sanitizer         compute-sanitizer's memcheck and racecheck on the operations' tests

Each part takes less than ten minutes and adds what it finds to benchmarks/results/<device>.json. Numbers are checked
before anything is timed; all work in turns, and the tables show medians. PyTorch computes in float32 here as minicnn
does (tf32 is off), and its images lie on the GPU beforehand, where minicnn's travel up with every batch.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import contestants
import numpy as np
import rivals
from models import WORKLOADS

HERE = Path(__file__).resolve().parent
LAUNCHES = {"minicnn": "numba", "minicnn-direct": "direct", "minicnn-graph": "graph"}
STEPS = {
    "minicnn": "minicnn",
    "minicnn-direct": "minicnn, launched directly",
    "minicnn-graph": "minicnn, CUDA graph",
    "torch": "PyTorch",
    "torch-graph": "PyTorch, CUDA graph",
    "torch-compile": "PyTorch, torch.compile",
}
TARGET = 0.02  # seconds that one timing lasts at least
ROUNDS = 7


def device_name() -> str:
    from minicnn.kernels import device

    device.check()
    return device.name()


def described() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numba-cuda", "torch"))
    return f"Machine: {device_name()}; Python {sys.version.split()[0]}, {versions}."


def add_to_results(part, found) -> None:
    """Put one part's findings into the device's file; those of other parts stay, if the versions are the same."""
    file = HERE / "results" / f"{device_name().lower().replace(' ', '-')}.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    where = described()
    record = {**(earlier if earlier.get("machine") == where else {}), "machine": where, part: found}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(record, indent=1) + "\n")


# checks and sanitizer


def pytest_on_gpu(*arguments, tool=()) -> dict:
    """Run tests in a process of their own: {"passed": whether, "said": its last line}. RuntimeError without a GPU."""
    device_name()
    command = [*tool, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    visible = {**os.environ, "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0")}  # the tests hide it
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, env=visible)
    print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
    return {"passed": done.returncode == 0, "said": done.stdout.strip().splitlines()[-1:]}


def checks() -> dict:
    return {way: _checked_with(way) for way in LAUNCHES.values()}


def _checked_with(way):
    os.environ["MINICNN_CUDA_LAUNCH"] = way
    return pytest_on_gpu("-m", "gpu")


def sanitizer() -> dict:
    """memcheck and racecheck; "not on this machine" where there is no compute-sanitizer."""
    tool = shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")
    if tool is None:
        return {"compute-sanitizer": "not on this machine"}
    found = {}
    for check in ("memcheck", "racecheck"):
        prefix = (tool, "--tool", check, "--error-exitcode", "1", "--target-processes", "all")
        found[check] = pytest_on_gpu("-m", "gpu", "tests/test_variants.py", "-k", "gpu or float64", tool=prefix)
    return found


# ladder


def ladder() -> dict:
    """{operation: {version: {"ms": .., "of the best rival": ..}}}; each version first agrees with PyTorch's numbers."""
    import torch

    torch.backends.cudnn.allow_tf32 = False
    found = {}
    for name, (rungs, work) in operations().items():
        results = {rung: _on_host(run()) for rung, run in rungs.items()}
        reference = results["PyTorch"]
        for rung, value in results.items():
            error = np.abs(value - reference).max() / np.abs(reference).max()
            assert error < 1e-4, f"{name}, {rung}: off by {error:.1e}"
        times = {rung: [] for rung in rungs}
        counts = {rung: _how_often(run) for rung, run in rungs.items()}
        for _ in range(ROUNDS):
            for rung, run in rungs.items():
                times[rung].append(_seconds(run, counts[rung]) / counts[rung])
        medians = {rung: statistics.median(t) for rung, t in times.items()}
        found[name] = {rung: {"ms": s * 1e3, "G/s": work / s / 1e9} for rung, s in medians.items()}
        print(f"{name}:", ", ".join(f"{rung} {s * 1e3:.3f} ms" for rung, s in medians.items()), flush=True)
    print(ladder_table(found))
    return found


def ladder_table(found) -> str:
    lines = ["| operation | version | ms | G/s | of PyTorch's speed |", "|---|---|---|---|---|"]
    for name, by in found.items():
        for rung, measured in by.items():
            share = by["PyTorch"]["ms"] / measured["ms"]
            lines.append(f"| {name} | {rung} | {measured['ms']:.3f} | {measured['G/s']:.0f} | {share:.0%} |")
    return "\n".join(lines)


def _synchronize():
    import torch

    from minicnn.kernels import device

    device.stream().synchronize()
    torch.cuda.synchronize()


def _seconds(run, count):
    _synchronize()
    started = time.perf_counter()
    for _ in range(count):
        run()
    _synchronize()
    return time.perf_counter() - started


def _how_often(run):
    """How many times to run, so that it lasts TARGET seconds."""
    _seconds(run, 2)
    return max(1, round(TARGET / (_seconds(run, 3) / 3)))


def _on_host(value):
    """A result in NumPy; PyTorch's channels come last."""
    if hasattr(value, "to_host"):
        return value.to_host()
    value = value.detach().cpu()
    return (value.permute(0, 2, 3, 1) if value.ndim == 4 else value).numpy()


def operations() -> dict:
    """{name: ({version: a function that computes it}, operations or bytes of one call)}."""
    return {**_products(1024), **_products(4096), **_convolutions(), **_memory_bound()}


def _products(size):
    import torch

    from minicnn.kernels import device, gpu_product

    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), np.float32) for _ in range(2))
    a_there, b_there, c = device.upload(a), device.upload(b), device.empty((size, size), np.float32)
    rows, cols = gpu_product.multiples(size, size), gpu_product.multiples(size, 1)
    versions = {
        "v1, a thread per output": gpu_product._one_thread(c.dtype),
        "v2, shared tiles": gpu_product._tiles(c.dtype, 16),
        "v3, register tiles": gpu_product._register_tiles("k", size, size, size)[0],
    }

    def run(version):
        version(a_there, rows, cols, b_there, b_there, False, False, c, size, size, size, 1, size, 0)
        return c

    left, right = torch.from_numpy(a).cuda(), torch.from_numpy(b).cuda()
    rungs = {name: partial(run, version) for name, version in versions.items()}
    return {f"product, {size}": ({**rungs, "PyTorch": lambda: left @ right}, 2 * size**3)}


def _convolutions(N=64, side=56, C=64, F=64):
    import torch

    from minicnn.kernels import device
    from minicnn.ops.conv2d import gpu

    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((N, side, side, C), np.float32), rng.standard_normal((3, 3, C, F), np.float32)
    dy = rng.standard_normal((N, side, side, F), np.float32)
    there = {name: device.upload(value) for name, value in (("x", x), ("w", w), ("dy", dy))}
    _, saved = gpu.forward(there["x"], there["w"], None, padding="same")
    images, kernel, upstream = (
        torch.from_numpy(np.ascontiguousarray(value)).cuda()
        for value in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), dy.transpose(0, 3, 1, 2))
    )
    images, upstream = (t.to(memory_format=torch.channels_last) for t in (images, upstream))
    gradient = partial(
        torch.ops.aten.convolution_backward, upstream, images, kernel, None, (1, 1), (1, 1), (1, 1), False, (0, 0), 1
    )
    work, where = 2 * N * side * side * 9 * C * F, f"{N} x {side} x {side}, {C} to {F}"
    forward = {
        "implicit product": lambda: gpu.forward(there["x"], there["w"], None, padding="same", need_saved=False)[0],
        "PyTorch": lambda: torch.nn.functional.conv2d(images, kernel, padding=1),
    }
    return {
        f"convolution 3x3, {where}": (forward, work),
        f"its kernel's gradient, {where}": (
            {
                "implicit product": lambda: gpu.backward(there["dy"], saved, need_dx=False)[1].reshape(9 * C, F),
                "PyTorch": lambda: gradient((False, True, False))[1].permute(2, 3, 1, 0).flatten(0, 2),
            },
            work,
        ),
        f"both gradients, {where}": (
            {
                "implicit product": lambda: gpu.backward(there["dy"], saved)[0],
                "PyTorch": lambda: gradient((True, True, False))[0],
            },
            2 * work,
        ),
    }


def _memory_bound(N=64, side=56, C=64):
    """Operations whose limit is memory: their G/s are gigabytes read and written."""
    import torch

    from minicnn.kernels import device
    from minicnn.ops.activation import gpu as activation
    from minicnn.ops.batch_norm import gpu as batch_norm
    from minicnn.ops.max_pool2d import gpu as max_pool2d
    from minicnn.ops.optimizer_update import gpu as optimizer_update

    x = np.random.default_rng(0).standard_normal((N, side, side, C), np.float32)
    there, ones, zeros = device.upload(x), device.upload(np.ones(C, np.float32)), device.upload(np.zeros(C, np.float32))
    images = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).cuda()
    images = images.to(memory_format=torch.channels_last)
    one, zero = torch.ones(C, device="cuda"), torch.zeros(C, device="cuda")
    weights, memory = [device.upload(x) for _ in range(2)], [device.upload(np.zeros_like(x)) for _ in range(2)]

    def adam():
        optimizer_update.adam(*weights, *memory, None, 0.0, 0.9, 0.999, 1e-7)
        return weights[0]

    parameter = torch.nn.Parameter(images.clone())
    parameter.grad = images.clone()
    theirs = torch.optim.Adam([parameter], lr=0.0, eps=1e-7, fused=True)

    def their_adam():
        theirs.step()
        return parameter

    where = f"{N} x {side} x {side} x {C}"
    return {
        f"max pooling 2x2, {where}": (
            {
                "a thread per window": lambda: max_pool2d.forward(there, (2, 2), (2, 2))[0],
                "PyTorch": lambda: torch.nn.functional.max_pool2d(images, 2, return_indices=True)[0],
            },
            x.nbytes * 5 // 4,
        ),
        f"batch norm, {where}": (
            {
                "sums in pieces": lambda: batch_norm.forward(there, ones, zeros, zeros, ones, 1.0, 1e-3, True)[0],
                "PyTorch": lambda: torch.nn.functional.batch_norm(images, None, None, one, zero, True, 0.0, 1e-3),
            },
            x.nbytes * 3,
        ),
        f"relu, {where}": (
            {"elementwise": lambda: activation.relu_forward(there)[0], "PyTorch": lambda: torch.relu(images)},
            x.nbytes * 2,
        ),
        f"Adam, {where}": ({"one pass": adam, "PyTorch": their_adam}, x.nbytes * 7),
    }


# steps


class TorchOnGPU(contestants.Torch):
    """PyTorch on the GPU: eager, with torch.compile, or a whole step as a CUDA graph."""

    def __init__(self, library, name):
        import torch

        torch.backends.cudnn.allow_tf32 = False
        super().__init__(library, name)
        self.x, self.y, self.graph = self.x.cuda(), self.y.cuda(), None

    def _made(self, dropout, rate):
        torch = self.torch
        model = contestants.torch_model(torch, self.name, dropout).cuda().to(memory_format=torch.channels_last)
        capturable = {"capturable": True} if self.way == "torch-graph" else {}
        return model, torch.optim.Adam(model.parameters(), rate, eps=1e-7, fused=True, **capturable)

    def train(self):
        if self.way != "torch-graph":
            return super().train()
        return self._train_graph()

    def _train_graph(self):
        """One epoch of replays of a captured step; see "CUDA Graphs" in PyTorch's documentation."""
        torch, batch = self.torch, self.work.batch
        self.run.train()
        if self.graph is None:
            self.inputs, self.labels = self.x[:batch].clone(), self.y[:batch].clone()
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self._step(self.run, self.optimizer, self.inputs, self.labels)
            torch.cuda.current_stream().wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.outputs = self._step(self.run, self.optimizer, self.inputs, self.labels)
        started = time.perf_counter()
        order = torch.randperm(len(self.x), device="cuda")
        total, right = torch.zeros((), device="cuda"), torch.zeros((), dtype=torch.long, device="cuda")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            self.inputs.copy_(self.x[rows])
            self.labels.copy_(self.y[rows])
            self.graph.replay()
            total += self.outputs[0]
            right += self.outputs[1]
        total.item(), right.item()
        return (time.perf_counter() - started) / self.work.batches * 1e3


class Process(rivals.Process):
    """A contestant on the GPU, in its process."""

    script = Path(__file__).resolve()

    def environment(self, library):
        return {**os.environ, "MINICNN_BACKEND": "cuda", "MINICNN_CUDA_LAUNCH": LAUNCHES.get(library, "numba")}


def contestant(library, name):
    """The contestant that this process plays."""
    return TorchOnGPU(library, name) if library.startswith("torch") else contestants.KerasLike("minicnn", name)


def steps(networks, libraries, rounds) -> dict:
    """The times of every network; one that a contestant fails at is left out, and said."""
    found = {}
    for name in networks:
        try:
            found[name] = rivals.measure(name, libraries, rounds, Process)
        except SystemExit as failed:
            print(f"{name}: {failed}. Leave that contestant out with --libraries.")
            continue
        print(steps_table({name: found[name]}), flush=True)
        add_to_results("steps", found)
    return found


def steps_table(found) -> str:
    tasks = [(name, task) for name in found for task in rivals.TASKS]
    lines = ["| ms | " + " | ".join(f"{name}, {task}" for name, task in tasks) + " |", "|---" * (len(tasks) + 1) + "|"]
    for library in next(iter(found.values())):
        label = STEPS[library]
        medians = [statistics.median(found[name][library][task]) for name, task in tasks]
        lines.append(f"| {label} | " + " | ".join(f"{median:.3f}" for median in medians) + " |")
    return "\n".join(lines)


def main():
    if len(sys.argv) == 3 and sys.argv[1] in STEPS:  # started by `steps`
        contestants.serve(contestant(*sys.argv[1:]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["checks", "ladder", "steps", "sanitizer"])
    parser.add_argument("--networks", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--libraries", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run = {
        "checks": checks, "ladder": ladder, "sanitizer": sanitizer,
        "steps": partial(steps, options.networks, options.libraries, options.rounds),
    }[options.part]  # fmt: skip
    add_to_results(options.part, run())


if __name__ == "__main__":
    main()
