"""How fast are images prepared for the network, and how fast do known networks run, compared with Keras on TensorFlow?

    pip install -e ".[bench]" scipy                        (Keras's ImageDataGenerator needs SciPy)
    python benchmarks/pictures.py [--data FOLDER] [--rounds 5] [--parts generator dataset epoch vgg16 frozen]

FOLDER holds train/ with a folder for each class; by default it is MINICNN_DATA/cats_and_dogs. The libraries take turns,
and the results are medians. The parts:

    generator   augmented images of 224 x 224 per second, on one thread and as `fit` reads them
    dataset     images per second of image_dataset_from_directory
    epoch       seconds of an epoch of the catdog network of models.py, on images from files and from memory
    vgg16       the forward pass of VGG16
    frozen      training steps of VGG16 below a top: all weights trained, and only the top's

Peak memory is measured in a separate process each time. Writes benchmarks/results/pictures.json and the table in
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import machine
import numpy as np
from contestants import peak_memory
from models import keras_model

HERE = Path(__file__).resolve().parent
SIDE, BATCH = 224, 32
OPTIONS = {"rescale": 1 / 255, "rotation_range": 35, "zoom_range": 0.2, "horizontal_flip": True}
FLOW = {"target_size": (SIDE, SIDE), "batch_size": BATCH, "class_mode": "binary", "seed": 1}


def keras():
    """Keras on TensorFlow, on the CPU."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    return importlib.import_module("tensorflow.keras")


def in_turns(rounds, **works):
    """{name: median seconds} of functions that are called in turns, `rounds` times each."""
    seconds = {name: [] for name in works}
    for work in works.values():
        work()  # compile, and fill caches
    for _ in range(rounds):
        for name, work in works.items():
            time.sleep(0.1)  # wait until the other library's threads sleep
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in seconds.items()}


