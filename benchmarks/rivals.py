"""Is minicnn faster than other libraries on this CPU? Measures training, prediction, and calls on one image.

    pip install -e ".[bench]" torch==2.13.0          (a CPU build)
    python benchmarks/rivals.py [--networks fashion mlp ...] [--tasks train predict one] [--rounds 7]

For each network every library runs in a separate process. First the libraries must agree: from the same weights, they
must compute the same logits, and the same losses in three training steps. Then they take turns, round after round, so
that a slow moment of the machine affects all of them. While one works, the others sleep. Engines that cannot train take
part in predictions only. A library that is not installed is left out.

The table shows medians, for one image also the 99th percentile of the calls, and how many times as long as minicnn the
fastest rival takes. The table goes into benchmarks/README.md, and all results go into benchmarks/results/rivals.json
and rivals.png.
"""

from __future__ import annotations

import argparse
import importlib.metadata
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
from contestants import LIBRARIES, TASKS, THREADS, missing
from models import WORKLOADS

HERE = Path(__file__).resolve().parent
AIMS = {"train": (1.1, 1.9), "predict": (0.95, 1.25), "one": (0.6, 1.0)}
"""How many times as long as minicnn the fastest rival should take: (at least, on average)."""
TITLES = {"train": "One training step", "predict": "Prediction, four times the batch", "one": "One image"}
ROUNDS_OF_ONE = 5  # 200 calls in each are 1,000
PACKAGES = (
    "numpy", "numba", "tensorflow_cpu", "keras", "torch", "jax", "onnxruntime", "openvino", "ai_edge_litert",
)  # fmt: skip


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
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        # JAX takes its number of threads from here; the other libraries are told in their own words.
        threads = {"PJRT_NPROC": str(THREADS)}
        return {**os.environ, **quiet, **threads, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}

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
    """The largest differences of logits (divided by the largest logit) and of losses, between minicnn and each library.

    The program exits if a difference is too large for rounding.
    """
    ours, worst = answers["minicnn"], {}
    for library, theirs in answers.items():
        found = {
            "logits": float(
                np.abs(np.subtract(ours["logits"], theirs["logits"])).max() / np.max(np.abs(ours["logits"]))
            )
        }
        # Adam divides tiny gradients by their own size, so rounding changes the losses more than the logits.
        allowed = {"logits": 1e-3, "losses": 1e-2 * max(1, *ours["losses"])}
        if "losses" in theirs:
            found["losses"] = difference(ours["losses"], theirs["losses"])
        if not all(found[what] < allowed[what] for what in found):
            sys.exit(f"{library} and minicnn compute different results; largest differences: {found}")
        worst[library] = found
    return worst


def difference(a, b):
    return float(np.abs(np.subtract(a, b)).max())


def measure(name, plan, rounds, process=Process):
    """The times of one network, for a plan {library: its tasks}: {library: {task: [ms, ...], "memory": MB}}.

    For the task "one": {"one": [the median], "one, 99 %": the 99th percentile}.
    """
    processes = {library: process(library, name) for library in plan}
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/weights.npz"
        processes["minicnn"].ask(f"save {file}")
        for process in processes.values():
            process.ask(f"load {file}")
    differences = agree({library: process.ask("check") for library, process in processes.items()})
    results = {library: {task: [] for task in tasks} for library, tasks in plan.items()}
    for round_ in range(-1, rounds):  # the first round warms up
        for task in TASKS[: 2 if round_ >= ROUNDS_OF_ONE else 3]:
            for library in (library for library, tasks in plan.items() if task in tasks):
                time.sleep(0.05)  # wait until the last library's threads sleep
                took = processes[library].ask(task)
                if round_ >= 0:
                    results[library][task] += took if task == "one" else [took]
    for library, process in processes.items():
        found = results[library]
        if found.get("one"):
            found["one, 99 %"], found["one"] = np.percentile(found["one"], 99), [statistics.median(found["one"])]
        found.update(differences=differences[library], memory=process.ask("memory"))
        process.end()
    return results


def summary(results):
    """{task: (the fastest rival, its ms / minicnn's)} of one network."""
    found = {}
    for task in TASKS:
        medians = {library: statistics.median(result[task]) for library, result in results.items() if result.get(task)}
        ours = medians.pop("minicnn", None)
        if medians:
            rival = min(medians, key=medians.get)
            found[task] = rival, medians[rival] / ours
    return found


