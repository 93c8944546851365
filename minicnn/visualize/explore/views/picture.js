// The chosen picture: choose another, draw on it, erase parts of it, put in a file; the evidence for a class.

import { rangeOf } from "tensor";
import { t } from "strings";
import { h } from "dom";
import { evidenceOf } from "grad_cam";
import { receptiveField } from "receptive_field";
import { scores } from "views/scores";

const SIDE = 224;

export class Picture {
  // before: the Picture whose settings are kept, when the language changes.
  constructor(app, before) {
    this.app = app;
    this.tool = before?.tool ?? "look";
    this.evidence = before?.evidence ?? false;
    this.evidenceFor = before?.evidenceFor ?? null; // a class; null: the one that the network predicts
    this.cursor = null; // [row, column]
    this.note = h("p.note");
    this.caption = h("p.note");
    this.canvas = h("canvas.picture", {
      onpointerdown: (event) => this.start(event), onpointermove: (event) => event.buttons && this.stroke(event),
      tabIndex: 0, role: "application", onkeydown: (event) => this.cursorKey(event), onblur: () => this.moveCursor(null),
    });
    this.thumbs = h("div.thumbs", { role: "radiogroup", "aria-label": t("images"), onkeydown: (event) => this.key(event) });
    this.tools = h("div.tools", {});
    this.bars = h("div.bars", {});
    this.element = h("section.picturebox", { "aria-label": t("picture") },
      h("h2", {}, t("images")), this.thumbs, h("div.beside", {}, h("div", {}, this.canvas, this.caption, this.note, this.tools), this.bars));
    this.makeThumbs();
    this.makeTools();
  }

