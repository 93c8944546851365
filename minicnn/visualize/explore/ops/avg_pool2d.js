// Average pooling:  y[oh, ow, c] = mean over kh, kw inside the image of x[oh*SH + kh - PT, ow*SW + kw - PL, c]

import { Tensor } from "tensor";
import { cellsOf, explainWindow, windowsWith } from "windows";

export function forward(node, [x]) {
  const y = new Tensor(node.shape);
  for (let at = 0; at < y.data.length; at++) {
    const cells = cellsOf(node, x, at);
    y.data[at] = cells.reduce((sum, cell) => sum + x.data[cell], 0) / cells.length;
  }
  return y;
}

export function backward(node, dy, [x]) {
  const dx = x.like();
  for (let at = 0; at < dy.data.length; at++) {
    const cells = cellsOf(node, x, at);
    for (const cell of cells) dx.data[cell] += dy.data[at] / cells.length;
  }
  return { inputs: [dx], weights: {} };
}

export function explain(node, [x], weights, at) {
  return explainWindow(node, x, at, { rule: "mean", count: cellsOf(node, x, at).length });
}

export function reached(node, [x], y, weights, input, at) {
  return windowsWith(node, x, at).map((output) => ({ at: output, factor: 1 / cellsOf(node, x, output).length }));
}
