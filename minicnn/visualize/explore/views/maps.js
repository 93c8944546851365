// A canvas of maps: every channel of an array (H, W, C) beside the others, or a vector as rows of cells.
//
// The pointer and the keyboard choose a number. Arrow keys move it, Page Up and Page Down change the map, Enter chooses.

import { colourOf, scaleFor } from "colours";
import { placeOf, rangeOf } from "tensor";
import { t } from "strings";
import { h, text } from "dom";

const MAP = 84, GAP = 4, CELL = 14, FEW = 32;

// The shape of an array as (H, W, C) maps. A vector is a map with rows of at most 64 cells.
function asMaps(shape) {
  if (shape.length === 3) return { H: shape[0], W: shape[1], C: shape[2] };
  const count = shape.reduce((product, length) => product * length, 1);
  if (shape.length === 2) return { H: shape[0], W: shape[1], C: 1 };
  const W = shape.length === 1 ? Math.min(count, 64) : shape.at(-1);
  return { H: Math.ceil(count / W), W, C: 1 };
}

export function placeText(at, shape) {
  const place = placeOf(at, shape);
  if (shape.length === 3) return t("place", ...place);
  return shape.length === 1 ? t("unit", at) : t("number", place.join(", "));
}

// The element of the maps. choose(at) is called for a chosen number; marked: numbers that get a frame.
export class Maps {
  constructor({ name, choose, side = MAP }) {
    Object.assign(this, { name, choose, side, all: false, cursor: 0, marked: [], tensor: null });
    this.canvas = h("canvas.maps", {
      tabIndex: 0, role: "application", onclick: (event) => this.click(event), onkeydown: (event) => this.key(event),
      onfocus: () => this.draw(), onblur: () => this.draw(), onmousemove: (event) => this.hover(event),
    });
    this.said = h("output.said");
    this.more = h("button.more", { onclick: () => { this.all = !this.all; this.draw(); } });
    this.range = h("span.range");
    this.element = h("div.mapsbox", {}, this.canvas, h("div.under", {}, this.range, this.said, this.more));
  }

  show(tensor, { signed = false, width = 600, range = rangeOf(tensor.data) } = {}) {
    const [low, high] = range;
    this.tensor = tensor;
    this.width = width;
    this.said.textContent = "";
    this.scale = scaleFor(signed ? [Math.min(low, -1e-30), high] : [low, high]);
    this.draw();
  }

  layout() {
    const { H, W, C } = asMaps(this.tensor.shape), many = C > 1 || (H > 4 && W > 4);
    const cell = many ? Math.min(Math.max(this.side / Math.max(H, W), 1 / 4), this.side / 3.5) : Math.min(CELL, this.width / W);
    const size = cell >= 1 ? Math.floor(cell) : cell, shown = this.all ? C : Math.min(C, FEW);
    const columns = Math.max(1, Math.min(shown, Math.floor((this.width + GAP) / (W * size + GAP))));
    return { H, W, C, size, shown, columns, rows: Math.ceil(shown / columns) };
  }

  draw() {
    if (!this.tensor) return;
    const { H, W, C, size, shown, columns, rows } = this.layout(), { data } = this.tensor;
    const width = columns * (Math.ceil(W * size) + GAP) - GAP, height = rows * (Math.ceil(H * size) + GAP) - GAP;
    Object.assign(this.canvas, { width, height });
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    const context = this.canvas.getContext("2d"), one = new OffscreenCanvas(W, H), inner = one.getContext("2d");
    context.imageSmoothingEnabled = false;
    for (let c = 0; c < shown; c++) {
      const pixels = inner.createImageData(W, H);
      for (let i = 0; i < H * W; i++) {
        if (i * C + c >= data.length) continue;
        pixels.data.set(colourOf(data[i * C + c], this.scale), i * 4);
        pixels.data[i * 4 + 3] = 255;
      }
      inner.putImageData(pixels, 0, 0);
      const [left, top] = this.corner(c);
      context.drawImage(one, left, top, Math.ceil(W * size), Math.ceil(H * size));
      if (C > 1 && W * size >= 30) this.number(context, c, left, top);
    }
    for (const numbers of this.markedMaps()) this.frame(context, numbers, "#000", "#fff");
    if (document.activeElement === this.canvas) this.frame(context, [this.cursor], "#0a7d00", "#fff");
    this.canvas.setAttribute("aria-label", `${this.name}. ${t("hint")}`);
    this.range.textContent = `${text(this.scale.low)} … ${text(this.scale.high)}`;
    this.more.hidden = C <= FEW;
    this.more.textContent = this.all ? t("fewerMaps") : t("allMaps", C);
  }

