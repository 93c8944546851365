"""How fast is the backend "cuda", compared with cuBLAS, cuDNN and PyTorch's training steps on the same GPU?

    pip install -e ".[cuda]" pytest torch      (torch for CUDA; TensorFlow is not needed)
    python benchmarks/gpu.py checks            the tests of the backend, on the GPU
    python benchmarks/gpu.py ladder            every version of the operations, and PyTorch's
    python benchmarks/gpu.py steps [--networks fashion ...] [--rounds 5]      training steps of the five networks,
                                               batches of 128
    python benchmarks/gpu.py epochs            seconds and accuracy of three epochs of Fashion-MNIST, on GPU and CPU
    python benchmarks/gpu.py sanitizer         compute-sanitizer's memcheck and racecheck on the operations' tests

Each part should take at most ten minutes, and adds its results to benchmarks/results/<device>.json. `ladder` checks
results before it times them: idle memory is filled with NaN first, and a result may be at most four times as far from
PyTorch's float64 result as PyTorch's float32 result is. All versions take turns, and the tables show medians. PyTorch
computes in float32 as minicnn does (tf32 is off). PyTorch's images are on the GPU from the start, while minicnn copies
every batch to the GPU.
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
import models
import numpy as np
import rivals
from models import FIRST, WORKLOADS

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
TARGET = 0.02  # seconds that one timing should last
ROUNDS = 7
TASKS = ("train", "predict")
BATCH = 128  # of the training steps; predictions take four times as many images


def device_name() -> str:
    from minicnn.kernels.gpu import device

    device.check()
    return device.name()


def described() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numba-cuda", "torch"))
    return f"Machine: {device_name()}; Python {sys.version.split()[0]}, {versions}."


def add_to_results(part, found) -> None:
    """Put the results of one part into the device's file. Results of other parts stay, if the versions are the same."""
    file = HERE / "results" / f"{device_name().lower().replace(' ', '-')}.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    where = described()
    record = {**(earlier if earlier.get("machine") == where else {}), "machine": where, part: found}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(record, indent=1) + "\n")


# checks and sanitizer


