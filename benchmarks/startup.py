"""How long does it take from the start of the process to the end of the first training step?

    python benchmarks/startup.py [--rounds 5]

Each measurement is a separate process that imports the library, builds the fashion network and takes one training step.
minicnn runs three times with an empty folder of compiled kernels (cold). Then it takes turns with Keras on TensorFlow
and PyTorch, with a full folder (warm). SciPy is hidden from all libraries. None of them needs it, but Numba imports
SciPy if it is installed, and one row shows how long minicnn then takes. Writes benchmarks/results/startup.json and the
table in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
KERAS_LIKE = (
    "from contestant_keras import KerasLike; c = KerasLike({!r}, 'fashion'); c.model.train_on_batch(*c.first_batch())"
)
TORCH = (
    "from contestant_torch import Torch; c = Torch('torch', 'fashion'); c._step(c.model, c.optimizer, *c.first_batch())"
)
HIDDEN = "import sys; sys.modules['scipy'] = None; "
PROGRAMS = {
    "import numba": HIDDEN + "import numba",
    "import minicnn": HIDDEN + "import minicnn",
    "minicnn": HIDDEN + KERAS_LIKE.format("minicnn"),
    "minicnn, SciPy installed": KERAS_LIKE.format("minicnn"),
    "keras": HIDDEN + KERAS_LIKE.format("keras"),
    "torch": HIDDEN + TORCH,
}


def seconds(program, cache):
    environment = {
        **os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
        "MINICNN_CACHE_DIR": cache,
    }  # fmt: skip
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=HERE, env=environment, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    times = {"minicnn, cold": [], **{name: [] for name in PROGRAMS}}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(3):
            times["minicnn, cold"].append(seconds(PROGRAMS["minicnn"], f"{folder}/{run}"))
        for _ in range(rounds):
            for name, program in PROGRAMS.items():
                times[name].append(seconds(program, f"{folder}/0"))
    medians = {name: statistics.median(t) for name, t in times.items()}
    lines = ["| | seconds | times minicnn's |", "|---|---|---|"]
    lines += [f"| {name} | {value:.1f} | {value / medians['minicnn']:.1f} |" for name, value in medians.items()]
    where = machine.described("numpy", "numba", "tensorflow_cpu", "keras", "torch")
    text = "\n".join([*lines, "", where])
    print(text)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "startup.json").write_text(json.dumps({"machine": where, "seconds": medians}, indent=1) + "\n")
    machine.put(HERE / "README.md", "startup", text)


if __name__ == "__main__":
    main()
