// Functions of one number that are no activations, each with its derivative beside it.
//
//     y = value(x)        dL/dx = dL/dy * slope(x, y)

import { normalCdf } from "ops/activation";

const erf = (x) => 2 * normalCdf(x * Math.SQRT2) - 1;
const toEven = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const step = (value) => ({ value, slope: () => 0 });

export const functions = {
  square: { value: (x) => x * x, slope: (x) => 2 * x },
  sqrt: { value: Math.sqrt, slope: (x, y) => 1 / (2 * y) },
  rsqrt: { value: (x) => 1 / Math.sqrt(x), slope: (x, y) => -(y ** 3) / 2 },
  reciprocal: { value: (x) => 1 / x, slope: (x, y) => -y * y },
  absolute: { value: Math.abs, slope: Math.sign },
  log: { value: Math.log, slope: (x) => 1 / x },
  log1p: { value: Math.log1p, slope: (x) => 1 / (1 + x) },
  expm1: { value: Math.expm1, slope: (x, y) => y + 1 },
  erf: { value: erf, slope: (x) => (2 * Math.exp(-x * x)) / Math.sqrt(Math.PI) },
  sin: { value: Math.sin, slope: Math.cos },
  cos: { value: Math.cos, slope: (x) => -Math.sin(x) },
  arctan: { value: Math.atan, slope: (x) => 1 / (1 + x * x) },
  sign: step(Math.sign), floor: step(Math.floor), ceil: step(Math.ceil), round: step(toEven), trunc: step(Math.trunc),
  stop_gradient: step((x) => x),
};

export function forward(node, [x]) {
  const y = x.like(), { value } = functions[node.function];
  for (let at = 0; at < x.data.length; at++) y.data[at] = value(x.data[at]);
  return y;
}

export function backward(node, dy, [x], y) {
  const dx = x.like(), { slope } = functions[node.function];
  for (let at = 0; at < x.data.length; at++) dx.data[at] = dy.data[at] * slope(x.data[at], y.data[at]);
  return { inputs: [dx], weights: {} };
}

export function explain(node, [x], weights, at) {
  const y = functions[node.function].value(x.data[at]);
  return { reads: [{ input: 0, at, value: x.data[at] }], formulas: [["y", [`${node.function}(`, x.data[at], ")"], y]] };
}

export function reached(node, [x], y, weights, input, at) {
  return [{ at, factor: functions[node.function].slope(x.data[at], y.data[at]) }];
}
