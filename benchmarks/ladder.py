"""What does each step from the definition to the fastest kernel bring? The products, rung by rung.

    python benchmarks/ladder.py

Every rung first has to agree with the NumPy one. Then all take turns; the table shows each one's median: billions of
operations of the definition (a multiply-add is two) per second, and that as a share of what the machine's cores can do
on registers alone. Winograd's convolution may pass 100 %: it does the same job with fewer multiplications. Writes
benchmarks/results/ladder.json, ladder.png, roofline.png, and the tables in README.md and minicnn/ops/README.md.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import time
from pathlib import Path
from unittest import mock

import machine
import numpy as np
import peak

from minicnn.kernels import workspace
from minicnn.ops.conv2d import cpu as conv2d_cpu
from minicnn.ops.conv2d import loops as conv2d_loops
from minicnn.ops.conv2d import vectorized as conv2d_numpy
from minicnn.ops.conv2d import winograd
from minicnn.ops.dense import cpu as dense_cpu
from minicnn.ops.dense import vectorized as dense_numpy

HERE = Path(__file__).resolve().parent
ROUNDS = 15
CONVOLUTION = ((32, 28, 28, 32), (3, 3, 32, 64))
DENSE = ((32, 3136), (3136, 100))
FEW = 1  # images that the loops in Python are timed on


def convolution(variant, direct=False, images=None):
    """{what: function} of one variant: forward, input gradient, kernel gradient, each with its operations."""
    x_shape, w_shape = CONVOLUTION
    N = images or x_shape[0]
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x_shape, np.float32)[:N], rng.standard_normal(w_shape, np.float32)
    b, (_, H, W, C), (KH, KW, _, F) = np.zeros(w_shape[3], np.float32), x_shape, w_shape
    dy = rng.standard_normal((x_shape[0], H, W, F), np.float32)[:N]
    way = mock.patch.object(winograd, "suits", return_value=False) if direct else contextlib.nullcontext()

    def forward():
        with way, workspace.step():
            return variant.forward(x, w, b, padding="same")[0].copy()

    def backward(need_dx):
        def run():
            with way, workspace.step():
                _, saved = variant.forward(x, w, b, padding="same")
                started = time.perf_counter()
                gradients = variant.backward(dy, saved, need_dx)
                run.seconds = time.perf_counter() - started
                return gradients[0 if need_dx else 1].copy()

        return run

    return {"forward": forward, "dw": backward(False), "dx and dw": backward(True)}, 2 * N * H * W * KH * KW * C * F


def dense(variant):
    """The same for the dense layer."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in DENSE)
    (N, K), F = x.shape, w.shape[1]
    b, dy = np.zeros(F, np.float32), rng.standard_normal((N, F), np.float32)

    def forward():
        with workspace.step():
            return variant.forward(x, w, b)[0].copy()

    def backward(need_dx):
        def run():
            with workspace.step():
                _, saved = variant.forward(x, w, b)
                started = time.perf_counter()
                gradients = variant.backward(dy, saved, need_dx)
                run.seconds = time.perf_counter() - started
                return gradients[0 if need_dx else 1].copy()

        return run

    return {"forward": forward, "dw": backward(False), "dx and dw": backward(True)}, 2 * N * K * F


def seconds(run):
    started = time.perf_counter()
    run()
    whole = time.perf_counter() - started
    return getattr(run, "seconds", whole)


def climb(rungs, reference):
    """Median seconds of every rung: {rung: {what: seconds}}; an error where one computes something else."""
    expected = {what: run() for what, run in rungs[reference][0].items()}
    for name, (runs, _) in rungs.items():
        for what, run in runs.items():
            found = run()
            if len(found) == len(expected[what]):
                error = np.abs(found - expected[what]).max() / np.abs(expected[what]).max()
                assert error < 1e-4, f"{name}, {what}: off by {error:.1e}"
    times = {name: {what: [] for what in runs} for name, (runs, _) in rungs.items()}
    for _ in range(ROUNDS):
        for name, (runs, _) in rungs.items():
            for what, run in runs.items():
                if "loops" not in name or not times[name][what]:
                    times[name][what].append(seconds(run))
    return {name: {what: statistics.median(t) for what, t in by.items()} for name, by in times.items()}


