// y = x * scale + offset, with one scale and one offset for each channel (the last axis).

export function forward(node, [x], { scale, offset }) {
  const y = x.like(), C = scale.data.length;
  for (let at = 0; at < x.data.length; at++) y.data[at] = x.data[at] * scale.data[at % C] + offset.data[at % C];
  return y;
}

export function backward(node, dy, [x], y, { scale }) {
  const dx = x.like();
  for (let at = 0; at < x.data.length; at++) dx.data[at] = dy.data[at] * scale.data[at % scale.data.length];
  return { inputs: [dx], weights: {} };
}

export function explain(node, [x], { scale, offset }, at) {
  const s = scale.data[at % scale.data.length], o = offset.data[at % scale.data.length];
  return {
    reads: [{ input: 0, at, value: x.data[at] }], facts: [["scale", s], ["offset", o]],
    formulas: [["y", [x.data[at], "*", s, "+", o], x.data[at] * s + o]],
  };
}

export function reached(node, xs, y, { scale }, input, at) {
  return [{ at, factor: scale.data[at % scale.data.length] }];
}
