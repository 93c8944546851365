// The dense layer:  y[f] = b[f] + sum over k of x[k] * w[k, f]       x (..., K), w (K, F), y (..., F)

import { Tensor } from "tensor";

export function forward(node, [x], { kernel, bias }) {
  const y = new Tensor(node.shape), [K, F] = kernel.shape, rows = x.data.length / K;
  for (let m = 0; m < rows; m++) {
    const output = m * F;
    if (bias) y.data.set(bias.data, output);
    for (let k = 0; k < K; k++) {
      const value = x.data[m * K + k];
      for (let f = 0; f < F; f++) y.data[output + f] += value * kernel.data[k * F + f];
    }
  }
  return y;
}

export function backward(node, dy, [x], y, { kernel, bias }) {
  const dx = x.like(), dw = kernel.like(), db = bias && bias.like(), [K, F] = kernel.shape, rows = x.data.length / K;
  for (let m = 0; m < rows; m++) {
    for (let k = 0; k < K; k++)
      for (let f = 0; f < F; f++) {
        const upstream = dy.data[m * F + f];
        dx.data[m * K + k] += upstream * kernel.data[k * F + f];
        dw.data[k * F + f] += upstream * x.data[m * K + k];
      }
    if (bias) for (let f = 0; f < F; f++) db.data[f] += dy.data[m * F + f];
  }
  return { inputs: [dx], weights: bias ? { kernel: dw, bias: db } : { kernel: dw } };
}

// The products whose sum is output `at`.
export function explain(node, [x], { kernel, bias }, at) {
  const [K, F] = kernel.shape, f = at % F, m = Math.floor(at / F), terms = [];
  for (let k = 0; k < K; k++) {
    const value = x.data[m * K + k], factor = kernel.data[k * F + f];
    terms.push({ input: 0, at: m * K + k, value, weight: "kernel", weightAt: k * F + f, factor, product: value * factor });
  }
  return { terms, bias: bias && { weight: "bias", weightAt: f, value: bias.data[f] }, indices: { m, f } };
}

// The outputs that input `at` went to: dx[at] is the sum of their gradients times `factor`.
export function reached(node, [x], y, { kernel }, input, at) {
  const [K, F] = kernel.shape, m = Math.floor(at / K), k = at % K;
  return Array.from({ length: F }, (_, f) => (
    { at: m * F + f, weight: "kernel", weightAt: k * F + f, factor: kernel.data[k * F + f] }
  ));
}

// The rows where weight `at` was used: its gradient is the sum of the outputs' gradients times `factor`.
export function used(node, [x], y, { kernel }, name, at) {
  const [K, F] = kernel.shape, f = at % F, k = Math.floor(at / F), rows = x.data.length / K;
  return Array.from({ length: rows }, (_, m) => (
    name === "bias" ? { at: m * F + f, factor: 1 } : { at: m * F + f, input: 0, from: m * K + k, factor: x.data[m * K + k] }
  ));
}
