// Numbers in other places: y[i] = x[index[i]], or `fill` where index[i] is -1.

import { Tensor } from "tensor";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  node.index.forEach((from, at) => (y.data[at] = from < 0 ? node.fill : x.data[from]));
  return y;
}

export function backward(node, dy, [x]) {
  const dx = x.like();
  node.index.forEach((from, at) => { if (from >= 0) dx.data[from] += dy.data[at]; });
  return { inputs: [dx], weights: {} };
}

export function explain(node, [x], weights, at) {
  const from = node.index[at];
  if (from < 0) return { reads: [], formulas: [["y", [], node.fill]] };
  return { reads: [{ input: 0, at: from, value: x.data[from] }], formulas: [["y", ["x"], x.data[from]]] };
}

export function reached(node, xs, y, weights, input, at) {
  const terms = [];
  node.index.forEach((from, output) => { if (from === at) terms.push({ at: output, factor: 1 }); });
  return terms;
}
