// How one number was computed: its window, the kernel, each product, the sum, and what follows in the same layer.

import { inkOn, scaleFor, css } from "colours";
import { rangeOf } from "tensor";
import { t } from "strings";
import { h, inFormula, text } from "dom";
import { below } from "views/below";
import { lesson } from "views/lesson";
import { largestFirst } from "views/terms";

const CHANNELS = 3;

// The explanation of number `at` of a slot, and of what the same layer computed before it.
export function arithmetic(app, slot, at) {
  const node = app.network.nodeOf.get(slot), how = node && app.network.explain(app.values, slot, at), parts = [];
  if (!node) return [h("p", {}, t(app.network.inputs.includes(slot) ? "fromImage" : "unknown"))];
  if (!how) return [h("p", {}, t("unknown"))];
  parts.push(h("section.step", { "aria-label": node.op }, body(app, node, how, at), lesson(app, node, how.indices, "forward"),
    node.op === "conv2d" ? below(app, node, at, how) : null));
  const inside = how.reads?.length === 1 || how.exponentials ? sameLayer(app, node, how, at) : null;
  if (inside) parts.push(h("h3", {}, t("before", titleOf(node))), ...arithmetic(app, inside.slot, inside.at));
  return parts;
}

function titleOf(node) {
  return node.function ?? node.kind ?? node.op;
}

// The operation before this one in the same layer, and its number that this one reads.
function sameLayer(app, node, how, at) {
  const slot = node.reads[0];
  if (app.network.layerOf.get(slot) !== app.network.layerOf.get(node.writes) || !app.network.nodeOf.has(slot)) return null;
  return { slot, at: how.exponentials ? at : how.reads[0].at };
}

function body(app, node, how, at) {
  const result = app.values.get(node.writes).data[at];
  if (how.exponentials) return softmax(app, node, how);
  if (how.groups) return how.rule ? pooling(app, node, how, result) : convolution(app, node, how, result);
  if (how.terms) return [products(app, node, how.terms), sums(app, node, how, result)];
  return formulas(app, node, how);
}

// A number that leads to where it was computed.
export function toNumber(app, slot, at, value, digits) {
  return h("button.number", { onclick: () => app.select({ slot, at }) }, text(value, digits));
}

export function toWeight(app, node, name, at, value, digits) {
  return h("button.number", { onclick: () => app.select({ weight: node.weights[name], at, name }) }, text(value, digits));
}

function convolution(app, node, how, result) {
  const groups = how.groups.map((group) => ({ ...group, sum: group.terms.reduce((sum, term) => sum + term.product, 0) }));
  const sorted = [...groups].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const all = groups.flatMap((group) => group.terms), ranges = ["value", "factor", "product"].map((key) => (
    scaleFor(rangeOf(all.map((term) => term[key])))
  ));
  const draw = (group) => h("div.channel", {},
    h("h4", {}, t("channel", group.channel, text(group.sum))),
    h("div.three", {},
      grid(t("window"), group, ranges[0], (term) => (
        term.at === null ? null : toNumber(app, node.reads[term.input], term.at, term.value, 3)
      ), "value"),
      h("span.sign", {}, "×"),
      grid(t("kernel"), group, ranges[1], (term) => (
        toWeight(app, node, term.weight, term.weightAt, term.factor, 3)
      ), "factor"),
      h("span.sign", {}, "="),
      grid(t("products"), group, ranges[2], (term) => text(term.product, 3), "product")));
  const shown = sorted.slice(0, CHANNELS), hidden = sorted.slice(CHANNELS), box = h("div", {}, shown.map(draw));
  if (hidden.length) {
    const rest = hidden.reduce((sum, group) => sum + group.sum, 0);
    const more = h("button", { onclick: () => more.parentElement.replaceWith(...hidden.map(draw)) }, t("moreChannels", hidden.length));
    box.append(h("p", {}, `${t("otherChannels", hidden.length)}: ${text(rest)} `, more));
  }
  return [box, sums(app, node, { ...how, terms: all }, result)];
}

