"""Do Keras programs reach the same accuracy on minicnn as on Keras? Runs the same files with both libraries.

    python benchmarks/programs.py FOLDER [--epochs mnist_cnn=5 cifar10_cnn=5] [--programs fashion_cnn ...]

FOLDER holds programs that take the library from the environment variable KERAS and print lines "RESULT name
test_accuracy=0.9". Each program runs once for every seed and library, in a separate process and folder, with the seed
set first and the data of MINICNN_DATA. The environment variable EPOCHS shortens a program for both libraries. The table
in benchmarks/README.md shows mean accuracies and median minutes of the programs that have finished. Every result goes
into benchmarks/results/programs.json. A result already in this file is kept if its epochs are the same, together with
its machine. Exits with an error if a program's mean is more than 0.005 (0.01 for CIFAR-10) below Keras's. mnist_fcl
also trains for one epoch with each of two other optimizers; these results are shown but not judged, because they depend
on the initial weights.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
LIBRARIES = ("minicnn", "tensorflow.keras")
SEEDS = (0, 1, 2)
PROGRAMS = {  # {name: (file, environment variables that choose a part of it)}
    "fashion_cnn": ("fashion_cnn.py", {}),
    "mnist_fcl": ("mnist_fcl.py", {}),
    "feature_maps": ("feature_maps.py", {}),
    **{f"mnist_{model}": ("mnist_dense_and_cnn.py", {"MODELS": model}) for model in ("dense", "cnn", "l2")},
    "cifar10_cnn": ("cifar10_cnn.py", {}),
}
ALLOWED = {"cifar10_cnn": 0.01}  # for other programs 0.005
SEEDED = """
import importlib, os, runpy, sys, minicnn
keras = importlib.import_module(os.environ["KERAS"])
for name in ("fashion_mnist", "mnist", "cifar10"):  # both read the same files
    getattr(keras.datasets, name).load_data = getattr(minicnn.datasets, name).load_data
keras.utils.set_random_seed({seed})
sys.path.insert(0, {folder!r})
runpy.run_path({file!r}, run_name="__main__")
"""


def run(folder, program, library, seed, epochs):
    """{"accuracies": {name: test accuracy}, "minutes"} of one run. Exits if the program fails."""
    file, chosen = PROGRAMS[program]
    code = SEEDED.format(seed=seed, folder=str(folder), file=str(folder / file))
    environment = {
        **os.environ, "KERAS": library, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "", **chosen, **({"EPOCHS": str(epochs)} if epochs else {}),
    }  # fmt: skip
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=place, env=environment
        )
    if result.returncode:
        sys.exit(f"{program} with {library} failed:\n{result.stderr[-2000:]}")
    found = re.findall(r"^RESULT (\w+).*test_accuracy=([\d.]+)", result.stdout, re.MULTILINE)
    minutes = (time.perf_counter() - started) / 60
    return {"accuracies": {name: float(accuracy) for name, accuracy in found}, "minutes": minutes}


def table(results):
    """Mean accuracies and median minutes as a Markdown table, with a row for every RESULT line of a program."""
    lines = ["| program | epochs | minicnn | Keras | minutes, minicnn | Keras |", "|---|---|---|---|---|---|"]
    for of_program in finished(results).values():
        runs = {library: list(of_program["runs"][library].values()) for library in LIBRARIES}
        minutes = [f"{statistics.median(run['minutes'] for run in runs[library]):.1f}" for library in LIBRARIES]
        for name in runs["minicnn"][0]["accuracies"]:
            means = [f"{mean_accuracy(runs[library], name):.4f}" for library in LIBRARIES]
            lines.append(f"| {name} | {of_program['epochs'] or 'all'} | {' | '.join([*means, *minutes])} |")
            minutes = ["", ""]
    return "\n".join(lines)


def finished(results):
    """The results of the programs that have run with every seed and library, in the order of PROGRAMS."""
    done = {n for n, of in results.items() if all(len(of["runs"][library]) == len(SEEDS) for library in LIBRARIES)}
    return {name: results[name] for name in PROGRAMS if name in done}


def mean_accuracy(runs, name):
    return statistics.mean(run["accuracies"][name] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    parser.add_argument("--epochs", nargs="+", default=[], help="program=epochs, for programs that take too long")
    arguments = parser.parse_args()
    shorter = {name: int(epochs) for name, epochs in (entry.split("=") for entry in arguments.epochs)}
    described = machine.described("numpy", "numba", "tensorflow_cpu", "keras")
    file = HERE / "results" / "programs.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    worse = []
    for program in arguments.programs:
        epochs = shorter.get(program)
        if results.get(program, {}).get("epochs", "other") != epochs:
            results[program] = {"epochs": epochs, "machine": described, "runs": {lib: {} for lib in LIBRARIES}}
        runs = results[program]["runs"]
        for seed in SEEDS:
            for library in LIBRARIES:
                if str(seed) not in runs[library]:
                    runs[library][str(seed)] = run(arguments.folder.resolve(), program, library, seed, epochs)
                    print(f"{program}, {library}, seed {seed}: {runs[library][str(seed)]}", flush=True)
                    file.write_text(json.dumps(results, indent=1) + "\n")
        ours, theirs = (mean_accuracy(runs[library].values(), program) for library in LIBRARIES)
        if ours < theirs - ALLOWED.get(program, 0.005):
            worse.append(f"{program}: {ours:.4f}, Keras {theirs:.4f}")
    machines = dict.fromkeys(of_program["machine"] for of_program in finished(results).values())
    text = "\n\n".join([table(results), *machines])
    print(f"\n{text}")
    machine.put(HERE / "README.md", "programs", text)
    if worse:
        sys.exit("minicnn is less accurate than Keras: " + "; ".join(worse))


if __name__ == "__main__":
    main()
