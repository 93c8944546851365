// Transposed convolution:  y[h*SH + kh*DH - PT, w*SW + kw*DW - PL, f] += x[h, w, c] * w[kh, kw, f, c];  y += b
//
// x (H, W, C), w (KH, KW, F, C), y (OH, OW, F). The window is that of the convolution that makes (H, W) of (OH, OW).

import { Tensor } from "tensor";

export function forward(node, [x], { kernel, bias }) {
  const y = new Tensor(node.shape), F = node.shape[2], C = x.shape[2];
  if (bias) for (let o = 0; o < y.data.length; o += F) y.data.set(bias.data, o);
  eachTap(node, x, (input, tap, output) => {
    for (let f = 0; f < F; f++)
      for (let c = 0; c < C; c++) y.data[output + f] += x.data[input + c] * kernel.data[(tap * F + f) * C + c];
  });
  return y;
}

export function backward(node, dy, [x], y, { kernel, bias }) {
  const dx = x.like(), dw = kernel.like(), F = node.shape[2], C = x.shape[2];
  eachTap(node, x, (input, tap, output) => {
    for (let f = 0; f < F; f++)
      for (let c = 0; c < C; c++) {
        const at = (tap * F + f) * C + c;
        dw.data[at] += dy.data[output + f] * x.data[input + c];
        dx.data[input + c] += dy.data[output + f] * kernel.data[at];
      }
  });
  if (!bias) return { inputs: [dx], weights: { kernel: dw } };
  const db = bias.like();
  for (let o = 0; o < dy.data.length; o++) db.data[o % F] += dy.data[o];
  return { inputs: [dx], weights: { kernel: dw, bias: db } };
}

// Call each(start of x's pixel, number of the tap, start of y's pixel) for every copy of the kernel.
function eachTap(node, x, each) {
  const { KH, KW } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  for (let h = 0; h < H; h++)
    for (let w = 0; w < W; w++)
      for (let tap = 0; tap < KH * KW; tap++) {
        const pixel = pixelOf(node, h, w, tap);
        if (pixel !== null) each((h * W + w) * C, tap, pixel * F);
      }
}

// The pixel of y that tap number `tap` of pixel (h, w) adds to, or null if it falls outside.
function pixelOf(node, h, w, tap) {
  const { KW, SH, SW, DH, DW, PT, PL } = node.window, [OH, OW] = node.shape;
  const oh = h * SH + Math.floor(tap / KW) * DH - PT, ow = w * SW + (tap % KW) * DW - PL;
  return oh >= 0 && oh < OH && ow >= 0 && ow < OW ? oh * OW + ow : null;
}

// The products whose sum is output `at`, one group for each channel.
export function explain(node, [x], { kernel, bias }, at) {
  const { KH, KW } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  const f = at % F, pixel = Math.floor(at / F), groups = [];
  for (let c = 0; c < C; c++) {
    const terms = [];
    for (let h = 0; h < H; h++)
      for (let w = 0; w < W; w++)
        for (let tap = 0; tap < KH * KW; tap++) {
          if (pixelOf(node, h, w, tap) !== pixel) continue;
          const from = (h * W + w) * C + c, k = (tap * F + f) * C + c;
          terms.push({
            input: 0, at: from, value: x.data[from], weight: "kernel", weightAt: k, factor: kernel.data[k],
            product: x.data[from] * kernel.data[k],
          });
        }
    groups.push({ channel: c, columns: Math.max(terms.length, 1), terms });
  }
  return { groups, bias: bias && { weight: "bias", weightAt: f, value: bias.data[f] } };
}

// The outputs that input `at` went to: dx[at] is the sum of their gradients times `factor`.
export function reached(node, [x], y, { kernel }, input, at) {
  const { KH, KW } = node.window, [, W, C] = x.shape, F = node.shape[2], terms = [];
  const c = at % C, w = Math.floor(at / C) % W, h = Math.floor(at / C / W);
  for (let tap = 0; tap < KH * KW; tap++) {
    const pixel = pixelOf(node, h, w, tap);
    for (let f = 0; f < F && pixel !== null; f++) {
      const k = (tap * F + f) * C + c;
      terms.push({ at: pixel * F + f, weight: "kernel", weightAt: k, factor: kernel.data[k] });
    }
  }
  return terms;
}

// The positions where weight `at` was used: its gradient is the sum of the outputs' gradients times `factor`.
export function used(node, [x], y, weights, name, at) {
  const [H, W, C] = x.shape, F = node.shape[2], terms = [];
  if (name === "bias") {
    for (let output = at; output < y.data.length; output += F) terms.push({ at: output, factor: 1 });
    return terms;
  }
  const c = at % C, f = Math.floor(at / C) % F, tap = Math.floor(at / C / F);
  for (let h = 0; h < H; h++)
    for (let w = 0; w < W; w++) {
      const pixel = pixelOf(node, h, w, tap), from = (h * W + w) * C + c;
      if (pixel !== null) terms.push({ at: pixel * F + f, input: 0, from, factor: x.data[from] });
    }
  return terms;
}
