// Convolution:  y[oh, ow, f] = b[f] + sum over kh, kw, c of x[oh*SH + kh*DH - PT, ow*SW + kw*DW - PL, c] * w[kh, kw, c, f]
//
// x (H, W, C), w (KH, KW, C/G, F), y (OH, OW, F); x is zero outside the image. With G groups, filter f reads only the
// channels of its own group. A depthwise convolution has as many groups as channels.

import { Tensor } from "tensor";

// ReLU makes many inputs zero. Their products are left out, unless a weight is infinite: 0 times infinity is NaN.
export function forward(node, [x], { kernel, bias }) {
  const y = new Tensor(node.shape), F = node.shape[2], [read, w, out] = [x.data, kernel.data, y.data];
  const finite = w.every(Number.isFinite);
  if (bias) for (let o = 0; o < out.length; o += F) out.set(bias.data, o);
  eachTap(node, x, (input, channels, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const row = (tap * channels + c) * F;
      for (let f = 0; f < F; f++) out[output + f] += read[input + channelOf(node, f, c, F)] * w[row + f];
    }
  }, (input, channels, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const value = read[input + c], row = (tap * channels + c) * F;
      if (value === 0 && finite) continue;
      for (let f = 0; f < F; f++) out[output + f] += value * w[row + f];
    }
  });
  return y;
}

export function backward(node, dy, [x], y, { kernel, bias }) {
  const dx = x.like(), dw = kernel.like(), F = node.shape[2];
  eachTap(node, x, (input, channels, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const row = (tap * channels + c) * F;
      for (let f = 0; f < F; f++) {
        const at = input + channelOf(node, f, c, F), upstream = dy.data[output + f];
        dw.data[row + f] += upstream * x.data[at];
        dx.data[at] += upstream * kernel.data[row + f];
      }
    }
  }, (input, channels, tap, output) => {
    for (let c = 0; c < channels; c++) {
      const value = x.data[input + c], row = (tap * channels + c) * F;
      let sum = 0;
      for (let f = 0; f < F; f++) {
        const upstream = dy.data[output + f];
        dw.data[row + f] += upstream * value;
        sum += upstream * kernel.data[row + f];
      }
      dx.data[input + c] += sum;
    }
  });
  if (!bias) return { inputs: [dx], weights: { kernel: dw } };
  const db = bias.like();
  for (let o = 0; o < dy.data.length; o++) db.data[o % F] += dy.data[o];
  return { inputs: [dx], weights: { kernel: dw, bias: db } };
}

// Call each(start of x's pixel, channels of a group, number of the tap, start of y's pixel) for every tap of every
// window. A convolution without groups may have a quicker function for the same.
function eachTap(node, x, each, withoutGroups = each) {
  const { KH, KW, SH, SW, DH, DW, PT, PL, OH, OW } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  const call = node.groups === 1 ? withoutGroups : each;
  for (let oh = 0; oh < OH; oh++)
    for (let ow = 0; ow < OW; ow++)
      for (let kh = 0; kh < KH; kh++)
        for (let kw = 0; kw < KW; kw++) {
          const h = oh * SH + kh * DH - PT, w = ow * SW + kw * DW - PL;
          if (h < 0 || h >= H || w < 0 || w >= W) continue;
          call((h * W + w) * C, C / node.groups, kh * KW + kw, (oh * OW + ow) * F);
        }
}

// The input channel that filter f reads as its channel c.
function channelOf(node, f, c, F) {
  return node.groups === 1 ? c : Math.floor((f * node.groups) / F) * node.channels + c;
}

// The products whose sum is output `at`, one group for each channel.
export function explain(node, [x], { kernel, bias }, at) {
  const { KH, KW, SH, SW, DH, DW, PT, PL } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  const f = at % F, ow = Math.floor(at / F) % node.shape[1], oh = Math.floor(at / F / node.shape[1]);
  const groups = [];
  for (let c = 0; c < C / node.groups; c++) {
    const channel = channelOf(node, f, c, F), terms = [];
    for (let kh = 0; kh < KH; kh++)
      for (let kw = 0; kw < KW; kw++) {
        const h = oh * SH + kh * DH - PT, w = ow * SW + kw * DW - PL;
        const inside = h >= 0 && h < H && w >= 0 && w < W, from = (h * W + w) * C + channel;
        const k = ((kh * KW + kw) * (C / node.groups) + c) * F + f, value = inside ? x.data[from] : 0;
        terms.push({
          input: 0, at: inside ? from : null, value, weight: "kernel", weightAt: k, factor: kernel.data[k],
          product: value * kernel.data[k],
        });
      }
    groups.push({ channel, columns: KW, terms });
  }
  return {
    groups, bias: bias && { weight: "bias", weightAt: f, value: bias.data[f] },
    indices: { n: 0, oh, ow, f },
  };
}

// The outputs that input `at` went to: dx[at] is the sum of their gradients times `factor`.
export function reached(node, [x], y, { kernel }, input, at) {
  const { KH, KW, SH, SW, DH, DW, PT, PL, OH, OW } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  const channel = at % C, w = Math.floor(at / C) % W, h = Math.floor(at / C / W), terms = [];
  for (let kh = 0; kh < KH; kh++)
    for (let kw = 0; kw < KW; kw++) {
      const oh = (h - kh * DH + PT) / SH, ow = (w - kw * DW + PL) / SW;
      if (!Number.isInteger(oh) || !Number.isInteger(ow) || oh < 0 || oh >= OH || ow < 0 || ow >= OW) continue;
      for (let f = 0; f < F; f++) {
        const c = node.groups === 1 ? channel : channel - Math.floor((f * node.groups) / F) * node.channels;
        if (c < 0 || c >= C / node.groups) continue;
        const k = ((kh * KW + kw) * (C / node.groups) + c) * F + f;
        terms.push({ at: (oh * OW + ow) * F + f, weight: "kernel", weightAt: k, factor: kernel.data[k] });
      }
    }
  return terms;
}

// The positions where weight `at` was used: its gradient is the sum of the outputs' gradients times `factor`.
export function used(node, [x], y, weights, name, at) {
  const { KH, KW, SH, SW, DH, DW, PT, PL, OH, OW } = node.window, [H, W, C] = x.shape, F = node.shape[2];
  const f = at % F, row = Math.floor(at / F), terms = [], channels = C / node.groups;
  for (let oh = 0; oh < OH; oh++)
    for (let ow = 0; ow < OW; ow++) {
      const output = (oh * OW + ow) * F + f;
      if (name === "bias") {
        terms.push({ at: output, factor: 1 });
        continue;
      }
      const tap = Math.floor(row / channels), h = oh * SH + Math.floor(tap / KW) * DH - PT, w = ow * SW + (tap % KW) * DW - PL;
      if (h < 0 || h >= H || w < 0 || w >= W) continue;
      const from = (h * W + w) * C + channelOf(node, f, row % channels, F);
      terms.push({ at: output, input: 0, from, factor: x.data[from] });
    }
  return terms;
}
