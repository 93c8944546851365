// Products of matrices:  y[s, m, f] = sum over k of a[s, m, k] * b[s, k, f]
//
// a (S, M, K), b (S, K, F); one of them may be a single matrix that meets all of the other's.

import { Tensor } from "tensor";

function sizes(a, b) {
  const K = a.shape.at(-1), F = b.shape.at(-1), M = a.shape.length > 1 ? a.shape.at(-2) : 1;
  const [several, others] = [a.data.length / (M * K), b.data.length / (K * F)];
  return { K, F, M, S: Math.max(several, others), a: several > 1 ? M * K : 0, b: others > 1 ? K * F : 0 };
}

// Call each(place in a, place in b, place in y) for every product.
function eachProduct(a, b, each) {
  const { S, M, K, F, ...next } = sizes(a, b);
  for (let s = 0; s < S; s++) for (let m = 0; m < M; m++) for (let k = 0; k < K; k++) for (let f = 0; f < F; f++) {
    each(s * next.a + m * K + k, s * next.b + k * F + f, (s * M + m) * F + f);
  }
}

export function forward(node, [a, b]) {
  const y = new Tensor(node.shape);
  eachProduct(a, b, (left, right, to) => { y.data[to] += a.data[left] * b.data[right]; });
  return y;
}

export function backward(node, dy, [a, b]) {
  const da = a.like(), db = b.like();
  eachProduct(a, b, (left, right, to) => {
    da.data[left] += dy.data[to] * b.data[right];
    db.data[right] += dy.data[to] * a.data[left];
  });
  return { inputs: [da, db], weights: {} };
}

export function explain(node, [a, b], weights, at) {
  const { M, K, F, ...next } = sizes(a, b), f = at % F, m = Math.floor(at / F) % M, s = Math.floor(at / F / M);
  return {
    terms: Array.from({ length: K }, (_, k) => {
      const left = s * next.a + m * K + k, factor = b.data[s * next.b + k * F + f];
      return { input: 0, at: left, value: a.data[left], factor, product: a.data[left] * factor };
    }),
    indices: { s, m, f },
  };
}

export function reached(node, [a, b], y, weights, input, at) {
  const terms = [];
  eachProduct(a, b, (left, right, to) => {
    if ((input === 0 ? left : right) === at) terms.push({ at: to, factor: input === 0 ? b.data[right] : a.data[left] });
  });
  return terms;
}
