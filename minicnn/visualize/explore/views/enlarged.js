// The chosen map, enlarged, so that a single pixel is easy to hit; the kernel around a chosen weight; a weight over time.

import { Maps } from "views/maps";
import { Tensor } from "tensor";
import { t } from "strings";
import { h, text } from "dom";

const SIDE = 220;

// The map with the chosen number, large. Nothing for vectors.
export function enlarged(app, slot, at) {
  const values = (app.mode === "forward" ? app.values : app.gradients).get(slot);
  if (values?.shape.length !== 3 || values.shape[0] * values.shape[1] < 4) return null;
  const [H, W, C] = values.shape, c = at % C, one = new Tensor([H, W, 1]);
  for (let i = 0; i < H * W; i++) one.data[i] = values.data[i * C + c];
  const maps = new Maps({ name: `${app.slotTitle(slot)}, ${t("map", c)}`, side: SIDE, choose: (i) => app.select({ slot, at: i * C + c }) });
  maps.cursor = Math.floor(at / C);
  maps.marked = [maps.cursor];
  maps.show(one, { signed: app.mode === "backward", width: SIDE * 3 });
  return h("details.enlarged", { open: true }, h("summary", {}, t("map", c)), maps.element);
}

// What a weight was after each recorded epoch, and for a kernel its neighbours in the same filter and channel.
export function weightOverEpochs(app, number, at) {
  const epochs = app.epochs.map(({ weights }, i) => [t("epoch", app.data.epochs[i].epoch), weights[number]]).filter(([, weight]) => weight);
  const rows = [...epochs, [t("now"), app.now[number]]], [KH, KW] = app.data.weights[number].shape;
  const isKernel = app.data.weights[number].shape.length === 4;
  if (!isKernel && !epochs.length) return null;
  return h("div.scroll", { tabIndex: 0 }, h("div.three", {}, rows.map(([name, weight]) => h("table.grid", {}, h("caption", {}, name),
    h("tbody", {}, isKernel ? kernelRows(app, number, weight, at, KH, KW) : h("tr", {}, h("td", {}, text(weight.data[at]))))))));
}

function kernelRows(app, number, weight, at, KH, KW) {
  const rest = weight.data.length / (KH * KW); // from one tap to the next
  return Array.from({ length: KH }, (_, kh) => h("tr", {}, Array.from({ length: KW }, (_, kw) => {
    const here = (kh * KW + kw) * rest + (at % rest);
    return h(here === at ? "td.winner" : "td", {}, h("button.number", {
      onclick: () => app.select({ weight: number, at: here, name: "kernel" }),
    }, text(weight.data[here], 3)));
  })));
}
