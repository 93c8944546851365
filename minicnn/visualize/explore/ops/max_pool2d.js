// Max pooling:  y[oh, ow, c] = max over kh, kw inside the image of x[oh*SH + kh - PT, ow*SW + kw - PL, c]
//
// The gradient goes to the first largest number of the window, in reading order. A window with NaN gives NaN.

import { Tensor } from "tensor";
import { cellsOf, explainWindow, windowsWith } from "windows";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  for (let at = 0; at < y.data.length; at++) y.data[at] = x.data[winner(node, x, at)];
  return y;
}

export function backward(node, dy, [x]) {
  const dx = x.like();
  for (let at = 0; at < dy.data.length; at++) dx.data[winner(node, x, at)] += dy.data[at];
  return { inputs: [dx], weights: {} };
}

function winner(node, x, at) {
  let best = -1;
  for (const cell of cellsOf(node, x, at)) {
    const value = x.data[cell];
    if (best < 0 || value > x.data[best] || Number.isNaN(value)) best = cell;
    if (Number.isNaN(value)) break;
  }
  return best;
}

export function explain(node, [x], weights, at) {
  return explainWindow(node, x, at, { winner: winner(node, x, at), rule: "max" });
}

export function reached(node, [x], y, weights, input, at) {
  return windowsWith(node, x, at).map((output) => ({ at: output, factor: winner(node, x, output) === at ? 1 : 0 }));
}