  makeThumbs() {
    const { app } = this;
    this.thumbs.append(...app.images[0].map((image, i) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      paint(canvas, image, this.rangeOfImages());
      const right = app.rightOrWrong(i), name = `${t("image", i)}${app.verdict(i) ? `: ${app.verdict(i)}` : ""}`;
      return h(`button.thumb${right === false ? ".wrong" : ""}`, {
        role: "radio", "aria-checked": "false", tabIndex: -1, title: name, "aria-label": name, onclick: () => app.choose(i),
      }, canvas);
    }));
  }

  // Arrow keys choose the next image, as among radio buttons.
  key(event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const count = this.thumbs.children.length;
    this.app.choose((this.app.image + step + count) % count);
    this.thumbs.children[this.app.image].focus();
  }

  rangeOfImages() {
    const ranges = this.app.images[0].map((image) => rangeOf(image.data));
    const low = Math.min(...ranges.map((range) => range[0])), high = Math.max(...ranges.map((range) => range[1]));
    if (low >= 0 && high <= 1) return [0, 1];
    return low >= 0 && high <= 255 ? [0, 255] : [low, high];
  }

  makeTools() {
    const { app } = this, tool = (name) => h("button", {
      "aria-pressed": String(this.tool === name),
      onclick: () => { this.tool = name; this.makeTools(); },
    }, t(name));
    if (app.pictures[0].shape.length !== 3) return; // numbers, not a picture: nothing to draw on
    this.tools.replaceChildren(
      h("div", { role: "group", "aria-label": t("pointer") }, ["look", "draw", "erase"].map(tool)),
      h("button", { onclick: () => this.empty() }, t("empty")),
      h("button", { onclick: () => this.centre() }, t("centre")),
      h("button", { onclick: () => { this.waiting = null; app.choose(app.image); } }, t("reset")),
      h("label.file", {}, t("upload"), h("input", {
        type: "file", accept: "image/*", onchange: ({ target }) => {
          this.upload(target.files[0]);
          target.value = ""; // so that the same file can be chosen again
        },
      })),
      h("label", {}, h("input", {
        type: "checkbox", checked: this.evidence, onchange: (event) => this.setEvidence(event.target.checked),
      }), t("evidence")),
      this.evidence ? this.evidenceChoice() : "");
  }

  // The class whose evidence is shown: the predicted one, or one of all.
  evidenceChoice() {
    const names = this.app.choices().map((name, i) => h("option", { selected: i === this.evidenceFor }, name));
    const choose = ({ target }) => {
      this.evidenceFor = target.selectedIndex === 0 ? null : target.selectedIndex - 1;
      this.show();
    };
    return h("label", {}, `${t("evidenceFor")} `, h("select", { onchange: choose }, h("option", {}, t("predictedClass")), names));
  }

  show() {
    const { app } = this, picture = app.pictures[0];
    paint(this.canvas, picture, this.rangeOfImages());
    this.canvas.style.cursor = this.tool === "look" ? "pointer" : "crosshair";
    this.canvas.setAttribute("aria-label", `${t("picture")}: ${t("image", app.image)}${app.changed ? `, ${t("changed")}` : ""}`);
    this.caption.textContent = "";
    if (this.evidence) this.showEvidence();
    this.showField();
    this.note.textContent = app.changed ? t("changed") : "";
    [...this.thumbs.children].forEach((thumb, i) => {
      thumb.setAttribute("aria-checked", String(i === app.image && !app.changed));
      thumb.tabIndex = i === app.image ? 0 : -1;
    });
    this.bars.replaceChildren(...scores(app));
  }

  setEvidence(evidence) {
    this.evidence = evidence;
    this.makeTools();
    this.show();
  }

  // Frames around the part of the picture that the chosen number depends on, and around the keyboard's cursor.
  showField() {
    const { app } = this, field = receptiveField(app);
    if (app.pictures[0].shape.length !== 3) return;
    if (field) this.frame(field.top, field.left, field.bottom, field.right, "#0a7d00");
    if (this.cursor) this.frame(...this.cursor, ...this.cursor, "#000");
  }

  frame(top, left, bottom, right, dark) {
    const [H, W] = this.app.pictures[0].shape, context = this.canvas.getContext("2d");
    const down = this.canvas.height / H, across = this.canvas.width / W;
    const box = [left * across, top * down, (right - left + 1) * across, (bottom - top + 1) * down];
    for (const [colour, thickness] of [["#fff", 4], [dark, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.strokeRect(...box);
    }
  }

  showEvidence() {
    const { app } = this, label = this.evidenceFor ?? app.predictedNow() ?? 0, found = evidenceOf(app, label);
    if (!found) return;
    const name = app.choices()[label];
    this.caption.textContent = found.most > 0 ? t("evidenceIn", name, found.layer.name) : t("noEvidence", name, found.layer.name);
    const { H, W, data } = found, context = this.canvas.getContext("2d"), one = new OffscreenCanvas(W, H);
    const pixels = one.getContext("2d").createImageData(W, H);
    for (let i = 0; i < H * W; i++) pixels.data.set([255, 90, 0, Math.round(190 * data[i])], i * 4);
    one.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(one, 0, 0, this.canvas.width, this.canvas.height);
  }

  // Arrow keys move a cursor over the picture. Enter or the space bar does there what a click does.
  cursorKey(event) {
    const [H, W] = this.app.pictures[0].shape, [row, column] = this.cursor ?? [H >> 1, W >> 1];
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step) {
      const within = (place, length) => Math.min(Math.max(place, 0), length - 1);
      this.moveCursor([within(row + step[0], H), within(column + step[1], W)]);
    } else if (event.key === "Enter" || event.key === " ") {
      this.last = null;
      this.use(row + 0.5, column + 0.5, true);
    } else return;
    event.preventDefault();
  }

  moveCursor(cursor) {
    this.cursor = cursor;
    this.show();
  }

  start(event) {
    this.last = null;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke(event);
  }

  stroke(event) {
    const [H, W] = this.app.pictures[0].shape, box = this.canvas.getBoundingClientRect();
    const column = ((event.clientX - box.left) / box.width) * W, row = ((event.clientY - box.top) / box.height) * H;
    this.use(row, column, event.type === "pointerdown");
  }

  // Look at this place of the picture, or draw or erase a stroke to it.
  use(row, column, isFirst) {
    const { app } = this, picture = this.waiting ?? app.pictures[0], [H, W, C] = picture.shape;
    if (picture.shape.length !== 3) return;
    if (this.tool === "look") {
      if (isFirst) app.select({ slot: app.network.inputs[0], at: (Math.floor(row) * W + Math.floor(column)) * C });
      return;
    }
    const [low, high] = this.rangeOfImages(), changed = picture.copy(), radius = (this.tool === "erase" ? 0.09 : 0.045) * Math.max(H, W);
    const from = this.last ?? [row, column], steps = Math.ceil(Math.hypot(row - from[0], column - from[1])) + 1;
    for (let step = 0; step <= steps; step++) {
      const y = from[0] + ((row - from[0]) * step) / steps, x = from[1] + ((column - from[1]) * step) / steps;
      for (let i = Math.max(0, Math.floor(y - radius - 1)); i < Math.min(H, y + radius + 1); i++)
        for (let j = Math.max(0, Math.floor(x - radius - 1)); j < Math.min(W, x + radius + 1); j++) {
          const covered = Math.min(Math.max(radius + 0.5 - Math.hypot(i + 0.5 - y, j + 0.5 - x), 0), 1);
          for (let c = 0; c < C; c++) {
            const at = (i * W + j) * C + c, ink = this.tool === "erase" ? low : high;
            changed.data[at] = this.tool === "erase"
              ? changed.data[at] + (ink - changed.data[at]) * covered : Math.max(changed.data[at], low + (ink - low) * covered);
          }
        }
    }
    this.last = [row, column];
    if (!this.waiting) requestAnimationFrame(() => this.showStrokes());
    this.waiting = changed;
  }

  // Strokes come faster than a large network computes, so those of one frame of the screen are computed together.
  showStrokes() {
    const picture = this.waiting;
    this.waiting = null;
    if (picture) this.app.setPicture(picture);
  }

  empty() {
    this.waiting = null;
    const { app } = this, blank = app.pictures[0].like();
    blank.data.fill(this.rangeOfImages()[0]);
    this.tool = "draw";
    this.makeTools();
    app.setPicture(blank, true);
  }

  // Moves the picture so that its ink is in the middle: MNIST's makers did this with every digit.
  centre() {
    this.showStrokes();
    const { app } = this, picture = app.pictures[0], [H, W, C] = picture.shape, low = this.rangeOfImages()[0], moved = picture.like();
    let ink = 0, row = 0, column = 0;
    picture.data.forEach((value, at) => {
      const pixel = Math.floor(at / C);
      ink += value - low;
      row += (value - low) * Math.floor(pixel / W);
      column += (value - low) * (pixel % W);
    });
    if (!(ink > 0)) return;
    const down = Math.round((H - 1) / 2 - row / ink), right = Math.round((W - 1) / 2 - column / ink);
    moved.data.fill(low);
    picture.data.forEach((value, at) => {
      const pixel = Math.floor(at / C), i = Math.floor(pixel / W) + down, j = (pixel % W) + right;
      if (i >= 0 && i < H && j >= 0 && j < W) moved.data[(i * W + j) * C + (at % C)] = value;
    });
    app.setPicture(moved);
  }

  // A file, cut to the picture's proportions, in its size and its range of numbers.
  async upload(file) {
    if (!file) return;
    const { app } = this, picture = app.pictures[0], [H, W, C] = picture.shape, [low, high] = this.rangeOfImages();
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) {
      this.note.textContent = t("notAnImage", file.name);
      return;
    }
    const canvas = new OffscreenCanvas(W, H), context = canvas.getContext("2d");
    const share = Math.max(W / bitmap.width, H / bitmap.height), width = bitmap.width * share, height = bitmap.height * share;
    context.fillRect(0, 0, W, H);
    context.drawImage(bitmap, (W - width) / 2, (H - height) / 2, width, height);
    const { data } = context.getImageData(0, 0, W, H), made = picture.like();
    for (let i = 0; i < H * W; i++) {
      const [red, green, blue] = data.slice(i * 4, i * 4 + 3), grey = 0.299 * red + 0.587 * green + 0.114 * blue;
      for (let c = 0; c < C; c++) made.data[i * C + c] = low + ((high - low) * (C >= 3 ? data[i * 4 + Math.min(c, 2)] : grey)) / 255;
    }
    app.setPicture(made, true);
    this.note.textContent = t("fitted", H, W);
  }
}

// Draws an image (H, W, C): in colours if it has three channels or more, otherwise in greys.
function paint(canvas, image, [low, high]) {
  const [H, W, C] = image.shape.length === 3 ? image.shape : [1, image.data.length, 1], one = new OffscreenCanvas(W, H);
  const context = one.getContext("2d"), pixels = context.createImageData(W, H), side = Math.max(1, Math.floor(SIDE / Math.max(H, W)));
  for (let i = 0; i < H * W; i++) {
    for (let c = 0; c < 3; c++) pixels.data[i * 4 + c] = (255 * (image.data[i * C + (C >= 3 ? c : 0)] - low)) / (high - low || 1);
    pixels.data[i * 4 + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  Object.assign(canvas, { width: W * side, height: H * side });
  const outer = canvas.getContext("2d");
  outer.imageSmoothingEnabled = false;
  outer.drawImage(one, 0, 0, canvas.width, canvas.height);
}
