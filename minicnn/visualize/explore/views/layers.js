// The network as a picture: a card for each layer with its maps, and lines from the layers that it reads.

import { Kernels } from "views/kernels";
import { Maps } from "views/maps";
import { t } from "strings";
import { h, text } from "dom";
import { size } from "tensor";

export class Layers {
  constructor(app) {
    this.app = app;
    const inputs = app.network.inputs.map((slot, i) => ({
      name: app.network.inputs.length > 1 ? `${t("picture")} ${i + 1}` : t("picture"), type: "Input", writes: slot, reads: [],
      shape: app.images[i][0].shape, operations: [],
    }));
    this.cards = [...inputs, ...app.network.layers].map((layer) => this.card(layer));
    this.element = h("ol.layers", {}, this.cards.map(({ element }) => element));
    this.lanes();
  }

  card(layer) {
    const { app } = this, maps = new Maps({ name: layer.name, choose: (at) => app.select({ slot: layer.writes, at }) });
    const before = app.network.layers[app.network.layers.indexOf(layer) - 1];
    const straight = layer.reads.length === 1 && (before ? before.writes === layer.reads[0] : true);
    const weights = [...new Set(layer.operations.flatMap((node) => Object.values(node.weights)))];
    const count = weights.reduce((sum, number) => sum + size(app.data.weights[number].shape), 0), note = h("p.note");
    const isConvolution = layer.operations[0]?.op === "conv2d" && app.now[layer.operations[0].weights.kernel];
    const kernels = isConvolution ? new Kernels(app, layer) : null;
    const settings = layer.operations.map((node) => node.function ?? node.kind).filter(Boolean).join(", ");
    const element = h("li.card", {},
      h("canvas.rail", { width: 1, height: 1, "aria-hidden": "true" }),
      h("div.cardbody", {},
        h("h3", {}, h("bdi", {}, layer.name), " ", h("small", {}, [layer.type, settings, layer.shape.join(" × ")].filter(Boolean).join(" · "))),
        straight || !layer.reads.length ? null
          : h("p.reads", {}, t("from", layer.reads.map((slot) => app.slotTitle(slot)).join(", "))),
        note, maps.element, kernels?.element));
    kernels?.element.addEventListener("toggle", () => this.drawRails());
    return { layer, maps, note, element, kernels, count };
  }

  isAsleep(layer) {
    const cannot = (node) => !this.app.network.isAwake(node);
    return layer.type !== "Input" && (!layer.operations.length || layer.operations.some(cannot));
  }

  // What there is to say about a card whose numbers the page cannot compute.
  noteOf({ layer, count }, tensor) {
    const { app } = this, forward = app.mode === "forward", said = [];
    if (this.isAsleep(layer)) said.push(layer.operations.length ? t("asleep", count.toLocaleString("en")) : t("own"));
    if (!tensor) said.push(t(forward ? "unknown" : "noGradient"));
    else if (said.length && forward) said.push(t("recordedHere"));
    return said.join(" ");
  }

  // Draws each card's maps: outputs, or in the backward view their gradients.
  show() {
    const { app } = this, width = Math.max(200, Math.min(this.element.clientWidth - 90, 640));
    for (const card of this.cards) {
      const { layer, maps, note, kernels } = card;
      const tensor = (app.mode === "forward" ? app.values : app.gradients).get(layer.writes);
      maps.element.hidden = !tensor;
      note.textContent = this.noteOf(card, tensor);
      note.hidden = !note.textContent;
      maps.marked = app.marks(layer);
      if (tensor) maps.show(tensor, { signed: app.mode === "backward", width });
      kernels?.show(width);
    }
    this.drawRails();
  }

  // A lane for each array that a later layer still reads, as in a drawing of branches.
  lanes() {
    const lastReader = new Map(), lanes = [];
    this.cards.forEach(({ layer }, i) => layer.reads.forEach((slot) => lastReader.set(slot, i)));
    this.rails = this.cards.map(({ layer }, i) => {
      const from = [...new Set(layer.reads)].map((slot) => lanes.indexOf(slot)).filter((lane) => lane >= 0);
      const above = lanes.map((slot) => slot !== undefined);
      lanes.forEach((slot, lane) => { if (lastReader.get(slot) <= i) lanes[lane] = undefined; });
      let own = from.find((lane) => lanes[lane] === undefined) ?? lanes.indexOf(undefined);
      if (own < 0) own = lanes.length;
      lanes[own] = lastReader.has(layer.writes) ? layer.writes : undefined;
      const passing = lanes.map((slot, lane) => slot !== undefined && lane !== own);
      return { own, from, above, passing, goesOn: lastReader.has(layer.writes) };
    });
    this.width = Math.max(...this.rails.map(({ own, above }) => Math.max(own + 1, above.length))) * 12 + 6;
  }

  drawRails() {
    this.cards.forEach(({ element }, i) => {
      const canvas = element.querySelector(".rail"), context = canvas.getContext("2d");
      canvas.height = 0; // so that it does not keep the card as tall as it was
      const height = element.clientHeight;
      const { own, from, passing, goesOn } = this.rails[i], x = (lane) => 9 + lane * 12, y = 16;
      Object.assign(canvas, { width: Math.min(this.width, 90), height });
      context.strokeStyle = "#7a8794";
      context.lineWidth = 2;
      const line = (...points) => {
        context.beginPath();
        points.forEach(([left, top]) => context.lineTo(left, top));
        context.stroke();
      };
      passing.forEach((there, lane) => there && line([x(lane), 0], [x(lane), height]));
      from.forEach((lane) => line([x(lane), 0], [x(own), y]));
      if (goesOn) line([x(own), y], [x(own), height]);
      context.fillStyle = "#22577a";
      context.beginPath();
      context.arc(x(own), y, 5, 0, 7);
      context.fill();
    });
  }
}

export function summaryOf(app) {
  const weights = app.data.weights.reduce((sum, { shape }) => sum + size(shape), 0);
  return t("summary", app.network.layers.length, weights.toLocaleString("en"), text(app.milliseconds));
}