def table(all_results):
    """The results as a Markdown table."""
    lines = [
        "| network | task | minicnn, ms | fastest rival, ms | which | rival / minicnn |",
        "|---|---|---|---|---|---|",
    ]
    for name, results in all_results.items():
        for task, (rival, ratio) in summary(results).items():
            ours, theirs = (shown(results[library], task) for library in ("minicnn", rival))
            lines.append(f"| {name} | {task} | {ours} | {theirs} | {LIBRARIES[rival].label} | **{ratio:.2f}** |")
    return "\n".join(lines)


def shown(result, task):
    """The median in milliseconds; of one image also the 99th percentile."""
    median = statistics.median(result[task])
    return f"{median:.3f} (99 %: {result['one, 99 %']:.3f})" if task == "one" else f"{median:.2f}"


def totals(all_results):
    """A Markdown table: for each task the worst ratio and the geometric mean of all networks, beside the aims."""
    lines = ["| task | rival / minicnn at worst | aim | on average | aim | networks |", "|---|---|---|---|---|---|"]
    for task, (least, mean) in AIMS.items():
        found = {name: summary(results)[task][1] for name, results in all_results.items() if task in summary(results)}
        if found:
            worst, average = min(found, key=found.get), statistics.geometric_mean(found.values())
            lines.append(f"| {task} | {found[worst]:.2f} ({worst}) | {least} | {average:.2f} | {mean} | {len(found)} |")
    return "\n".join(lines)


def plot(all_results, file):
    """Draw bars: how many times as long as minicnn each library takes."""
    from matplotlib.figure import Figure

    figure = Figure((16, 12), layout="constrained")
    measured = [library for library in LIBRARIES if any(library in results for results in all_results.values())]
    width = 0.9 / len(measured)
    for axes, task in zip(figure.subplots(len(TASKS), 1), TASKS, strict=True):
        for i, library in enumerate(measured):
            places, heights = [], []
            for j, results in enumerate(all_results.values()):
                if results.get(library, {}).get(task):
                    ours, theirs = (statistics.median(results[which][task]) for which in ("minicnn", library))
                    places.append(j + (i - len(measured) / 2 + 0.5) * width)
                    heights.append(theirs / ours)
            axes.bar(places, heights, width, color=f"C{i}", label=LIBRARIES[library].label)
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_xticks(range(len(all_results)), all_results)
        axes.set_yscale("log")
        axes.set_ylabel("time / minicnn's time")
        axes.set_title(TITLES[task])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(file, dpi=120)


def stored(where):
    """The results of an earlier run on the same machine and versions. They stay for what is not measured now."""
    file = HERE / "results" / "rivals.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    return earlier["ms"] if earlier.get("machine") == where else {}


def planned(libraries, tasks):
    """{library: the tasks that it takes part in}. Prints which libraries are left out."""
    plan = {}
    for library in ["minicnn", *(library for library in libraries if library != "minicnn")]:
        absent = missing(library)
        if absent:
            print(f"{LIBRARIES[library].label} is left out: not installed is {', '.join(absent)}.")
        elif set(tasks) & set(LIBRARIES[library].tasks):
            plan[library] = [task for task in tasks if task in LIBRARIES[library].tasks]
    return plan


def installed(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-save", action="store_true", help="print the table, leave benchmarks/results as it is")
    arguments = parser.parse_args()
    plan = planned(arguments.libraries, arguments.tasks)
    where = machine.described(*filter(installed, PACKAGES))
    all_results = {} if arguments.no_save else stored(where)
    for name in arguments.networks:
        found, kept = measure(name, plan, arguments.rounds), all_results.setdefault(name, {})
        for library, result in found.items():
            kept[library] = {**kept.get(library, {}), **result}
            medians = ", ".join(f"{task} {shown(result, task)} ms" for task in plan[library])
            print(f"{name}: {LIBRARIES[library].label}: {medians}, peak {result['memory']:.0f} MB", flush=True)
    all_results = {name: all_results[name] for name in WORKLOADS if name in all_results}
    text = f"{table(all_results)}\n\n{totals(all_results)}\n\n{where}"
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
