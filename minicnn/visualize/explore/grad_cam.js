// Which places in an image are evidence for a class: the maps of the last convolution, each weighted by the mean of its
// gradient, summed; negative sums become 0. As in `visualize/grad_cam.py`. Source: Selvaraju et al., 2017.

import { Tensor } from "tensor";

// The evidence for a class: {H, W, data: from 0 to 1, most: 0 where there is none, layer}; null where the network has no
// maps, or no gradient reaches them.
export function evidenceOf(app, label) {
  const layer = [...app.network.layers].reverse().find(({ shape }) => shape.length === 3);
  const maps = layer && app.values.get(layer.writes);
  if (!maps) return null;
  const gradient = scoreGradient(app, label)?.get(layer.writes), [H, W, C] = maps.shape;
  const data = new Float32Array(H * W), weights = new Float32Array(C);
  if (!gradient) return null;
  for (let i = 0; i < gradient.data.length; i++) weights[i % C] += gradient.data[i] / (H * W);
  for (let i = 0; i < maps.data.length; i++) data[Math.floor(i / C)] += maps.data[i] * weights[i % C];
  const most = data.reduce((largest, value) => Math.max(largest, value), 0);
  return { H, W, most, layer, data: data.map((value) => (most > 0 ? Math.max(value, 0) / most : 0)) };
}

// The gradients of the class's score: of its logit where the network ends in softmax or sigmoid.
function scoreGradient(app, label) {
  const { network, values } = app, start = app.logitSlot(), score = values.get(start);
  if (!score) return null;
  const gradient = new Tensor(score.shape), K = score.data.length;
  gradient.data[K > 1 ? label : 0] = K > 1 || label === 1 ? 1 : -1;
  return network.backwardFrom(values, new Map([[start, gradient]])).gradients;
}