  // Writes the number of a map into its corner.
  number(context, c, left, top) {
    context.font = "10px sans-serif";
    context.fillStyle = "#fffc";
    context.fillRect(left, top, context.measureText(String(c)).width + 4, 12);
    context.fillStyle = "#111";
    context.fillText(String(c), left + 2, top + 10);
  }

  corner(c) {
    const { H, W, size, columns } = this.layout();
    return [(c % columns) * (Math.ceil(W * size) + GAP), Math.floor(c / columns) * (Math.ceil(H * size) + GAP)];
  }

  // The marked numbers, those of each map together.
  markedMaps() {
    const { C } = this.layout();
    return [...new Set(this.marked.map((at) => at % C))].map((c) => this.marked.filter((at) => at % C === c));
  }

  // A frame around some numbers of one map.
  frame(context, numbers, dark, light) {
    const { W, C, size, shown } = this.layout(), c = numbers[0] % C;
    if (c >= shown) return;
    const rows = numbers.map((at) => Math.floor(at / C / W)), columns = numbers.map((at) => Math.floor(at / C) % W);
    const [left, top] = this.corner(c), first = [Math.min(...rows), Math.min(...columns)];
    const x = left + first[1] * size - 0.5, y = top + first[0] * size - 0.5;
    const width = Math.max((Math.max(...columns) - first[1] + 1) * size, 3) + 1;
    const height = Math.max((Math.max(...rows) - first[0] + 1) * size, 3) + 1;
    for (const [colour, thickness] of [[light, 3.5], [dark, 1.5]]) {
      context.lineWidth = thickness;
      context.strokeStyle = colour;
      context.strokeRect(x, y, width, height);
    }
  }

  // The number under the pointer; null between the maps.
  numberUnder(event) {
    const box = this.canvas.getBoundingClientRect(), { H, W, C, size, shown, columns } = this.layout();
    const x = ((event.clientX - box.left) * this.canvas.width) / box.width;
    const y = ((event.clientY - box.top) * this.canvas.height) / box.height;
    const column = Math.floor(x / (Math.ceil(W * size) + GAP)), row = Math.floor(y / (Math.ceil(H * size) + GAP));
    const c = row * columns + column;
    if (column >= columns || c >= shown || c < 0) return null;
    const [left, top] = this.corner(c), w = Math.floor((x - left) / size), i = Math.floor((y - top) / size);
    const at = (i * W + w) * C + c;
    return w < 0 || w >= W || i < 0 || i >= H || at >= this.tensor.data.length ? null : at;
  }

  say(at) {
    this.said.textContent = at === null ? "" : `${placeText(at, this.tensor.shape)}: ${text(this.tensor.data[at])}`;
  }

  hover(event) {
    if (this.tensor) this.say(this.numberUnder(event));
  }

  click(event) {
    const at = this.tensor && this.numberUnder(event);
    if (at === null || at === undefined) return;
    this.cursor = at;
    this.choose(at);
  }

  key(event) {
    if (!this.tensor) return;
    const { H, W, C } = this.layout(), c = this.cursor % C, i = Math.floor(this.cursor / C);
    const moves = {
      ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0], ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0],
      PageUp: [0, 0, -1], PageDown: [0, 0, 1],
    };
    if (event.key === "Enter" || event.key === " ") this.choose(this.cursor);
    else if (moves[event.key]) {
      const [down, right, map] = moves[event.key];
      const row = Math.min(Math.max(Math.floor(i / W) + down, 0), H - 1), column = Math.min(Math.max((i % W) + right, 0), W - 1);
      const at = (row * W + column) * C + Math.min(Math.max(c + map, 0), C - 1);
      if (at < this.tensor.data.length) this.cursor = at;
      if (this.cursor % C >= FEW) this.all = true;
      this.draw();
      this.say(this.cursor);
    } else return;
    event.preventDefault();
  }
}
