"""How fast is the page of `visualize.explore`, and how large?

    python benchmarks/explore.py

Trains the network of `examples/fashion_mnist.py` for three epochs, makes its page and that of the network of
`examples/cifar10.py` (with random weights), and opens both in Chromium through playwright: the medians of 20 passes,
and of 5 openings. Writes benchmarks/results/explore.json, the table in benchmarks/README.md, and the picture of the
page in README.md. It needs the real Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TIMES = """() => {
  const { network, pictures, target } = window.explore, forward = [], backward = [];
  for (let i = 0; i < 20; i++) {
    const began = performance.now(), values = network.forward(pictures);
    const between = performance.now();
    network.backward(values, target);
    forward.push(between - began);
    backward.push(performance.now() - between);
  }
  const median = (times) => times.sort((a, b) => a - b)[10];
  return [median(forward), median(backward)];
}"""
BUILT = """new MutationObserver(() => {
  if (document.querySelector("ol.layers")) window.builtAt ??= performance.now();
}).observe(document, { subtree: true, childList: true });"""
SHOWN = """() => {
  const { network } = window.explore, slot = network.layers[2].operations[0].writes, [, W, C] = network.layers[2].shape;
  window.explore.select({ slot, at: (6 * W + 5) * C + 19 });
}"""


def pages(folder):
    """Yield (name, weights, seconds that explore took, file)."""
    import cifar10
    import fashion_mnist

    from minicnn.callbacks import ExploreRecorder
    from minicnn.visualize import explore

    (x, y), (x_test, y_test) = fashion_mnist.load(None)[0]
    (x, y), (x_test, y_test) = (
        fashion_mnist.prepare(images, labels, None) for images, labels in ((x, y), (x_test, y_test))
    )
    model, recorder = fashion_mnist.build(), ExploreRecorder()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, validation_split=0.1, callbacks=[recorder])
    names = fashion_mnist.fashion_mnist.CLASS_NAMES
    cases = [("fashion", model, (x_test[:16], y_test[:16], names, recorder))]
    images = np.random.default_rng(0).random((8, 32, 32, 3), np.float32)
    cases.append(("cifar10", cifar10.build(), (images, None, cifar10.cifar10.CLASS_NAMES)))
    for name, model, arguments in cases:
        file, started = folder / f"{name}.html", time.perf_counter()
        explore(model, *arguments, file=file)
        yield name, model.count_params(), time.perf_counter() - started, file


def opened(browser, file):
    """(milliseconds until the page shows the network, the page)."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.add_init_script(BUILT)
    page.goto(file.resolve().as_uri())
    page.wait_for_function("window.explore?.isChecked")
    return page.evaluate("window.builtAt"), page


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    from playwright.sync_api import sync_playwright

    found, results = next(filter(None, map(shutil.which, BROWSERS))), {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        for name, weights, seconds, file in pages(Path(folder)):
            opening = statistics.median(opened(browser, file)[0] for _ in range(5))
            _, page = opened(browser, file)
            forward, backward = page.evaluate(TIMES)
            results[name] = [weights, file.stat().st_size / 1e6, seconds, opening / 1e3, forward, backward]
            if name == "fashion":
                page.evaluate(SHOWN)
                page.screenshot(path=HERE / "results" / "explore.png")
        version = browser.version
    lines = [
        "| network | weights | page, MB | made in, s | opened in, s | forward, ms | backward, ms |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {weights:,} | {size:.1f} | {seconds:.1f} | {opening:.1f} | {forward:.0f} | {backward:.0f} |"
        for name, (weights, size, seconds, opening, forward, backward) in results.items()
    ]
    where = machine.described("numpy", "numba").replace("threads; ", f"threads; Chromium {version}, ")
    text = "\n".join([*lines, "", where])
    print(text)
    (HERE / "results" / "explore.json").write_text(json.dumps({"machine": where, "pages": results}, indent=1) + "\n")
    machine.put(HERE / "README.md", "explore", text)


if __name__ == "__main__":
    main()