function grid(caption, group, scale, content, key) {
  const rows = [];
  for (let i = 0; i < group.terms.length; i += group.columns) {
    rows.push(h("tr", {}, group.terms.slice(i, i + group.columns).map((term) => {
      const value = term[key], outside = term.at === null && key === "value";
      const style = outside ? "" : `background: ${css(value, scale)}; color: ${inkOn(value, scale)}`;
      return h("td", { style, title: outside ? t("outside") : "" }, content(term) ?? "·");
    })));
  }
  return h("table.grid", {}, h("caption", {}, caption), h("tbody", {}, rows));
}

function sums(app, node, how, result) {
  const sum = how.terms.reduce((total, term) => total + term.product, 0);
  return h("table.sums", {}, h("tbody", {},
    h("tr", {}, h("th", { scope: "row" }, t("sum")), h("td", {}, text(sum))),
    how.bias ? h("tr", {}, h("th", { scope: "row" }, t("bias")),
      h("td", {}, toWeight(app, node, how.bias.weight, how.bias.weightAt, how.bias.value))) : null,
    h("tr.result", {}, h("th", { scope: "row" }, t("result")), h("td", {}, text(result)))));
}

function products(app, node, terms) {
  return largestFirst(terms, [t("input"), "x", t("weight"), t("product")], (term) => [
    h("td", {}, app.placeText(node.reads[term.input], term.at)),
    h("td", {}, toNumber(app, node.reads[term.input], term.at, term.value)),
    h("td", {}, term.weight ? toWeight(app, node, term.weight, term.weightAt, term.factor) : text(term.factor)),
    h("td", {}, text(term.product)),
  ]);
}

function pooling(app, node, how, result) {
  const group = how.groups[0], scale = scaleFor(rangeOf(group.terms.map((term) => term.value ?? 0)));
  const table = grid(t("window"), group, scale, (term) => (
    term.at === null ? null : toNumber(app, node.reads[0], term.at, term.value)
  ), "value");
  if (how.winner !== undefined) {
    group.terms.forEach((term, i) => {
      if (term.at === how.winner) table.querySelectorAll("td")[i].classList.add("winner");
    });
  }
  return [h("div.scroll", { tabIndex: 0 }, table), h("p", {}, how.rule === "mean" ? t("means", how.count) : t(how.rule === "max" ? "wins" : "winsSmallest")),
    h("table.sums", {}, h("tbody", {}, h("tr.result", {}, h("th", { scope: "row" }, t("result")), h("td", {}, text(result)))))];
}

function softmax(app, node, how) {
  const rows = how.exponentials.map((term) => h(term.here ? "tr.here" : "tr", {},
    h("td", {}, app.className(node.writes, term.at)),
    h("td", {}, toNumber(app, node.reads[0], term.at, term.value)),
    h("td", {}, text(term.exponential))));
  return [h("div.scroll", { tabIndex: 0 }, h("table.terms", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, ""), h("th", { scope: "col" }, t("logit")),
      h("th", { scope: "col" }, t("share", text(how.largest))))),
    h("tbody", {}, rows, h("tr.result", {}, h("td", { colSpan: 2 }, t("sum")), h("td", {}, text(how.sum)))))),
  formulas(app, node, how)];
}

function formulas(app, node, how) {
  const facts = how.facts?.length ? h("p.facts", {}, how.facts.map(([name, value]) => h("span", {}, `${name} = ${text(value)}`))) : null;
  const reads = (how.reads ?? []).map((read) => h("p", {}, `${app.slotTitle(node.reads[read.input])} = `,
    toNumber(app, node.reads[read.input], read.at, read.value)));
  const lines = (how.formulas ?? []).map(([name, parts, value]) => h("p.formula", {},
    `${name} = ${written(parts)} = `, h("b", {}, text(value))));
  const weight = how.weight ? h("p", {}, `${t("weight")} = `, toWeight(app, node, how.weight.name, how.weight.at, how.weight.value)) : null;
  return [facts, reads, weight, how.note ? h("p.formula", {}, how.note) : null, lines];
}

// Numbers and words as a formula.
function written(parts) {
  const joined = parts.map((part) => (typeof part === "number" ? inFormula(part) : part)).join(" ");
  const tight = joined.replaceAll("( ", "(").replaceAll(" )", ")").replaceAll(" ,", ",");
  return tight.replace(/(\w)\((\([^()]*\))\)/g, "$1$2"); // a function of one negative number has brackets already
}