def flow(generator, folder, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return generator.flow_from_directory(str(folder / "train"), **{**FLOW, **options})


def generator(folder, rounds):
    """Images per second of ImageDataGenerator, of both libraries with the same options."""
    from minicnn.preprocessing.image import ImageDataGenerator

    keras()
    legacy = importlib.import_module("keras.src.legacy.preprocessing.image")
    ours, theirs = (flow(made(**OPTIONS), folder) for made in (ImageDataGenerator, legacy.ImageDataGenerator))
    several = 16  # batches

    def as_fit_reads():
        with ThreadPoolExecutor(ours.workers) as threads:
            for _ in threads.map(ours.__getitem__, range(several)):
                pass

    seconds = in_turns(rounds, minicnn=lambda: next(ours), keras=lambda: next(theirs), threads=as_fit_reads)
    return {
        "minicnn, one thread": BATCH / seconds["minicnn"],
        "minicnn, as fit reads": several * BATCH / seconds["threads"],
        "Keras": BATCH / seconds["keras"],
    }


def dataset(folder, rounds):
    """Images per second of image_dataset_from_directory, which only reads and resizes images."""
    import minicnn

    options = {"image_size": (SIDE, SIDE), "batch_size": BATCH, "label_mode": "binary", "verbose": False, "seed": 1}
    ours, theirs = (k.utils.image_dataset_from_directory(str(folder / "train"), **options) for k in (minicnn, keras()))
    count = len(ours.file_paths)

    def whole_pass():
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # as fit reads a PyDataset
            for _ in threads.map(ours.__getitem__, range(len(ours))):
                pass

    seconds = in_turns(max(rounds // 2, 1), minicnn=whole_pass, keras=lambda: [None for _ in theirs])
    return {"minicnn, as fit reads": count / seconds["minicnn"], "Keras": count / seconds["keras"]}


def epoch(folder, rounds):
    """Seconds of an epoch of catdog on 512 images from files, and on the same images from memory."""
    import minicnn
    from minicnn.preprocessing.image import ImageDataGenerator

    files = flow(ImageDataGenerator(rescale=1 / 255), folder)
    files.n = 512
    files.on_epoch_end()
    x, y = (np.concatenate(parts) for parts in zip(*(files[i] for i in range(len(files))), strict=True))
    model = keras_model(minicnn, "catdog")
    loss = minicnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return in_turns(
        max(rounds // 2, 1),
        files=lambda: model.fit(files, verbose=0),
        memory=lambda: model.fit(x, y, batch_size=BATCH, verbose=0),
    )


def vgg16(folder, rounds):
    """Milliseconds of a forward pass of VGG16 for 8 images."""
    import minicnn

    x = np.random.default_rng(0).normal(size=(8, SIDE, SIDE, 3)).astype(np.float32)
    networks = {"minicnn": minicnn, "Keras": keras()}
    works = {}
    for name, k in networks.items():
        network = k.applications.vgg16.VGG16(weights=None)
        works[name] = lambda network=network: network.predict_on_batch(x)
    return {name: 1e3 * seconds for name, seconds in in_turns(rounds, **works).items()}


def vgg16_memory(library):
    """The peak memory of a few forward passes of VGG16, in megabytes. Runs in a separate process."""
    k = importlib.import_module("minicnn") if library == "minicnn" else keras()
    network = k.applications.vgg16.VGG16(weights=None)
    for _ in range(3):
        network.predict_on_batch(np.zeros((8, SIDE, SIDE, 3), np.float32))
    return peak_memory()


def frozen_steps(trained, rounds=3):
    """Milliseconds of a training step and of a prediction for 8 images, and peak memory. Runs in a separate process.

    The network is a VGG16 below a top; trained says whether the VGG16 is "frozen" or "thawed".
    """
    import minicnn as k

    base = k.applications.vgg16.VGG16(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    base.trainable = trained == "thawed"
    model = k.Sequential([base, k.layers.Flatten(), k.layers.Dense(1, activation="sigmoid")])
    model.compile(k.optimizers.SGD(1e-4), "binary_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(8, SIDE, SIDE, 3)).astype(np.float32), np.arange(8) % 2
    seconds = in_turns(int(rounds), step=lambda: model.train_on_batch(x, y), predict=lambda: model.predict_on_batch(x))
    return {"step": 1e3 * seconds["step"], "predict": 1e3 * seconds["predict"], "memory": peak_memory()}


def apart(function, *arguments):
    """The result of a function of this file, called in a separate process."""
    code = f"import json, pictures; print(json.dumps(pictures.{function}(*{arguments!r})))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HERE)
    if result.returncode:
        sys.exit(result.stderr[-2000:])
    return json.loads(result.stdout.splitlines()[-1])


def measured(part, folder, rounds):
    if part == "frozen":
        return {trained: apart("frozen_steps", trained, rounds) for trained in ("thawed", "frozen")}
    found = {"generator": generator, "dataset": dataset, "epoch": epoch, "vgg16": vgg16}[part](folder, rounds)
    if part == "vgg16":
        found["memory"] = {name: apart("vgg16_memory", name) for name in ("minicnn", "Keras")}
    return found


def table(results):
    lines = ["| | minicnn | Keras | ratio |", "|---|---|---|---|"]
    if "generator" in results:
        r = results["generator"]
        for name in ("one thread", "as fit reads"):
            ours = r[f"minicnn, {name}"]
            lines.append(
                f"| augmented pictures a second, {name} | {ours:.0f} | {r['Keras']:.0f} | {ours / r['Keras']:.1f} |"
            )
    if "dataset" in results:
        ours, theirs = results["dataset"].values()
        pace = f"{ours:.0f} | {theirs:.0f} | {ours / theirs:.2f}"
        lines.append(f"| pictures a second of image_dataset_from_directory | {pace} |")
    if "epoch" in results:
        files, memory = results["epoch"].values()
        seconds = f"{files:.1f}, {memory:.1f} | | {files / memory:.2f}"
        lines.append(f"| an epoch of catdog from files, from memory, s | {seconds} |")
    if "vgg16" in results:
        times = dict(results["vgg16"])
        memory = times.pop("memory")
        for name, of in (("VGG16 forward, 8 pictures, ms", times), ("its peak memory, MB", memory)):
            ours, theirs = of.values()
            lines.append(f"| {name} | {ours:.0f} | {theirs:.0f} | {theirs / ours:.2f} |")
    if "frozen" in results:
        for name, of in results["frozen"].items():
            lines.append(
                f"| VGG16 {name} below a top, 8 pictures: step, prediction, ms; peak memory, MB | "
                f"{of['step']:.0f}, {of['predict']:.0f}; {of['memory']:.0f} | | |"
            )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parts = ("generator", "dataset", "epoch", "vgg16", "frozen")
    parser.add_argument("--parts", nargs="+", default=parts, choices=parts)
    arguments = parser.parse_args()
    folder = arguments.data or Path(os.environ.get("MINICNN_DATA", ".")) / "cats_and_dogs"
    file = HERE / "results" / "pictures.json"
    described = machine.described("numpy", "numba", "pillow", "tensorflow_cpu", "keras")
    kept = json.loads(file.read_text()) if file.exists() else {}
    results = kept["results"] if kept.get("machine") == described else {}  # a table holds results of one machine
    for part in arguments.parts:
        results[part] = measured(part, folder, arguments.rounds)
        print(f"{part}: {results[part]}", flush=True)
    file.write_text(json.dumps({"machine": described, "results": results}, indent=1) + "\n")
    text = f"{table(results)}\n{described}"
    print(text)
    machine.put(HERE / "README.md", "pictures", text)


if __name__ == "__main__":
    main()
