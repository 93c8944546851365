// The panel beside the network: the chosen number or weight, and everything about it.

import { t } from "strings";
import { h, text } from "dom";
import { arithmetic } from "views/arithmetic";
import { enlarged, weightOverEpochs } from "views/enlarged";
import { gradientOfNumber, gradientOfWeight, weightPlace } from "views/gradient";

export function panel(app) {
  const { selected } = app;
  if (!selected) return [h("div.paneltop", {}, h("h2", { tabIndex: -1 }, t("arithmetic"))), h("p", {}, t("start"))];
  return [
    h("div.paneltop", {}, h("h2", { tabIndex: -1 }, title(app)),
      h("button", { onclick: () => app.goBack() }, t("back")), h("button", { onclick: () => app.close() }, t("close"))),
    h("div", {}, selected.weight === undefined ? aboutNumber(app, selected) : aboutWeight(app, selected)),
  ];
}

function title(app) {
  const { slot, weight, at, name } = app.selected;
  if (weight !== undefined) {
    const uses = (node) => Object.values(node.weights).includes(weight);
    const layer = app.network.layers.find(({ operations }) => operations.some(uses)), value = app.network.weights[weight]?.data[at];
    return `${layer.name}, ${name}[${weightPlace(app.data.weights[weight].shape, at)}] = ${text(value ?? NaN)}`;
  }
  const backward = app.mode === "backward", value = (backward ? app.gradients : app.values).get(slot)?.data[at];
  const written = `${backward ? "dL/dx = " : ""}${value === undefined ? "?" : text(value)}`;
  return `${app.slotTitle(slot)}, ${app.placeText(slot, at)}: ${written}`;
}

function aboutNumber(app, { slot, at }) {
  return [enlarged(app, slot, at), app.mode === "forward" ? arithmetic(app, slot, at) : gradientOfNumber(app, slot, at)];
}

function aboutWeight(app, { weight, at }) {
  if (!app.network.weights[weight]) return h("p", {}, t("unknown"));
  return [weightOverEpochs(app, weight, at), app.epoch === null ? editor(app, weight, at) : null, gradientOfWeight(app, weight, at)];
}

// A field for another value of the weight.
function editor(app, weight, at) {
  const value = Number(app.network.weights[weight].data[at].toPrecision(9));
  const field = h("input", { type: "number", step: "any", required: true, value }); // an empty one is not submitted
  const submit = (event) => {
    event.preventDefault();
    app.setWeight(weight, at, field.valueAsNumber);
  };
  return h("form.editor", { onsubmit: submit }, h("label", {}, `${t("edit")} `, field), h("button", {}, t("apply")));
}
