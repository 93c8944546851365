// Several arrays side by side along one axis.

import { Tensor, numberOf, placeOf } from "tensor";

export function forward(node, xs) {
  const y = new Tensor(node.shape);
  for (let at = 0; at < y.data.length; at++) {
    const { input, from } = sourceOf(node, xs, at);
    y.data[at] = xs[input].data[from];
  }
  return y;
}

export function backward(node, dy, xs) {
  const dxs = xs.map((x) => x.like());
  for (let at = 0; at < dy.data.length; at++) {
    const { input, from } = sourceOf(node, xs, at);
    dxs[input].data[from] = dy.data[at];
  }
  return { inputs: dxs, weights: {} };
}

// Which input, and which of its numbers, output `at` shows.
function sourceOf(node, xs, at) {
  const place = placeOf(at, node.shape);
  let input = 0;
  while (place[node.axis] >= xs[input].shape[node.axis]) place[node.axis] -= xs[input++].shape[node.axis];
  return { input, from: numberOf(place, xs[input].shape) };
}

export function explain(node, xs, weights, at) {
  const { input, from } = sourceOf(node, xs, at), value = xs[input].data[from];
  return { reads: [{ input, at: from, value }], formulas: [["y", [`x_${input + 1}`], value]] };
}

export function reached(node, xs, y, weights, input, at) {
  const place = placeOf(at, xs[input].shape);
  for (let before = 0; before < input; before++) place[node.axis] += xs[before].shape[node.axis];
  return [{ at: numberOf(place, node.shape), factor: 1 }];
}
