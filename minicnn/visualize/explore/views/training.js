// Training over time: a slider that puts the weights of an earlier epoch into the network, and the curves.

import { t } from "strings";
import { h, text } from "dom";

const WIDTH = 420, HEIGHT = 124, COLOURS = ["#0b5f8a", "#b3541e"];

export class Training {
  constructor(app) {
    this.app = app;
    const { history = {}, epochs = [] } = app.data;
    this.stops = [...epochs.map((_, i) => i), null]; // null: the weights of now
    this.said = h("output", {});
    this.slider = h("input", {
      type: "range", min: 0, max: this.stops.length - 1, step: 1, value: this.stops.length - 1, "aria-label": t("training"),
      oninput: () => { this.turn = null; app.setEpoch(this.stops[this.slider.value]); },
    });
    this.button = h("button", { onclick: () => this.play() }, t("play"));
    this.curves = h("canvas", { width: WIDTH, height: HEIGHT, role: "img", "aria-label": this.summary(history) });
    const there = epochs.length || Object.keys(history).length;
    this.element = there ? h("section.epochs", { "aria-label": t("training") }, h("h2", {}, t("training")),
      epochs.length ? h("p", {}, this.button, " ", this.slider, " ", this.said) : null,
      epochs.length < app.data.records ? h("p.note", {}, t("epochsKept", epochs.length, app.data.records)) : null,
      Object.keys(history).length ? h("details", { open: !epochs.length }, h("summary", {}, t("curves")), this.curves) : null) : null;
  }

  summary(history) {
    const ends = ([name, values]) => `${name}: ${text(Number(values[0]))} … ${text(Number(values.at(-1)))}`;
    return Object.entries(history).filter(([, values]) => values.length).map(ends).join("; ");
  }

  show() {
    if (!this.element) return;
    const { app } = this, { history = {}, epochs = [] } = app.data, record = app.epoch === null ? null : epochs[app.epoch];
    this.slider.value = record ? app.epoch : this.stops.length - 1;
    const count = Math.max(0, ...Object.values(history).map((values) => values.length)); // not every epoch may be validated
    const logs = record?.epoch ? Object.entries(history).filter(([, values]) => values.length === count) : [];
    const written = logs.map(([name, values]) => `${name} ${text(Number(values[record.epoch - 1]))}`);
    const now = Number.isInteger(app.data.now) ? t("nowAs", app.data.now) : t("now");
    this.said.textContent = [record ? t("epoch", record.epoch) : now, ...written].join(", ");
    this.slider.setAttribute("aria-valuetext", this.said.textContent);
    this.drawCurves(history, record);
  }

  // Each quantity in a panel, training and validation together, from its smallest to its largest number.
  drawCurves(history, record) {
    const names = Object.keys(history).filter((name) => !name.startsWith("val_")), context = this.curves.getContext("2d");
    this.curves.height = HEIGHT * names.length;
    context.font = "12px sans-serif";
    names.forEach((name, panel) => {
      const lines = [name, `val_${name}`].map((key) => [key, (history[key] ?? []).map(Number)]);
      const all = lines.flatMap(([, values]) => values).filter(Number.isFinite), low = Math.min(...all), high = Math.max(...all);
      const count = Math.max(...lines.map(([, values]) => values.length)), top = panel * HEIGHT + 18, tall = HEIGHT - 44;
      const x = (epoch) => 46 + ((WIDTH - 56) * epoch) / Math.max(count - 1, 1);
      const y = (value) => top + tall * (1 - (value - low) / (high - low || 1));
      if (record) {
        context.fillStyle = "#0002";
        context.fillRect(x(record.epoch - 1) - 3, top, 6, tall);
      }
      context.fillStyle = "#51606e";
      context.fillText(text(high, 3), 4, top + 10);
      context.fillText(text(low, 3), 4, top + tall);
      for (const epoch of new Set([1, count])) context.fillText(epoch, x(epoch - 1) - 4, top + tall + 14);
      lines.forEach(([key, values], i) => {
        context.strokeStyle = context.fillStyle = COLOURS[i];
        if (values.length) context.fillText(key, 50 + i * 130, top - 5);
        context.beginPath();
        values.forEach((value, epoch) => context.lineTo(x(epoch), y(value)));
        context.stroke();
        values.forEach((value, epoch) => context.fillRect(x(epoch) - 1.5, y(value) - 1.5, 3, 3));
      });
    });
  }

  // Shows one epoch after the other, until the slider is moved or the button pressed again.
  async play() {
    const turn = this.turn = {};
    for (const stop of this.stops) {
      if (this.turn !== turn) return;
      this.app.setEpoch(stop);
      await new Promise((next) => setTimeout(next, 700));
    }
  }
}
