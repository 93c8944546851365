// The page: its data, its state, and what happens when something is chosen.

import { Network } from "network";
import * as activation from "ops/activation";
import { Tensor, argmax, size } from "tensor";
import { language, t } from "strings";
import { h } from "dom";
import { directions, header, legend } from "views/header";
import { Layers } from "views/layers";
import { placeText } from "views/maps";
import { panel } from "views/panel";
import { Picture } from "views/picture";
import { Training } from "views/training";

const CHECK_FOR = 5000; // milliseconds: a large network is compared for the first images only

class App {
  constructor(data, bytes) {
    const kinds = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
    const array = ({ at, type, shape }) => ({ shape, data: new kinds[type](bytes, at, size(shape)) });
    this.table = (described) => array(described).data; // a table of whole numbers
    const perImage = (described) => {
      const { shape, data: all } = array(described), one = shape.slice(1), length = size(one);
      return Array.from({ length: shape[0] }, (_, i) => new Tensor(one, Float32Array.from(all.subarray(i * length, (i + 1) * length))));
    };
    const tensor = (described) => (described.at === undefined ? null : new Tensor(described.shape, array(described).data.slice()));
    const perSlot = (recorded) => Object.entries(recorded).map(([slot, described]) => [Number(slot), perImage(described)]);
    const weights = data.weights.map(tensor);
    this.data = data;
    this.network = new Network(data, weights);
    this.now = weights; // by number; the network has those of an earlier epoch while the slider stands there
    this.original = weights.map((weight) => weight?.copy());
    this.images = data.images.map(perImage);
    this.computed = perImage(data.computed);
    this.targets = data.targets ? perImage(data.targets) : null;
    this.recorded = perSlot(data.recorded);
    this.epochs = (data.epochs ?? []).map((epoch) => ({
      weights: weights.map((_, number) => (epoch.weights[number] ? tensor(epoch.weights[number]) : null)),
      recorded: perSlot(epoch.recorded),
    }));
    this.epoch = null; // the number of an earlier epoch in `epochs`; null: now
    this.moments = new Map(Object.entries(data.moments ?? {}).map(([number, { momentum, velocity }]) => (
      [Number(number), { momentum: array(momentum), velocity: array(velocity) }]
    )));
    this.classes = data.classes;
    this.labels = data.labels?.map(Number);
    this.lessons = data.lessons;
    this.mode = "forward";
    this.selected = null;
    this.trail = [];
    this.edits = 0;
    this.predicted = this.images[0].map((_, i) => this.classOf(this.computed[i]));
    this.checked = 0; // images whose outputs have been compared with minicnn's
    this.difference = null; // the largest so far; null while no output could be compared
    this.choose(0, false);
  }

  // Compares the outputs for every image with minicnn's, one image after the other, so that the page stays awake.
  async check() {
    const began = performance.now();
    for (; this.checked < this.images[0].length; this.checked++) {
      const apart = this.differenceOf(this.checked);
      if (apart !== null) this.difference = Math.max(this.difference ?? 0, apart);
      this.showHeader();
      await new Promise((next) => setTimeout(next));
      if (performance.now() - began > CHECK_FOR) break;
    }
    this.isChecked = true;
    this.compute(); // its time again, now that the code has run several times
    this.showHeader();
  }

  // The largest relative difference between this page's outputs for an image and minicnn's; null if they are asleep.
  differenceOf(i) {
    this.unchanged ??= new Network(this.data, this.original);
    const slot = this.network.outputs[0], recorded = this.recordedFor(i), expected = this.computed[i].data;
    const y = this.unchanged.forward(this.images.map((images) => images[i]), recorded).get(slot);
    if (!y || y === recorded.get(slot)) return null;
    const most = expected.reduce((most, value) => (Math.abs(value) > most ? Math.abs(value) : most), 1e-30);
    let largest = 0;
    for (let k = 0; k < expected.length; k++) {
      const same = Object.is(y.data[k], expected[k]) || y.data[k] === expected[k], apart = Math.abs(y.data[k] - expected[k]) / most;
      if (!same) largest = Number.isNaN(apart) ? Infinity : Math.max(largest, apart);
    }
    return largest;
  }

  recordedFor(image, epoch = null) {
    const recorded = epoch === null ? this.recorded : this.epochs[epoch].recorded;
    return new Map(recorded.map(([slot, tensors]) => [slot, tensors[image]]));
  }

  // Put the weights of an earlier epoch into the network; null: those of now.
  setEpoch(epoch) {
    this.epoch = epoch;
    this.network.weights = epoch === null ? this.now : this.epochs[epoch].weights;
    this.compute();
    this.show();
  }