def rates(times, rungs):
    """GFLOP/s of forward, input gradient (what dx costs on top of dw) and kernel gradient."""
    found = {}
    for name, by in times.items():
        flops = rungs[name][1] / 1e9
        dx = max(by["dx and dw"] - by["dw"], 1e-9)
        found[name] = {"forward": flops / by["forward"], "dx": flops / dx, "dw": flops / by["dw"]}
    return found


def table(title, found, top):
    lines = [f"| {title} | forward | dx | dw |", "|---|---|---|---|"]
    for name, by in found.items():
        cells = [f"{by[what]:.3g} ({by[what] / top:.0%})" for what in ("forward", "dx", "dw")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def put(file, text):
    """Replace what stands between the two ladder marks of a file."""
    marks = "<!-- ladder: made by benchmarks/ladder.py -->", "<!-- end of ladder -->"
    content = file.read_text()
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    assert pattern.search(content), f"{file} has no place for the ladder: it needs the lines {marks}"
    file.write_text(pattern.sub(lambda _: f"{marks[0]}\n{text}\n{marks[1]}", content))


def draw(all_rates, top, file):
    """Bars, one group a rung, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure((11, 4), layout="constrained")
    for axes, (title, found) in zip(figure.subplots(1, len(all_rates)), all_rates.items(), strict=True):
        for i, what in enumerate(("forward", "dx", "dw")):
            places = [j + (i - 1) * 0.26 for j in range(len(found))]
            axes.bar(places, [by[what] for by in found.values()], 0.25, label=what)
        axes.axhline(top, color="black", linewidth=0.8)
        axes.text(-0.4, top * 1.1, "all multiply-adds that the cores can do", fontsize=8)
        axes.set_yscale("log")
        axes.set_ylim(top=top * 4)
        axes.set_xticks(range(len(found)), [name.split(" (")[0] for name in found], fontsize=8)
        axes.set_ylabel("GFLOP/s")
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8)
    figure.savefig(file, dpi=120)


def draw_roofline(points, top, bandwidth, file):
    """GFLOP/s over operations per byte that has to pass through memory, under the two roofs."""
    from matplotlib.figure import Figure

    figure = Figure((7, 4.5), layout="constrained")
    axes = figure.subplots()
    intensity = np.geomspace(0.25, 1000, 200)
    axes.loglog(intensity, np.minimum(top, bandwidth * intensity), color="black")
    for name, (x, y) in points.items():
        axes.plot(x, y, "o")
        axes.annotate(name, (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8)
    axes.set_xlabel("operations per byte of input, weights and output")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"Roofs: {top:.0f} GFLOP/s and {bandwidth:.0f} GB/s")
    figure.savefig(file, dpi=120)


def main():
    ladders = {
        "convolution, 3x3, 32 to 64 channels": {
            "`loops.py` (Python)": convolution(conv2d_loops, images=FEW),
            "`vectorized.py` (im2col, NumPy)": convolution(conv2d_numpy),
            "`cpu.py` (implicit im2col, register tiles)": convolution(conv2d_cpu, direct=True),
            "`winograd.py` (fewer multiplications)": convolution(conv2d_cpu),
        },
        "dense, 3136 to 100": {
            "`vectorized.py` (NumPy)": dense(dense_numpy),
            "`cpu.py` (packed panels, register tiles)": dense(dense_cpu),
        },
    }
    top, bandwidth = peak.gflops(), peak.gigabytes()
    all_rates, times = {}, {}
    for title, rungs in ladders.items():
        times[title] = climb(rungs, next(name for name in rungs if "vectorized" in name))
        all_rates[title] = rates(times[title], rungs)
    where = machine.described("numpy", "numba")
    roofs = f"{top:.0f} GFLOP/s on registers alone, {bandwidth:.0f} GB/s through memory"
    text = "\n\n".join(table(f"GFLOP/s: {title}", found, top) for title, found in all_rates.items())
    text = f"{text}\n\n{where} {roofs[0].upper() + roofs[1:]}."
    print(text)
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
            flops = ladders[title][name][1]
            if "loops" not in name:
                points[f"{title.split(',')[0]}, {name.split(' (')[0].strip('`')}"] = (
                    flops / bytes_moved[title], by["forward"],
                )  # fmt: skip
    draw_roofline(points, top, bandwidth, results / "roofline.png")
    for file in (HERE.parent / "README.md", HERE.parent / "minicnn" / "ops" / "README.md"):
        put(file, text)


if __name__ == "__main__":
    main()
