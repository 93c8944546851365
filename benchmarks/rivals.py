"""Is minicnn faster than TensorFlow and PyTorch on this CPU? Measures training and prediction of five networks.

    pip install -e ".[bench]" torch==2.13.0          (a CPU build)
    python benchmarks/rivals.py [--networks fashion mlp ...] [--rounds 7]

For each network every library runs in a separate process. First the libraries must agree: from the same weights, they
must compute the same logits, and the same losses in three training steps. Then they take turns, round after round, so
that a slow moment of the machine affects all of them. While one works, the others sleep. The table shows medians, and
how many times as long as minicnn the fastest rival takes. The table goes into benchmarks/README.md, and all results go
into benchmarks/results/rivals.json and rivals.png.
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
import numpy as np
from contestants import LIBRARIES
from models import WORKLOADS

HERE = Path(__file__).resolve().parent
BARS = {  # the aims: how many times as fast as the fastest rival minicnn should be: (training, prediction)
    "fashion": (2.0, 1.3), "mlp": (1.5, 1.3), "mnistcnn": (2.0, 1.3), "cifar": (1.3, 1.1), "catdog": (1.8, 1.3),
}  # fmt: skip
TASKS = ("train", "predict")


class Process:
    """A contestant in a separate process."""

    script = HERE / "contestants.py"

    def __init__(self, library, name):
        self.process = subprocess.Popen(
            [sys.executable, self.script, library, name],
            env=self.environment(library), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def environment(self, library):
        """The environment variables of a library's process."""
        return {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args[2:]} stopped at {command!r}")
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def agree(answers):
    """The largest difference of logits and of losses between minicnn and each library.

    The program exits if a difference is too large for rounding.
    """
    ours, worst = answers["minicnn"], {}
    for library, theirs in answers.items():
        logits = np.abs(np.subtract(ours["logits"], theirs["logits"])).max()
        losses = np.abs(np.subtract(ours["losses"], theirs["losses"])).max()
        worst[library] = {"logits": float(logits), "losses": float(losses)}
        # Adam divides tiny gradients by their own size, so rounding changes the losses more than the logits.
        if not (logits < 1e-3 and losses < 1e-2 * max(1, *ours["losses"])):
            sys.exit(f"{library} and minicnn compute different results; largest differences: {worst[library]}")
    return worst


def measure(name, libraries, rounds, process=Process):
    """The times of one network: {library: {task: [ms, ...], "memory": MB}}."""
    processes = {library: process(library, name) for library in libraries}
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/weights.npz"
        processes["minicnn"].ask(f"save {file}")
        for process in processes.values():
            process.ask(f"load {file}")
    differences = agree({library: process.ask("check") for library, process in processes.items()})
    results = {library: {**{task: [] for task in TASKS}, "differences": differences[library]} for library in libraries}
    for round_ in range(-1, rounds):  # the first round warms up
        for task in TASKS:
            for library, process in processes.items():
                time.sleep(0.05)  # wait until the last library's threads sleep
                took = process.ask(task)
                if round_ >= 0:
                    results[library][task].append(took)
    for library, process in processes.items():
        results[library]["memory"] = process.ask("memory")
        process.end()
    return results


def summary(results):
    """{task: (minicnn's ms, the fastest rival, its ms, ratio)} of one network."""
    found = {}
    for task in TASKS:
        medians = {library: statistics.median(result[task]) for library, result in results.items()}
        ours = medians.pop("minicnn")
        rival = min(medians, key=medians.get)
        found[task] = (ours, rival, medians[rival], medians[rival] / ours)
    return found


def table(all_results):
    """The results as a Markdown table."""
    lines = [
        "| network | task | minicnn, ms | fastest rival, ms | which | rival / minicnn | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, results in all_results.items():
        for task, bar in zip(TASKS, BARS[name], strict=True):
            ours, rival, theirs, ratio = summary(results)[task]
            lines.append(
                f"| {name} | {task} | {ours:.2f} | {theirs:.2f} | {LIBRARIES[rival]} | **{ratio:.2f}** | {bar} |"
            )
    return "\n".join(lines)


def plot(all_results, file):
    """Draw bars: how many times as long as minicnn each library takes."""
    from matplotlib.figure import Figure

    figure = Figure((11, 7), layout="constrained")
    for axes, task in zip(figure.subplots(2, 1), TASKS, strict=True):
        for i, library in enumerate(LIBRARIES):
            places, heights = [], []
            for j, results in enumerate(all_results.values()):
                if library in results:
                    places.append(j + (i - len(LIBRARIES) / 2 + 0.5) * 0.14)
                    heights.append(
                        statistics.median(results[library][task]) / statistics.median(results["minicnn"][task])
                    )
            axes.bar(places, heights, 0.13, label=LIBRARIES[library])
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_xticks(range(len(all_results)), all_results)
        axes.set_ylabel("time / minicnn's time")
        axes.set_title({"train": "One training step", "predict": "Prediction, four times the batch"}[task])
    axes.legend(fontsize=8, ncols=2)
    figure.savefig(file, dpi=120)


def stored(where):
    """The results of an earlier run on the same machine and versions. They stay for networks not measured now."""
    file = HERE / "results" / "rivals.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    return earlier["ms"] if earlier.get("machine") == where else {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-save", action="store_true", help="print the table, leave benchmarks/results as it is")
    arguments = parser.parse_args()
    libraries = ["minicnn", *(library for library in arguments.libraries if library != "minicnn")]
    where = machine.described("numpy", "numba", "tensorflow_cpu", "keras", "torch")
    all_results = stored(where)
    for name in arguments.networks:
        all_results[name] = measure(name, libraries, arguments.rounds)
        for library, result in all_results[name].items():
            medians = ", ".join(f"{task} {statistics.median(result[task]):.2f} ms" for task in TASKS)
            print(f"{name}: {LIBRARIES[library]}: {medians}, peak {result['memory']:.0f} MB", flush=True)
    all_results = {name: all_results[name] for name in WORKLOADS if name in all_results}
    text = f"{table(all_results)}\n\n{where}"
    print(f"\n{text}")
    if not arguments.no_save:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "rivals.json").write_text(
            json.dumps({"machine": where, "ms": all_results}, indent=1) + "\n"
        )
        plot(all_results, HERE / "results" / "rivals.png")
        machine.put(HERE / "README.md", "rivals", text)


if __name__ == "__main__":
    main()
