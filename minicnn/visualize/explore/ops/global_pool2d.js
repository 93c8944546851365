// Global pooling:  y[c] = mean (or max) over h, w of x[h, w, c]
//
// If several numbers are the largest, they share the gradient of the maximum equally.

import { Tensor } from "tensor";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  for (let c = 0; c < y.data.length; c++) {
    let sum = 0;
    for (let at = c; at < x.data.length; at += y.data.length) sum += x.data[at];
    y.data[c] = node.kind === "average" ? sum / (x.data.length / y.data.length) : x.data[winner(x, c, y.data.length)];
  }
  return y;
}

// The place of channel c's largest number, or of its first NaN.
function winner(x, c, C) {
  let best = c;
  for (let at = c; at < x.data.length; at += C) {
    if (Number.isNaN(x.data[at])) return at;
    if (x.data[at] > x.data[best]) best = at;
  }
  return best;
}

export function backward(node, dy, [x], y) {
  const dx = x.like(), C = y.data.length;
  for (let at = 0; at < x.data.length; at++) dx.data[at] = dy.data[at % C] * factorOf(node, x, y, at);
  return { inputs: [dx], weights: {} };
}

// d y[c] / d x[at]
function factorOf(node, x, y, at) {
  const C = y.data.length;
  if (node.kind === "average") return C / x.data.length;
  if (x.data[at] !== y.data[at % C]) return 0;
  let largest = 0;
  for (let other = at % C; other < x.data.length; other += C) if (x.data[other] === y.data[at % C]) largest++;
  return 1 / largest;
}

export function explain(node, [x], weights, at) {
  const [H, W, C] = x.shape, terms = [];
  for (let from = at; from < x.data.length; from += C) terms.push({ input: 0, at: from, value: x.data[from] });
  const more = node.kind === "average" ? { rule: "mean", count: H * W } : { rule: "max", winner: winner(x, at, C) };
  return { groups: [{ channel: at, columns: W, terms }], indices: { n: 0, c: at }, ...more };
}

export function reached(node, [x], y, weights, input, at) {
  return [{ at: at % y.data.length, factor: factorOf(node, x, y, at) }];
}
