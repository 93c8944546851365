// Resizing: each output is a mix of up to four pixels, two rows and two columns.
//
//     rows = [first, second, share]: row h of y is a mix of rows first[h] and second[h] of x; share[h] is the second's

import { Tensor } from "tensor";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  for (let at = 0; at < y.data.length; at++) {
    y.data[at] = sourcesOf(node, x, at).reduce((sum, { from, share }) => sum + x.data[from] * share, 0);
  }
  return y;
}

export function backward(node, dy, [x]) {
  const dx = x.like();
  for (let at = 0; at < dy.data.length; at++) {
    for (const { from, share } of sourcesOf(node, x, at)) dx.data[from] += dy.data[at] * share;
  }
  return { inputs: [dx], weights: {} };
}

// [{from: number of x's cell, share}, ...] of output `at`, without those whose share is 0.
function sourcesOf(node, x, at) {
  const [, W, C] = x.shape, [i0, i1, t] = node.rows, [j0, j1, s] = node.columns, OW = node.shape[1];
  const h = Math.floor(at / C / OW), w = Math.floor(at / C) % OW, sources = [];
  for (const [i, vertical] of [[i0[h], 1 - t[h]], [i1[h], t[h]]])
    for (const [j, horizontal] of [[j0[w], 1 - s[w]], [j1[w], s[w]]]) {
      if (vertical * horizontal !== 0) sources.push({ from: (i * W + j) * C + (at % C), share: vertical * horizontal });
    }
  return sources;
}

export function explain(node, [x], weights, at) {
  const terms = sourcesOf(node, x, at).map(({ from, share }) => (
    { input: 0, at: from, value: x.data[from], factor: share, product: x.data[from] * share }
  ));
  return { terms };
}

export function reached(node, [x], y, weights, input, at) {
  const terms = [];
  for (let output = at % x.shape[2]; output < y.data.length; output += x.shape[2])
    for (const { from, share } of sourcesOf(node, x, output)) if (from === at) terms.push({ at: output, factor: share });
  return terms;
}
