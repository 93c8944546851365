// A weight, or an array that never changes, as an array that other operations read.

import { Tensor } from "tensor";

export function forward(node, xs, { value }) {
  return new Tensor(node.shape, value.data.slice());
}

export function backward(node, dy, xs, y, { value }) {
  return { inputs: [], weights: { value: new Tensor(value.shape, dy.data.slice()) } };
}

export function explain(node, xs, { value }, at) {
  return { weight: { name: "value", at, value: value.data[at] }, formulas: [["y", ["w"], value.data[at]]] };
}

export function reached() {
  return [];
}
