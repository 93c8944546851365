// The outputs as bars, what is right and what the network says, and the class that the loss takes for the right one.

import { css, scaleFor } from "colours";
import { rangeOf } from "tensor";
import { t } from "strings";
import { h, percent, text } from "dom";

const MOST = 12, MOST_OUTPUTS = 1000;

export function scores(app) {
  const slot = app.network.outputs[0], y = app.values.get(slot);
  if (!y && app.epoch === null) return [h("p.note", {}, t("noOutputs"))];
  if (!y) return [h("p.note", {}, t("noOutputsThen")), h("button", { onclick: () => app.setEpoch(null) }, t("toNow"))];
  if (y.data.length > MOST_OUTPUTS || y.shape.length !== 1) return [loss(app)].filter(Boolean);
  const p = app.probabilities(), shown = p ?? y.data;
  const order = [...shown.keys()].sort((a, b) => shown[b] - shown[a]).slice(0, MOST);
  const range = scaleFor(rangeOf(shown)), most = p ? 1 : Math.max(Math.abs(range.low), range.high), logits = app.logitSlot();
  const colour = css(most, { signed: true, low: -most, high: most }), names = app.choices();
  const rows = order.map((i) => h(i === app.target ? "tr.here" : "tr", {},
    h("th", { scope: "row" }, h("bdi", {}, app.className(slot, i))),
    h("td", {}, h("span.bar", { style: `width: ${(100 * Math.abs(shown[i])) / most}%; background: ${colour}` })),
    h("td.value", {}, number(app, slot, i, p ? percent(shown[i]) : text(shown[i]))),
    h("td.value", {}, p && app.values.has(logits) ? number(app, logits, i, text(app.values.get(logits).data[i])) : "")));
  const head = h("thead", {}, h("tr", {}, h("td", {}), h("td", {}),
    h("th", { scope: "col" }, p ? t("probability") : ""), h("th", { scope: "col" }, p ? t("logit") : "")));
  return [
    h("p.verdict", {}, app.verdictNow()),
    h("table.scores", {}, h("caption", {}, t("scores")), head, h("tbody", {}, rows)), target(app, names), loss(app),
  ].filter(Boolean);
}

function number(app, slot, at, written) {
  return h("button.number", { onclick: () => app.select({ slot, at }) }, written);
}

function target(app, names) {
  if (typeof app.target !== "number" || !app.data.loss.classifies) return null;
  const options = names.map((name, i) => h("option", { selected: i === app.target }, name));
  return h("label", {}, `${t(app.data.loss.operation ? "label" : "scoreOf")} `,
    h("select", { onchange: (event) => app.setTarget(event.target.selectedIndex) }, options));
}

function loss(app) {
  if (!app.data.loss.operation) return h("p.note", {}, t("noLoss"));
  const value = app.network.lossGradient(app.values, app.target).loss;
  if (value === undefined) return null;
  const note = app.data.loss.part ? h("span.note", {}, ` ${t("part")}`) : "";
  return h("p", {}, `${t("loss")}: `, h("b", {}, text(value)), note);
}
