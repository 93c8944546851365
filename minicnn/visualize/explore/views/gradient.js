// Where the gradient of a number or of a weight comes from, and what the optimizer would make of it.

import { numberOf, placeOf } from "tensor";
import { t } from "strings";
import { h, inFormula, text } from "dom";
import { toWeight } from "views/arithmetic";
import { largestFirst } from "views/terms";
import { lesson } from "views/lesson";

// The gradient of number `at` of a slot: the outputs it went to, each times its weight, the largest first.
export function gradientOfNumber(app, slot, at) {
  const gradient = app.gradients.get(slot);
  if (!gradient) return [h("p", {}, t("noGradient"))];
  const terms = app.network.reached(app.values, app.gradients, slot, at).filter((term) => term.product !== 0), parts = [];
  const { before } = app.network.lossGradient(app.values, app.target);
  if (app.network.outputs[0] === slot) parts.push(h("p", {}, t("atLoss")));
  if (before?.slot === slot && app.lastActivation()) {
    const p = app.values.get(app.network.outputs[0]).data[at], taken = app.network.targetOf(app.values, app.target);
    parts.push(h("p", {}, t("joined", text(p), text(taken.data[at]))));
  }
  if (terms.length) parts.push(table(app, terms, [t("wentTo"), t("upstream"), t("factor")], (term) => [
    h("td", {}, h("button.link", { onclick: () => app.select({ slot: term.node.writes, at: term.at }) },
      `${app.slotTitle(term.node.writes)}, ${app.placeText(term.node.writes, term.at)}`)),
    h("td", {}, text(term.upstream)),
    h("td", {}, term.weight ? toWeight(app, term.node, term.weight, term.weightAt, term.factor) : text(term.factor)),
  ]));
  parts.push(total("dL/dx", gradient.data[at]));
  const node = app.network.readersOf.get(slot)?.[0].node;
  if (node) parts.push(lesson(app, node, null, "backward"));
  return [h("h3", {}, t("whereTo")), ...parts];
}

// The gradient of number `at` of a weight: the positions where it was used, the largest first; the next step.
export function gradientOfWeight(app, number, at) {
  const gradient = app.weightGradients.get(number);
  if (!gradient) return [h("p", {}, t("noGradient"))];
  const terms = app.network.used(app.values, app.gradients, number, at).filter((term) => term.product !== 0);
  const rows = (term) => [
    h("td", {}, h("button.link", { onclick: () => app.select({ slot: term.node.writes, at: term.at }) },
      app.placeText(term.node.writes, term.at))),
    h("td", {}, text(term.upstream)),
    h("td", {}, term.from === undefined ? "" : h("button.link", { onclick: () => app.select({ slot: term.node.reads[0], at: term.from }) },
      app.placeText(term.node.reads[0], term.from))),
    h("td", {}, text(term.factor)),
  ];
  const heads = [t("wentTo"), t("upstream"), t("input"), t("met")];
  const node = app.network.nodes.find(({ weights }) => Object.values(weights).includes(number));
  return [h("h3", {}, t("positions")), table(app, terms, heads, rows), total("dL/dw", gradient.data[at]),
    lesson(app, node, null, "backward"), nextStep(app, number, at, gradient.data[at])];
}

function table(app, terms, heads, cells) {
  return largestFirst(terms, [...heads, t("product")], (term) => [...cells(term), h("td", {}, text(term.product))]);
}

function total(name, value) {
  return h("table.sums", {}, h("tbody", {}, h("tr.result", {}, h("th", { scope: "row" }, name), h("td", {}, text(value)))));
}

// The optimizer's next step for this weight, with the gradient of this image alone. Sources: see `optimizers/` of
// minicnn; for Adam Kingma and Ba, 2015.
function nextStep(app, number, at, g) {
  const { optimizer, loss, weights } = app.data, w = app.network.weights[number].data[at];
  if (!optimizer || !loss.operation || !weights[number].trains || app.epoch !== null) return null;
  const moments = app.moments.get(number), fresh = optimizer.name === "adam" && !moments, rate = optimizer.learning_rate;
  if (optimizer.name !== "adam") {
    const line = `w − rate · dL/dw = ${text(w)} − ${text(rate)} · ${inFormula(g)}`;
    return h("section.step", {}, h("h3", {}, t("optimizer", "SGD")), h("p.formula", {}, `${line} = `, h("b", {}, text(w - rate * g))),
      asInPrediction(app));
  }
  const { beta_1, beta_2, epsilon } = optimizer, step = fresh ? 1 : optimizer.iterations + 1;
  const [m0, v0] = fresh ? [0, 0] : [moments.momentum.data[at], moments.velocity.data[at]];
  const m = beta_1 * m0 + (1 - beta_1) * g, v = beta_2 * v0 + (1 - beta_2) * g * g;
  const corrected = (rate * Math.sqrt(1 - beta_2 ** step)) / (1 - beta_1 ** step), change = (corrected * m) / (Math.sqrt(v) + epsilon);
  return h("section.step", {}, h("h3", {}, t("optimizer", "Adam")), h("p", {}, fresh ? t("fresh") : t("moments", optimizer.iterations)),
    h("p.formula", {}, `m = ${beta_1} · ${inFormula(m0)} + ${text(1 - beta_1)} · ${inFormula(g)} = `, h("b", {}, text(m))),
    h("p.formula", {}, `v = ${beta_2} · ${text(v0)} + ${text(1 - beta_2)} · ${inFormula(g)}² = `, h("b", {}, text(v))),
    h("p.formula", {}, `rate = ${text(rate)} · √(1 − ${beta_2}^${step}) / (1 − ${beta_1}^${step}) = `, h("b", {}, text(corrected))),
    h("p.formula", {}, `w − rate · m / (√v + ${text(epsilon)}) = ${text(w)} − ${inFormula(change)} = `, h("b", {}, text(w - change))),
    asInPrediction(app));
}

function asInPrediction(app) {
  const differ = app.data.layers.some(({ type }) => /Dropout|Normalization|Noise|Random/.test(type));
  return differ ? h("p.note", {}, t("asInPrediction")) : "";
}

// The place of a weight's number, in words: kh, kw, c, f for a kernel.
export function weightPlace(shape, at) {
  const place = placeOf(at, shape), names = { 4: ["kh", "kw", "c", "f"], 2: ["k", "f"], 1: ["f"] }[shape.length];
  return numberOf(place, shape) === at && names ? names.map((name, i) => `${name} = ${place[i]}`).join(", ") : place.join(", ");
}
