"""How much does each step from the definition to the fastest kernel gain? Measures convolution and dense, rung by rung.

    python benchmarks/ladder.py [--write]

A rung is one variant of an operation. First every rung must agree with the NumPy variant. Then all rungs take turns.
The table shows each rung's median in billions of operations of the definition (a multiply-add is two) per second, and
as a share of the speed of the machine's cores on registers alone. Winograd's convolution may pass 100 %, because it
computes the same with fewer multiplications. With --write, on a machine with nothing else to do, it also writes
benchmarks/results/ladder.json, ladder.png, roofline.png, and the tables in benchmarks/README.md and
minicnn/ops/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from pathlib import Path
from unittest import mock

import machine
import numpy as np
import peak

from minicnn.kernels.cpu import workspace
from minicnn.ops.conv2d import cpu as conv2d_cpu
from minicnn.ops.conv2d import loops as conv2d_loops
from minicnn.ops.conv2d import tiled as conv2d_tiled
from minicnn.ops.conv2d import vectorized as conv2d_numpy
from minicnn.ops.conv2d import winograd
from minicnn.ops.dense import cpu as dense_cpu
from minicnn.ops.dense import vectorized as dense_numpy

HERE = Path(__file__).resolve().parent
ROUNDS = 15
CONVOLUTION = ((32, 28, 28, 32), (3, 3, 32, 64))
DENSE = ((32, 3136), (3136, 100))
FEW = 1  # the number of images for the slow loops in Python
WHAT = ("forward", "dw", "dx and dw")


class Rung:
    """One variant of an operation on fixed arrays. `run` gives its results and the seconds they take."""

    def __init__(self, variant, x, w, b, dy, flops, direct=False, **options):
        self.variant, self.x, self.w, self.b, self.dy, self.options = variant, x, w, b, dy, options
        self.flops, self.direct = flops, direct

    def run(self):
        """(results, seconds) of forward, of the kernel's gradient, and of both gradients."""
        way = mock.patch.object(winograd, "suits", return_value=False) if self.direct else contextlib.nullcontext()
        results, seconds = {}, {}
        with way:
            for what in WHAT:
                with workspace.step():
                    started = time.perf_counter()
                    y, saved = self.variant.forward(self.x, self.w, self.b, **self.options)
                    if what != "forward":
                        started = time.perf_counter()
                        dx, dw, _ = self.variant.backward(self.dy, saved, what == "dx and dw")
                    seconds[what] = time.perf_counter() - started
                    results[what] = (y if what == "forward" else dw if what == "dw" else dx).copy()
        return results, seconds


def convolution(variant, images=None, direct=False):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in CONVOLUTION)
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    N = images or N
    dy = rng.standard_normal((len(x), H, W, F), np.float32)
    flops = 2 * N * H * W * KH * KW * C * F
    return Rung(variant, x[:N], w, np.zeros(F, np.float32), dy[:N], flops, direct, padding="same")


def dense(variant):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in DENSE)
    (N, K), F = x.shape, w.shape[1]
    dy = rng.standard_normal((N, F), np.float32)
    return Rung(variant, x, w, np.zeros(F, np.float32), dy, 2 * N * K * F)


def climb(rungs):
    """Check every rung against its reference (AssertionError if they differ), then time all rungs in turns.

    Returns (median seconds {rung: {what: seconds}}, the machine's largest GFLOP/s on registers during the rounds).
    """
    for name, (rung, reference) in rungs.items():
        wanted, (found, _) = reference.run()[0], rung.run()
        for what in WHAT:
            error = np.abs(found[what] - wanted[what]).max() / np.abs(wanted[what]).max()
            assert error < 1e-4, f"{name}, {what}: off by {error:.1e}"
    times, top = {name: {what: [] for what in WHAT} for name in rungs}, 0.0
    for round_ in range(ROUNDS):
        top = max(top, peak.gflops())
        for name, (rung, _) in rungs.items():
            if round_ == 0 or "loops" not in name:
                time.sleep(0.1)  # wait until the last rung's threads sleep: OpenBLAS's threads spin first
                if "loops" not in name:
                    rung.run()
                for what, took in rung.run()[1].items():
                    times[name][what].append(took)
    return {name: {what: statistics.median(t) for what, t in by.items()} for name, by in times.items()}, top


def rates(times, rungs):
    """GFLOP/s of forward, of the kernel's gradient, and of both gradients (twice the operations)."""
    return {
        name: {what: rungs[name][0].flops * (2 if what == "dx and dw" else 1) / 1e9 / by[what] for what in WHAT}
        for name, by in times.items()
    }


