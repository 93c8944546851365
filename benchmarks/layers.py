"""How fast is every layer, beside PyTorch and beside what the machine allows? One layer at a time, three shapes each.

    pip install -e ".[bench]" torch==2.13.0          (a CPU build)
    python benchmarks/layers.py [--only PATTERN] [--rounds 5]

"forward" is inference, "gradients" is forward and backward with the gradients of input and weights. minicnn and PyTorch
(both memory layouts; the faster one counts) run in processes of their own and take turns. First their outputs and input
gradients must agree. The roof is the least time in which this machine could do it: the bytes of inputs, outputs and
gradients over the measured bandwidth, or the multiply-adds over the measured peak, whichever is longer. Layers that fit
into the cache may be faster than this roof.

With --save the worst of each layer's shapes goes into benchmarks/README.md, and everything into
benchmarks/results/layers.json.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine
import numpy as np
from layer_cases import CASES

HERE = Path(__file__).resolve().parent
LIBRARIES = ("minicnn", "torch", "torch-channels-last")
TASKS = ("forward", "gradients")
_SECONDS = 0.05  # a measurement calls the layer for about this long


def numbers(case):
    """The inputs of a case, for each of its shapes: [[array, ...], ...]."""
    rng = np.random.default_rng(0)
    return [[rng.normal(size=shape).astype(np.float32) for _ in range(case.inputs)] for shape in case.shapes]


class Minicnn:
    def __init__(self, name, which):
        import minicnn
        from minicnn.kernels.cpu import workspace

        minicnn.utils.set_random_seed(0)
        case = CASES[name]
        x, self.step = numbers(case)[which], workspace.step
        self.inputs = x if case.inputs > 1 else x[0]
        self.layer = case.make(minicnn)
        y = self.layer(self.inputs)  # builds it
        self.shape = y.shape
        self.dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)

    def weights(self):
        return [array.tolist() for array in self.layer.get_weights()]

    def forward(self):
        with self.step():
            self.layer.forward(self.inputs, False, False)

    def gradients(self):
        with self.step():
            y, saved = self.layer.forward(self.inputs, True, True)
            dx = self.layer.backward(self.dy, saved)
            for variable in self.layer.trainable_weights:
                variable.grad = None
        return dx

    def check(self):
        y = np.asarray(self.layer(self.inputs))
        with self.step():  # keeps the buffers of `gradients` as they are
            dx = self.gradients()
            return sample(y), sample(dx[0] if isinstance(dx, (list, tuple)) else dx)


def sample(a):
    """Numbers from all over an array (N, H, W, C) or (N, K)."""
    flat = np.ascontiguousarray(a).reshape(-1)
    return flat[:: max(1, flat.size // 500)].astype(float).tolist()


class Torch:
    def __init__(self, name, which, weights, channels_last):
        import torch

        torch.set_flush_denormal(True)
        case = CASES[name]
        self.torch = torch
        self.x = [self._laid(torch.from_numpy(x), channels_last) for x in numbers(case)[which]]
        self.run = case.in_torch(torch, [np.asarray(w, np.float32) for w in weights])
        with torch.no_grad():
            y = self.run(*self.x)
        dy = np.random.default_rng(1).normal(size=self._plain(y).shape).astype(np.float32)
        self.dy = self._laid(torch.from_numpy(dy), channels_last)
        self.leaves = [x.detach().requires_grad_() for x in self.x]
        self.all = [*self.leaves, *getattr(self.run, "weights", [])]

    @staticmethod
    def _laid(x, channels_last):
        if x.ndim != 4:
            return x
        x = x.permute(0, 3, 1, 2)
        return x if channels_last else x.contiguous()

    @staticmethod
    def _plain(y):
        return (y.permute(0, 2, 3, 1) if y.ndim == 4 else y).detach().numpy()

    def forward(self):
        with self.torch.inference_mode():
            self.run(*self.x)

    def gradients(self):
        return self.torch.autograd.grad(self.run(*self.leaves), self.all, self.dy)[0]

    def check(self):
        with self.torch.no_grad():
            y = self._plain(self.run(*self.x))
        dx = self._plain(self.gradients())
        return sample(y), sample(dx)


def serve(library):
    """Answer commands from standard input, each with a line of JSON, until it ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    contestant = None
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        if command == "make":
            contestant = Minicnn(*arguments) if library == "minicnn" else Torch(*arguments, "last" in library)
            answer = contestant.weights() if library == "minicnn" else None
        elif command == "check":
            answer = contestant.check()
        elif command == "shape":
            answer = list(contestant.shape)
        else:
            answer = milliseconds(getattr(contestant, command))
        print(json.dumps(answer), file=answers, flush=True)


def milliseconds(run):
    run()
    started, calls = time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - started < _SECONDS:
        run()
        calls += 1
    return (time.perf_counter() - started) / calls * 1e3


