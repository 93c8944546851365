// What minicnn's own files say about an operation: its equation, and its definition with this number's indices put in.

import { t } from "strings";
import { h } from "dom";

export function lesson(app, node, indices, direction) {
  const found = app.lessons[`${node.op} ${node.kind}`] ?? app.lessons[node.op];
  if (!found) return null;
  const code = found[direction];
  return h("details.lesson", { open: direction === "forward" }, h("summary", {}, t("equation")),
    h("pre", { tabIndex: 0 }, equationOf(node, found)),
    code ? h("p", {}, t("definition", found.file)) : null,
    code ? h("pre", { tabIndex: 0 }, indices ? withIndices(code, indices) : code) : null);
}

// Of activations and merges, which share a page of equations, only the line of this one.
function equationOf(node, found) {
  const own = found.equation.match(new RegExp(`(?:^|   )(${node.function ?? node.kind ?? node.op} +.+?)(?:   |\n|$)`, "m"));
  return own ? own[1] : found.equation;
}

// The part of the definition that computes one number. Its loops are left out: their variables have these values.
function withIndices(code, indices) {
  const lines = code.split("\n"), isLoop = (line) => {
    const loop = line.match(/^ *for ([\w, ]+) in/);
    return loop && loop[1].split(", ").every((name) => name in indices);
  };
  const first = lines.findIndex(isLoop);
  if (first < 0) return code;
  let inner = first;
  while (isLoop(lines[inner])) inner++;
  const indent = lines[inner].search(/\S/), block = [];
  for (const line of lines.slice(inner)) {
    if (line.trim() && line.search(/\S/) < indent) break;
    block.push(line.slice(indent));
  }
  const names = new RegExp(`\\b(${Object.keys(indices).join("|")})\\b`, "g");
  return block.join("\n").replace(names, (name) => indices[name]).trim();
}
