// Zeros around an image:  y[h, w, c] = x[h - top, w - left, c], and `fill` outside x. With negative numbers for top and
// left, y is a part of x.

import { Tensor } from "tensor";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  for (let at = 0; at < y.data.length; at++) {
    const from = sourceOf(node, x, at);
    y.data[at] = from === null ? node.fill : x.data[from];
  }
  return y;
}

export function backward(node, dy, [x]) {
  const dx = x.like();
  for (let at = 0; at < dy.data.length; at++) {
    const from = sourceOf(node, x, at);
    if (from !== null) dx.data[from] = dy.data[at];
  }
  return { inputs: [dx], weights: {} };
}

// The number of x's cell that output `at` shows; null outside x.
function sourceOf(node, x, at) {
  const [H, W, C] = x.shape, OW = node.shape[1];
  const h = Math.floor(at / C / OW) - node.top, w = (Math.floor(at / C) % OW) - node.left;
  return h < 0 || h >= H || w < 0 || w >= W ? null : (h * W + w) * C + (at % C);
}

export function explain(node, [x], weights, at) {
  const from = sourceOf(node, x, at);
  if (from === null) return { facts: [["fill", node.fill]], formulas: [["y", ["fill"], node.fill]] };
  return { reads: [{ input: 0, at: from, value: x.data[from] }], formulas: [["y", ["x"], x.data[from]]] };
}

export function reached(node, [x], y, weights, input, at) {
  const [, W, C] = x.shape, [OH, OW] = node.shape;
  const h = Math.floor(at / C / W) + node.top, w = (Math.floor(at / C) % W) + node.left;
  return h < 0 || h >= OH || w < 0 || w >= OW ? [] : [{ at: (h * OW + w) * C + (at % C), factor: 1 }];
}