class Process:
    def __init__(self, library):
        command = [sys.executable, __file__, "--serve", library]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args[-1]} stopped at {command[:3]}")
        return json.loads(answer)


def agree(name, which, answers):
    """Exit unless all libraries have the same numbers."""
    for library, arrays in answers.items():
        for ours, theirs in zip(answers["minicnn"], arrays, strict=True):
            difference = np.abs(np.subtract(ours, theirs)).max() / max(1, np.abs(ours).max())
            if not difference < 1e-3:
                sys.exit(f"{name}, shape {which}: {library} differs from minicnn by {difference:.1e}")


def roof(case, which, shape, peak, bandwidth):
    """{task: milliseconds}: no program on this machine can be faster, unless its numbers stay in the cache."""
    x, y = math.prod(case.shapes[which]) * case.inputs * 4, math.prod(shape) * 4
    flops = case.flops_per_y(case.shapes[which]) * math.prod(shape)
    bytes_and_flops = {"forward": (x + y, flops), "gradients": (3 * x + 2 * y, 3 * flops)}
    return {task: max(b / bandwidth, f / peak) / 1e6 for task, (b, f) in bytes_and_flops.items()}


def measured(names, rounds):
    import peak

    flops, bandwidth = max(peak.gflops() for _ in range(3)), max(peak.gigabytes() for _ in range(3))
    print(f"{flops:.0f} GFLOP/s, {bandwidth:.1f} GB/s", flush=True)
    processes = {library: Process(library) for library in LIBRARIES}
    results = {"gflops": flops, "gigabytes": bandwidth, "layers": {}}
    for name in names:
        case = CASES[name]
        for which, shape in enumerate(case.shapes):
            weights = processes["minicnn"].ask("make", name, which)
            for library in LIBRARIES[1:]:
                processes[library].ask("make", name, which, weights)
            if case.exact:
                agree(name, which, {library: process.ask("check") for library, process in processes.items()})
            roofs = roof(case, which, processes["minicnn"].ask("shape"), flops, bandwidth)
            row = {}
            for task in TASKS:
                times = {library: [] for library in LIBRARIES}
                for round_ in range(-1, rounds):
                    for library, process in processes.items():
                        time.sleep(0.02)  # wait until the last library's threads sleep
                        took = process.ask(task)
                        if round_ >= 0:
                            times[library].append(took)
                row[task] = {library: statistics.median(took) for library, took in times.items()}
                row[task]["roof"] = roofs[task]
            results["layers"][f"{name}, {'x'.join(map(str, shape))}"] = row
            print(line(f"{name}, {'x'.join(map(str, shape))}", row), flush=True)
    return results


def figures(row, task):
    """(minicnn's ms, PyTorch's ms, PyTorch / minicnn, roof / minicnn)"""
    ours, theirs = row[task]["minicnn"], min(row[task][library] for library in LIBRARIES[1:])
    return ours, theirs, theirs / ours, row[task]["roof"] / ours


def line(name, row):
    cells = []
    for task in TASKS:
        ours, theirs, ratio, part = figures(row, task)
        cells += [f"{ours:.3f}", f"{theirs:.3f}", f"**{ratio:.2f}**", f"{100 * part:.0f} %"]
    return f"| {name} | {' | '.join(cells)} |"


def table(results):
    """A row for each layer, with its worst shape, the worst layer first."""
    worst = {}
    for name, row in sorted(results["layers"].items(), key=lambda item: figures(item[1], "gradients")[2]):
        worst.setdefault(name.rsplit(", ", 1)[0], (name, row))
    heads = "| layer, input | forward, ms | PyTorch | ratio | of roof | gradients, ms | PyTorch | ratio | of roof |"
    return "\n".join([heads, "|" + "---|" * 9, *(line(name, row) for name, row in worst.values())])


def summary(results):
    """A line for each task: the worst and the mean ratio, and how near the median layer comes to its roof."""
    lines = []
    for task in TASKS:
        every = [figures(row, task) for row in results["layers"].values()]
        ratios, parts = [e[2] for e in every], [e[3] for e in every]
        lines.append(
            f"{task}: PyTorch / minicnn is {min(ratios):.2f} at worst, {statistics.geometric_mean(ratios):.2f} on "
            f"average; the median layer reaches {100 * statistics.median(parts):.0f} % of its roof."
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="PATTERN", help="a regular expression, of the layers' names")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write the table and the results")
    parser.add_argument("--serve", choices=LIBRARIES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve)
    names = [name for name in CASES if re.search(arguments.only, name)]
    results = measured(names, arguments.rounds)
    print(summary(results))
    if arguments.save:
        where = machine.described("numpy", "numba", "torch")
        results["machine"] = where
        (HERE / "results" / "layers.json").write_text(json.dumps(results, indent=1) + "\n")
        machine.put(HERE / "README.md", "layers", f"{table(results)}\n\n{summary(results)}\n\n{where}")


if __name__ == "__main__":
    main()