def table(title, found, top):
    lines = [f"| {title} | {' | '.join(WHAT)} |", "|---|---|---|---|"]
    for name, by in found.items():
        cells = [f"{by[what]:.3g} ({by[what] / top:.0%})" for what in WHAT]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(all_rates, top, file):
    """Draw bars, a group for each rung, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure((11, 4), layout="constrained")
    several = figure.subplots(1, len(all_rates), sharey=True, width_ratios=[len(found) for found in all_rates.values()])
    for axes, (title, found) in zip(several, all_rates.items(), strict=True):
        for i, what in enumerate(WHAT):
            places = [j + (i - 1) * 0.26 for j in range(len(found))]
            axes.bar(places, [by[what] for by in found.values()], 0.25, label=what)
        axes.axhline(top, color="black", linewidth=0.8)
        axes.text(-0.4, top * 1.15, "registers alone", fontsize=8)
        axes.set_yscale("log")
        axes.set_ylim(top=top * 4)
        axes.set_xticks(range(len(found)), [name.split(" (")[0].strip("`") for name in found], fontsize=8)
        axes.set_title(title, fontsize=10)
    several[0].set_ylabel("GFLOP/s")
    several[0].legend(fontsize=8, loc="center left")
    figure.savefig(file, dpi=120)


def draw_roofline(points, top, bandwidth, file):
    """Draw the roofline: GFLOP/s over operations per byte that must pass through memory, below the two limits."""
    from matplotlib.figure import Figure

    figure = Figure((7, 4.5), layout="constrained")
    axes = figure.subplots()
    intensity = np.geomspace(0.25, 1000, 200)
    axes.loglog(intensity, np.minimum(top, bandwidth * intensity), color="black")
    for name, (x, y) in points.items():
        axes.plot(x, y, "o", label=name)
    axes.legend(fontsize=8)
    axes.set_xlabel("operations per byte of input, weights and output")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"Roofs: {top:.0f} GFLOP/s and {bandwidth:.0f} GB/s")
    figure.savefig(file, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the results and the tables in the pages")
    write = parser.parse_args().write
    if write:
        machine.refuse_if_busy()
    whole, few = convolution(conv2d_numpy), convolution(conv2d_numpy, FEW)
    ladders = {  # {title: {name: (rung, its reference)}}
        "convolution, 3x3, 32 to 64 channels": {
            "`loops.py` (Python)": (convolution(conv2d_loops, FEW), few),
            "`vectorized.py` (im2col, NumPy)": (whole, whole),
            "`tiled.py` (implicit im2col, register tiles)": (convolution(conv2d_tiled), whole),
            "`cpu.py` (and bands, everything in one pass)": (convolution(conv2d_cpu, direct=True), whole),
            "`winograd.py` (fewer multiplications)": (convolution(conv2d_cpu), whole),
        },
        "dense, 3136 to 100": {
            "`vectorized.py` (NumPy)": (dense(dense_numpy), dense(dense_numpy)),
            "`cpu.py` (sums in parts, register tiles)": (dense(dense_cpu), dense(dense_numpy)),
        },
    }
    all_rates, top = {}, 0.0
    for title, rungs in ladders.items():
        times, shown = climb(rungs)
        all_rates[title], top = rates(times, rungs), max(top, shown)
    bandwidth = peak.gigabytes()
    where = machine.described("numpy", "numba")
    roofs = f"{top:.0f} GFLOP/s on registers alone, {bandwidth:.0f} GB/s through memory"
    text = "\n\n".join(table(f"GFLOP/s: {title}", found, top) for title, found in all_rates.items())
    text = f"{text}\n\n{where} {roofs[0].upper() + roofs[1:]}."
    print(text)
    if not write:
        return
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    record = {"machine": where, "peak GFLOP/s": top, "copy GB/s": bandwidth, "GFLOP/s": all_rates}
    (results / "ladder.json").write_text(json.dumps(record, indent=1) + "\n")
    draw(all_rates, top, results / "ladder.png")
    bytes_moved = {
        title: 4 * (np.prod(a) + np.prod(b) + np.prod(a[:-1]) * b[-1])
        for title, (a, b) in zip(ladders, (CONVOLUTION, DENSE), strict=True)
    }
    points = {}
    for title, found in all_rates.items():
        for name, by in found.items():
            flops = ladders[title][name][0].flops
            if "loops" not in name:
                points[f"{title.split(',')[0]}, {name.split(' (')[0].strip('`')}"] = (
                    flops / bytes_moved[title], by["forward"],
                )  # fmt: skip
    draw_roofline(points, top, bandwidth, results / "roofline.png")
    for file in (HERE / "README.md", HERE.parent / "minicnn" / "ops" / "README.md"):
        machine.put(file, "ladder", text)


if __name__ == "__main__":
    main()