  // Choose an image; its label becomes the target.
  choose(image, show = true) {
    this.image = image;
    this.pictures = this.images.map((images) => images[image]);
    this.changed = this.another = false;
    this.target = this.targets ? this.targets[image] : this.labels ? this.labels[image] : this.predicted[image] ?? 0;
    this.compute();
    if (show) this.show();
  }

  // another: the picture is no longer the chosen image, so the class that the network sees in it is taken as the right one.
  setPicture(picture, another = this.another) {
    this.pictures = [picture, ...this.pictures.slice(1)];
    this.changed = true;
    this.another = another;
    this.compute();
    if (another && typeof this.target === "number") this.target = this.predictedNow() ?? 0;
    this.show();
  }

  setTarget(label) {
    this.target = label;
    this.compute();
    this.show();
  }

  setWeight(number, at, value) {
    this.network.weights[number].data[at] = value;
    this.edits++;
    this.compute();
    this.show();
  }

  undoEdits() {
    this.original.forEach((weight, number) => weight && this.now[number].data.set(weight.data));
    this.edits = 0;
    this.compute();
    this.show();
  }

  compute() {
    const began = performance.now();
    this.values = this.network.forward(this.pictures, this.changed ? new Map() : this.recordedFor(this.image, this.epoch));
    this.milliseconds = Math.round(performance.now() - began);
    this.backward = null;
  }

  // The gradients are computed when they are first asked for.
  get gradients() {
    this.backward ??= this.network.backward(this.values, this.target);
    return this.backward.gradients;
  }

  get weightGradients() {
    return this.gradients && this.backward.weights;
  }

  // selected: {slot, at} for a number, {weight, at, name} for a weight.
  select(selected) {
    if (!this.panel.contains(document.activeElement)) this.focusBefore = document.activeElement;
    if (this.selected) this.trail.push(this.selected);
    this.selected = selected;
    this.show();
    this.panel.querySelector("h2").focus({ preventScroll: true });
  }

  goBack() {
    this.selected = this.trail.pop() ?? null;
    this.show();
  }

  // null for outputs that are no numbers.
  classOf({ data }) {
    if (data.some(Number.isNaN)) return null;
    if (data.length > 1) return argmax(data);
    return Number(data[0] > (this.lastActivation() || !this.data.loss.operation?.startsWith("sigmoid") ? 0.5 : 0));
  }

  // "softmax" or "sigmoid" where the network ends in one.
  lastActivation() {
    const node = this.network.nodeOf.get(this.network.outputs[0]);
    return node?.op === "activation" && ["softmax", "sigmoid"].includes(node.function) ? node.function : null;
  }

  // The class that the network, with its weights as they are now, sees in the picture as it is now.
  predictedNow() {
    const y = this.values.get(this.network.outputs[0]);
    return y ? this.classOf(y) : null;
  }

  // Whether minicnn was right about an image; null where the label is not known.
  rightOrWrong(image) {
    return this.labels && this.data.loss.classifies ? this.predicted[image] === this.labels[image] : null;
  }

  // "Right: Coat. The network says: Shirt (wrong)", for an image whose label is known.
  verdict(image, predicted = this.predicted[image]) {
    const names = this.choices();
    if (this.rightOrWrong(image) === null) return "";
    const right = t(predicted === this.labels[image] ? "right" : "wrong");
    return t("verdict", names[this.labels[image]], names[predicted] ?? "NaN", right);
  }

  // The same for the picture and the weights as they are now.
  verdictNow() {
    const predicted = this.predictedNow();
    if (this.changed) return t("says", this.choices()[predicted] ?? "NaN");
    return this.verdict(this.image, predicted);
  }

  // The names of the classes that the model chooses from: two for a single output.
  choices() {
    const K = this.computed[0].data.length;
    return K === 1 ? this.classes.slice(0, 2) : this.classes.slice(0, K);
  }

  // The outputs as probabilities; null where they are none.
  probabilities() {
    const y = this.values.get(this.network.outputs[0]), { operation } = this.data.loss;
    if (this.lastActivation() || ["categorical_cross_entropy", "binary_cross_entropy"].includes(operation)) return y.data;
    const name = { softmax_cross_entropy: "softmax", sigmoid_cross_entropy: "sigmoid" }[operation];
    return name ? activation.forward({ function: name }, [y]).data : null;
  }

  logitSlot() {
    const slot = this.network.outputs[0];
    return this.lastActivation() ? this.network.nodeOf.get(slot).reads[0] : slot;
  }

