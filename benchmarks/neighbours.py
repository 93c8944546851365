"""How much slower does training become while other programs keep cores busy?

    python benchmarks/neighbours.py [--networks mlp fashion] [--rounds 7] [--no-save]

The libraries of `rivals.py` take turns, as there: alone, then beside one endless loop, then beside two. A turn is a
shuffled epoch. Every turn follows a short pause, so a library meets the busy machine again each time. Writes
benchmarks/results/neighbours.json and the table in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager

import machine
from contestants import LIBRARIES, missing
from rivals import HERE, PACKAGES, Process, installed

MOST_LOOPS = 2
CONTESTANTS = ("minicnn", "keras", "torch-channels-last")


@contextmanager
def busy_loop():
    """A process that computes without end."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(name, libraries, rounds):
    """{library: [ms of a training step beside 0, 1, 2 busy loops]}: medians of the rounds."""
    processes = {library: Process(library, name) for library in libraries}
    with tempfile.TemporaryDirectory() as folder:
        processes["minicnn"].ask(f"save {folder}/weights.npz")
        for process in processes.values():
            process.ask(f"load {folder}/weights.npz")
    times = {library: [] for library in libraries}
    for loops in range(MOST_LOOPS + 1):
        turns = {library: [] for library in libraries}
        with ExitStack() as stack:
            for _ in range(loops):
                stack.enter_context(busy_loop())
            for round_ in range(-1, rounds):  # the first round warms up
                for library, process in processes.items():
                    time.sleep(0.05)
                    took = process.ask("train")
                    if round_ >= 0:
                        turns[library].append(took)
        for library in libraries:
            times[library].append(statistics.median(turns[library]))
    for process in processes.values():
        process.end()
    return times


def table(results):
    loops = ["alone, ms", *(f"beside {n} busy loop{'s' * (n > 1)}, ms" for n in range(1, MOST_LOOPS + 1))]
    lines = [f"| network | library | {' | '.join(loops)} |", "|---|---|" + "---|" * len(loops)]
    for name, times in results.items():
        for library, (alone, *beside) in times.items():
            cells = [f"{alone:.2f}", *(f"{ms:.2f} ({ms / alone:.1f} times)" for ms in beside)]
            lines.append(f"| {name} | {LIBRARIES[library].label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["mlp", "fashion", "cifar"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-save", action="store_true", help="print the table, leave benchmarks/results as it is")
    arguments = parser.parse_args()
    libraries = [library for library in CONTESTANTS if not missing(library)]
    results = {name: measure(name, libraries, arguments.rounds) for name in arguments.networks}
    where = machine.described(*filter(installed, PACKAGES[:5]))
    text = f"{table(results)}\n\n{where}"
    print(text)
    if not arguments.no_save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "neighbours.json").write_text(
            json.dumps({"machine": where, "ms": results}, indent=1) + "\n"
        )
        machine.put(HERE / "README.md", "neighbours", text)


if __name__ == "__main__":
    main()