def started(*arguments, tool=(), way="numba") -> subprocess.Popen:
    """Start tests in a separate process. RuntimeError without a GPU."""
    device_name()
    command = [*tool, sys.executable, "-m", "pytest", "-o", "addopts=-q", "-p", "no:cacheprovider", *arguments]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")  # the tests hide the GPU unless this is set
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": visible, "MINICNN_CUDA_LAUNCH": way}
    return subprocess.Popen(
        command, cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def ended(process) -> dict:
    """Wait until the tests end; {"passed": whether they passed, "said": [their last line]}."""
    said, complained = process.communicate()
    print(said[-4000:], complained[-2000:], sep="\n")
    return {"passed": process.returncode == 0, "said": said.strip().splitlines()[-1:]}


def checks() -> dict:
    """The tests' result for every way to launch. All run at the same time: each mostly compiles, on one core."""
    processes = {way: started("-m", "gpu", way=way) for way in LAUNCHES.values()}
    return {way: ended(process) for way, process in processes.items()}


def sanitizer() -> dict:
    """The results of memcheck and racecheck, or "not on this machine" if there is no compute-sanitizer."""
    tool = shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")
    if tool is None:
        return {"compute-sanitizer": "not on this machine"}
    found = {}
    for check in ("memcheck", "racecheck"):
        prefix = (tool, "--tool", check, "--error-exitcode", "1", "--target-processes", "all")
        found[check] = ended(started("-m", "gpu", "tests", "-k", "is_the_definition", tool=prefix))
    return found


# ladder


def ladder() -> dict:
    """{operation: {version: {"ms": .., "G/s": ..}}}. The results of each version are checked first."""
    import torch

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    found = {}
    for make in operations():
        name, rungs = _measured(*make())
        found[name] = rungs
        print(f"{name}:", ", ".join(f"{rung} {by['ms']:.3f} ms" for rung, by in rungs.items()), flush=True)
    print(ladder_table(found))
    return found


def _measured(name, ours, function, tensors, work):
    """(name, {version: {"ms", "G/s"}}) of an operation. The arguments are those that `operations` describes."""
    theirs = partial(function, *tensors)
    _check(name, ours, theirs, _on_host(function(*(tensor.double() for tensor in tensors))))
    rungs = {**ours, "PyTorch": theirs}
    times = {rung: [] for rung in rungs}
    counts = {rung: _how_often(run) for rung, run in rungs.items()}
    for _ in range(ROUNDS):
        for rung, run in rungs.items():
            times[rung].append(_seconds(run, counts[rung]) / counts[rung])
    medians = {rung: statistics.median(t) for rung, t in times.items()}
    return name, {rung: {"ms": s * 1e3, "G/s": work / s / 1e9} for rung, s in medians.items()}


def _check(name, ours, theirs, exact):
    """SystemExit if a version's result is more than four times as far from the exact result as PyTorch's is."""
    largest = np.abs(exact).max()
    allowed = 4 * max(np.abs(_on_host(theirs()) - exact).max(), np.finfo(np.float32).eps * largest)
    for rung, run in ours.items():
        _poison_idle_memory()
        error = np.abs(_on_host(run()) - exact).max()
        if not error <= allowed:  # not `error > allowed`, because NaN must fail too
            raise SystemExit(
                f"{name}, {rung}: the result is {error:.1e} from the exact result; at most {allowed:.1e} is allowed."
            )


def _poison_idle_memory():
    """Fill idle memory, where the next arrays will be, with NaN. So the check finds numbers that a kernel left out."""
    from minicnn.kernels.gpu.elementwise import fill
    from minicnn.kernels.gpu.memory import common_pool

    for (size, dtype), waiting in common_pool.idle.items():
        if dtype.kind == "f":
            for data in waiting:
                fill.over(size, data, dtype.type(np.nan))


def ladder_table(found) -> str:
    lines = ["| operation | version | ms | G/s | of PyTorch's speed |", "|---|---|---|---|---|"]
    for name, by in found.items():
        for rung, measured in by.items():
            share = by["PyTorch"]["ms"] / measured["ms"]
            lines.append(f"| {name} | {rung} | {measured['ms']:.3f} | {measured['G/s']:.0f} | {share:.0%} |")
    return "\n".join(lines)


def _synchronize():
    import torch

    from minicnn.kernels.gpu import device

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
    """The number of runs that last about TARGET seconds together."""
    _seconds(run, 2)
    return max(1, round(TARGET / (_seconds(run, 3) / 3)))


def _on_host(value):
    """A result as a NumPy array. PyTorch's channels are moved to the last axis."""
    if hasattr(value, "to_host"):
        return value.to_host()
    value = value.detach().cpu()
    return (value.permute(0, 2, 3, 1) if value.ndim == 4 else value).numpy()


def operations() -> list:
    """A list of functions, one for each operation.

    Each returns (name, {version: a function that computes the operation}, PyTorch's function, the tensors that this
    function takes, the number of operations or bytes of one call).
    """
    found = [partial(_product, 1024), partial(_product, 4096)]
    for network in FIRST:
        for layer in convolutions(network):
            found += [partial(_convolution, network, layer, what) for what in _asked_of(layer)]
    return [*found, _max_pooling, _batch_norm, _relu, _adam]


def _asked_of(layer):
    """The passes to time. The first layer needs no gradient of its input, because its input is the images."""
    return ("forward", "dw", "dx, dw") if layer[2] > 3 else ("forward", "dw")


def convolutions(network) -> list:
    """The different convolutions of a network: (H, W, C, F, kernel size, padding)."""
    shape, found = WORKLOADS[network].image, []
    for layer in models.layers(network):
        if isinstance(layer, models.Conv):
            found.append((*shape, layer.filters, layer.size, layer.padding))
        shape = models.shape_after(layer, shape)
    return list(dict.fromkeys(found))


def _random(*shape):
    """The same normal random numbers on the GPU twice: an array for minicnn, and a tensor for PyTorch."""
    import torch

    from minicnn.kernels.gpu import arrays

    x = np.random.default_rng().standard_normal(shape, np.float32)
    return arrays.upload(x), torch.from_numpy(x).cuda()


def _images(tensor):
    """A tensor (N, H, W, C) in PyTorch's order (N, C, H, W). In memory the channels are still last."""
    return tensor.permute(0, 3, 1, 2)


def _product(size):
    from minicnn.kernels.gpu import arrays, matmul

    (a, left), (b, right) = _random(size, size), _random(size, size)
    rows, cols = matmul.multiples(size, size), matmul.multiples(size, 1)
    versions = {
        "v1, a thread per output": matmul._one_thread(a.dtype),
        "v2, shared tiles": matmul.tiles_in_shared_memory(a.dtype, 16),
        "v3, sums in registers": matmul._sums_in_registers(a.dtype, 16, 4),
        "v4, register tiles": matmul._register_tiles("k", size, size, size)[0],
    }

    def run(version):
        c = arrays.empty((size, size), np.float32)
        version(a, rows, cols, b, b, False, False, c, size, size, size, 1, size, 0)
        return c

    ours = {name: partial(run, version) for name, version in versions.items()}
    return f"product, {size}", ours, lambda left, right: left @ right, (left, right), 2 * size**3


def _convolution(network, layer, what, N=256):
    """A network's convolution: its forward pass, the gradient of its kernel (dw), or of input and kernel (dx, dw)."""
    import torch
    from torch.nn.functional import conv2d, pad

    from minicnn.ops.conv2d import gpu

    H, W, C, F, size, padding = layer
    (x, images), (w, kernel) = _random(N, H, W, C), _random(size, size, C, F)
    images = _images(images)
    kernel = kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    y, saved = gpu.forward(x, w, None, padding=padding)
    name = f"{network}: {what} of {size}x{size}, {N} x {H} x {W}, {C} to {F}"
    work = 2 * y.size * size * size * C
    if what == "forward":
        ours = {"implicit product": lambda: gpu.forward(x, w, None, padding=padding, need_saved=False)[0]}
        return name, ours, partial(conv2d, padding=padding), (images, kernel), work

    dy, upstream = _random(*y.shape)
    around = size // 2 if padding == "same" and size % 2 else 0
    below = 1 if padding == "same" and size % 2 == 0 else 0  # even kernels: pad a copy, as PyTorch does

    def gradients(upstream, images, kernel):
        dx, dw, _ = torch.ops.aten.convolution_backward(
            upstream, pad(images, (0, below, 0, below)) if below else images, kernel, None,
            (1, 1), (around, around), (1, 1), False, (0, 0), 1, (what == "dx, dw", True, False),
        )  # fmt: skip
        return dx[:, :, :H, :W] if what == "dx, dw" else dw.permute(2, 3, 1, 0).flatten(0, 2)

    if what == "dx, dw":
        work *= 2
        ours = {"implicit product": lambda: gpu.backward(dy, saved)[0]}
    else:
        ours = {"implicit product": lambda: gpu.backward(dy, saved, need_dx=False)[1].reshape(-1, F)}
    return name, ours, gradients, (_images(upstream), images, kernel), work


def _max_pooling():
    import torch

    from minicnn.ops.max_pool2d import gpu

    x, images = _random(*_SHAPE)
    return (
        f"max pooling 2x2, {_WHERE}",
        {"a thread per window": lambda: gpu.forward(x, (2, 2), (2, 2))[0]},
        lambda images: torch.nn.functional.max_pool2d(images, 2, return_indices=True)[0],
        (_images(images),),
        x.nbytes * 5 // 4,
    )


def _batch_norm():
    import torch

    from minicnn.kernels.gpu import arrays
    from minicnn.ops.batch_norm import gpu

    (x, images), (gamma, weight), (beta, bias) = _random(*_SHAPE), _random(_SHAPE[3]), _random(_SHAPE[3])
    mean, variance = (arrays.upload(np.full(_SHAPE[3], value, np.float32)) for value in (0, 1))
    return (
        f"batch norm, {_WHERE}",
        {"sums in pieces": lambda: gpu.forward(x, gamma, beta, mean, variance, 1.0, 1e-3, True)[0]},
        lambda *tensors: torch.nn.functional.batch_norm(
            tensors[0], None, None, tensors[1], tensors[2], True, 0.0, 1e-3
        ),
        (_images(images), weight, bias),
        x.nbytes * 3,
    )


def _relu():
    import torch

    from minicnn.ops.activation import gpu

    x, images = _random(*_SHAPE)
    run = {"elementwise": lambda: gpu.relu_forward(x)[0]}
    return f"relu, {_WHERE}", run, torch.relu, (_images(images),), x.nbytes * 2


def _adam():
    """Adam with a learning rate of 0, so that both write the weights that they read, even after many calls."""
    import torch

    from minicnn.kernels.gpu import arrays
    from minicnn.ops.optimizer_update import gpu

    (w, weights), (g, gradient) = _random(*_SHAPE), _random(*_SHAPE)
    memory = [arrays.upload(np.zeros(_SHAPE, np.float32)) for _ in range(2)]

    def run():
        gpu.adam(w, g, *memory, None, 0.0, 0.9, 0.999, 1e-7)
        return w

    optimizers = {}

    def theirs(weights, gradient):
        if weights not in optimizers:
            parameter = torch.nn.Parameter(weights)
            parameter.grad = gradient
            optimizers[weights] = parameter, torch.optim.Adam([parameter], lr=0.0, eps=1e-7, fused=True)
        parameter, optimizer = optimizers[weights]
        optimizer.step()
        return _images(parameter)

    return f"Adam, {_WHERE}", {"one pass": run}, theirs, (weights, gradient), w.nbytes * 7


_SHAPE = (64, 56, 56, 64)  # for operations whose limit is memory; their G/s are gigabytes read and written
_WHERE = "64 x 56 x 56 x 64"


# epochs


def epochs(count=3) -> dict:
    """{way to launch, or "cpu": {"seconds": [of each epoch], "accuracy": on the test images after the last epoch}}."""
    import minicnn
    from minicnn.kernels.gpu import launch

    (x, y), (x_test, y_test) = minicnn.datasets.fashion_mnist.load_data()
    x, x_test = x / np.float32(255), x_test / np.float32(255)
    found = {}
    for backend, way in (*(("cuda", way) for way in LAUNCHES.values()), ("cpu", "numba")):
        os.environ["MINICNN_CUDA_LAUNCH"] = way
        launch.way_to_launch.cache_clear()
        minicnn.backend.set_backend(backend)
        minicnn.utils.set_random_seed(0)
        model = models.keras_model(minicnn, "fashion")
        loss = minicnn.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(minicnn.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            model.fit(x, y, batch_size=WORKLOADS["fashion"].batch, verbose=0)
            seconds.append(time.perf_counter() - started)
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
        name = way if backend == "cuda" else backend
        found[name] = {"seconds": seconds, "accuracy": accuracy}
        print(
            f"{name}: {count} epochs of", *(f"{s:.2f} s," for s in seconds), f"test accuracy {accuracy:.4f}", flush=True
        )
    return found


# steps


class Process(rivals.Process):
    """A contestant on the GPU, in a separate process."""

    script = Path(__file__).resolve()

    def environment(self, library):
        return {**os.environ, "MINICNN_BACKEND": "cuda", "MINICNN_CUDA_LAUNCH": LAUNCHES.get(library, "numba")}


def contestant(library, name):
    """The contestant that runs in this process."""
    WORKLOADS[name] = WORKLOADS[name]._replace(batch=BATCH)
    if library.startswith("torch"):
        from contestant_gpu import TorchOnGPU

        return TorchOnGPU(library, name)
    from contestant_keras import KerasLike

    return KerasLike("minicnn", name)


def steps(networks, libraries, rounds) -> dict:
    """The times of every network. If a contestant fails at a network, print so and leave the network out."""
    found = {}
    for name in networks:
        try:
            found[name] = rivals.measure(name, dict.fromkeys(libraries, TASKS), rounds, Process)
        except SystemExit as failed:
            print(f"{name}: {failed}. Leave that contestant out with --libraries.")
            continue
        print(steps_table({name: found[name]}), flush=True)
        add_to_results("steps", found)
    return found


def steps_table(found) -> str:
    tasks = [(name, task) for name in found for task in TASKS]
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
    parser.add_argument("part", choices=["checks", "ladder", "steps", "epochs", "sanitizer"])
    parser.add_argument("--networks", nargs="+", choices=list(WORKLOADS), default=list(FIRST))
    parser.add_argument("--libraries", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run = {
        "checks": checks, "ladder": ladder, "epochs": epochs, "sanitizer": sanitizer,
        "steps": partial(steps, options.networks, options.libraries, options.rounds),
    }[options.part]  # fmt: skip
    add_to_results(options.part, run())


if __name__ == "__main__":
    main()