  // The class that a number of the output stands for; for other numbers their place.
  className(slot, at) {
    const shape = this.shapeOf(slot), isOutput = slot === this.network.outputs[0] || slot === this.logitSlot();
    if (!isOutput || shape.length !== 1 || !this.data.loss.classifies) return placeText(at, shape);
    return this.classes[shape[0] === 1 ? 1 : at] ?? placeText(at, shape);
  }

  shapeOf(slot) {
    return this.values.get(slot)?.shape ?? this.network.layerOf.get(slot).shape;
  }

  // The place of a number in words. Where a layer has only given an image another shape, its place in the image too.
  placeText(slot, at) {
    const node = this.network.nodeOf.get(slot), before = node?.op === "reshape" ? this.values.get(node.reads[0]) : null;
    const written = this.className(slot, at);
    return before?.shape.length === 3 && this.shapeOf(slot).length === 1 ? `${written} (${placeText(at, before.shape)})` : written;
  }

  slotTitle(slot) {
    const layer = this.network.layerOf.get(slot);
    if (!layer) return t("picture");
    if (layer.writes === slot) return layer.name;
    const own = this.network.nodeOf.get(slot), next = layer.operations.find((node) => node.reads[0] === slot);
    const isBefore = next?.op === "activation" && next.writes === layer.writes;
    return `${layer.name}, ${isBefore ? t("before", next.function) : own.function ?? own.kind ?? own.op}`;
  }

  // The numbers of a layer's output that the chosen number is, or was computed from.
  marks(layer) {
    if (!this.selected || this.selected.slot === undefined) return [];
    const marked = this.selected.slot === layer.writes ? [this.selected.at] : [];
    const how = this.network.layerOf.get(this.selected.slot) === layer ? null : this.explained;
    for (const read of how ?? []) if (read.slot === layer.writes) marked.push(read.at);
    return marked;
  }

  // [{slot, at}, ...]: what the chosen number read outside its own layer, at most a window.
  findExplained() {
    this.explained = [];
    if (this.selected?.slot === undefined) return;
    let { slot, at } = this.selected;
    for (;;) {
      const node = this.network.nodeOf.get(slot), how = node && this.network.explain(this.values, slot, at);
      if (!how) return;
      const reads = how.groups ? how.groups.flatMap(({ terms }) => terms) : how.reads ?? [];
      const inside = reads.filter((read) => read.at !== null).slice(0, 400);
      this.explained.push(...inside.map((read) => ({ slot: node.reads[read.input], at: read.at })));
      if (this.network.layerOf.get(node.reads[0]) !== this.network.layerOf.get(slot)) return;
      [slot, at] = [node.reads[0], how.reads?.[0].at ?? at];
    }
  }

  build() {
    document.documentElement.lang = language();
    this.picture = new Picture(this, this.picture);
    this.layers = new Layers(this);
    this.training = new Training(this);
    this.panel = h("aside.panel", { "aria-label": t("arithmetic") });
    this.header = h("header", {});
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    const page = document.getElementById("page");
    page.replaceChildren(this.header, h("div.columns", {},
      h("div.left", {}, this.picture.element, ...[this.training.element].filter(Boolean), h("section", { "aria-label": t("network") },
        h("h2", {}, t("network")), h("p.hint", {}, t("hint")), directions(this), legend(), this.layers.element)), this.panel));
    this.show();
  }

  show() {
    this.findExplained();
    this.showHeader();
    this.picture.show();
    this.training.show();
    this.layers.show();
    this.panel.classList.toggle("open", Boolean(this.selected));
    const kinds = ["enlarged", "lesson", "below"].map((kind) => () => this.panel.querySelectorAll(`details.${kind}`));
    const open = kinds.map((parts) => [...parts()].map((part) => part.open)); // what was opened or closed stays so
    this.panel.replaceChildren(...panel(this));
    kinds.forEach((parts, kind) => parts().forEach((part, i) => { part.open = open[kind][i] ?? part.open; }));
    this.panel.scrollTop = 0;
  }

  showHeader() {
    this.header.replaceChildren(...header(this));
  }

  close() {
    this.selected = null;
    this.trail = [];
    this.show();
    this.focusBefore?.focus();
  }
}

// An App of a description and its numbers in base64.
export function load(data, numbers) {
  const binary = atob(numbers), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new App(data, bytes.buffer);
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const app = window.explore = load(data, document.getElementById("numbers").textContent);
  app.build();
  app.check();
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width) app.layers.show();
    width = window.innerWidth;
  });
}

start();
