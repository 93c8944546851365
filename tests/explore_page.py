"""Open pages of `visualize.explore` in a real browser, and let them compute."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

# What the page computes for one image and one upstream gradient: outputs, gradients of inputs and weights, and for some
# of their numbers the sums of the terms that the page shows.
COMPUTE = """async ([data, numbers, image, upstream, wanted]) => {
  const { load } = await import("app"), { Tensor } = await import("tensor");
  const app = load(data, numbers), { network } = app, slot = network.outputs[0];
  const values = network.forward(app.images.map((images) => images[image]), app.recordedFor(image));
  const y = values.get(slot), dy = new Tensor(y.shape, Float32Array.from(upstream));
  const { gradients, weights } = network.backwardFrom(values, new Map([[slot, dy]]));
  const sum = (terms) => terms.reduce((total, term) => total + term.product, 0);
  const some = (tensor) => wanted.map((share) => Math.floor(share * tensor.data.length));
  const shown = { explained: [], reached: [], used: [] };
  for (const at of some(y)) {
    if (network.explain(values, slot, at)) shown.explained.push([y.data[at], shownResult(network, values, slot, at)]);
  }
  network.inputs.forEach((input) => {
    const dx = gradients.get(input);
    for (const at of dx ? some(dx) : []) {
      shown.reached.push([dx.data[at], sum(network.reached(values, gradients, input, at))]);
    }
  });
  for (const [number, dw] of weights) {
    for (const at of some(dw)) shown.used.push([dw.data[at], sum(network.used(values, gradients, number, at))]);
  }
  const list = (tensor) => tensor ? [...tensor.data].map(String) : null;
  return {
    y: list(y), dxs: network.inputs.map((input) => list(gradients.get(input))), shown,
    difference: app.differenceOf(image),
    dws: Object.fromEntries([...weights].map(([number, dw]) => [number, list(dw)])),
  };

  // The result of the arithmetic that the page shows for a number.
  function shownResult(network, values, slot, at) {
    const how = network.explain(values, slot, at), bias = how.bias?.value ?? 0;
    const terms = how.terms ?? how.groups?.flatMap((group) => group.terms);
    if (how.winner !== undefined) return terms.find((term) => term.at === how.winner).value;
    if (how.rule === "mean") return terms.reduce((total, term) => total + (term.value ?? 0), 0) / how.count;
    return terms ? sum(terms) + bias : how.formulas.at(-1)[2];
  }
}"""


@contextmanager
def opened(browser, file, width=1400, height=1000):
    """A page in the browser. Afterwards nothing may have asked for another file or written into the console."""
    page, troubles = browser.new_page(viewport={"width": width, "height": height}), []
    page.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "request", lambda request: troubles.append(request.url) if request.url[:5] not in ("file:", "blob:") else None
    )
    try:
        page.goto(file.resolve().as_uri())
        page.wait_for_function("window.explore?.isChecked")
        yield page
        assert not troubles, troubles
    finally:
        page.close()


def computed(page, made, image, upstream, wanted=(0.0, 0.31, 0.62, 0.999)):
    """What `COMPUTE` gives for a page that `explore` has made, with its lists of numbers as arrays."""
    found = page.evaluate(COMPUTE, [made.data, made.numbers, image, upstream.reshape(-1).tolist(), list(wanted)])
    found["y"] = _array(found["y"])
    found["dxs"] = [None if dx is None else _array(dx) for dx in found["dxs"]]
    found["dws"] = {int(number): _array(dw) for number, dw in found["dws"].items()}
    return found


def _array(numbers):
    return np.array([float(number.replace("Infinity", "inf")) for number in numbers])
