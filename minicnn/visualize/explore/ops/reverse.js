// The last axis backwards: channel c of y is channel C - 1 - c of x.

export function forward(node, [x]) {
  const y = x.like();
  for (let at = 0; at < x.data.length; at++) y.data[at] = x.data[mirrored(node, at)];
  return y;
}

export function backward(node, dy) {
  const dx = dy.like();
  for (let at = 0; at < dy.data.length; at++) dx.data[mirrored(node, at)] = dy.data[at];
  return { inputs: [dx], weights: {} };
}

function mirrored(node, at) {
  const C = node.shape.at(-1);
  return at - (at % C) + C - 1 - (at % C);
}

export function explain(node, [x], weights, at) {
  const from = mirrored(node, at);
  return { reads: [{ input: 0, at: from, value: x.data[from] }], formulas: [["y", ["x"], x.data[from]]] };
}

export function reached(node, xs, y, weights, input, at) {
  return [{ at: mirrored(node, at), factor: 1 }];
}
