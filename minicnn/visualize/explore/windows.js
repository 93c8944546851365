// The cells of a pooling window that lie inside the image.

// [number of the cell in x, ...] for output `at` of a pooling, in reading order.
export function cellsOf(node, x, at) {
  const { KH, KW, SH, SW, PT, PL } = node.window, [H, W, C] = x.shape;
  const c = at % C, ow = Math.floor(at / C) % node.shape[1], oh = Math.floor(at / C / node.shape[1]), cells = [];
  for (let kh = 0; kh < KH; kh++)
    for (let kw = 0; kw < KW; kw++) {
      const h = oh * SH + kh - PT, w = ow * SW + kw - PL;
      if (h >= 0 && h < H && w >= 0 && w < W) cells.push((h * W + w) * C + c);
    }
  return cells;
}

// The outputs of a pooling whose windows hold cell `at` of x.
export function windowsWith(node, x, at) {
  const { KH, KW, SH, SW, PT, PL, OH, OW } = node.window, [H, W, C] = x.shape;
  const c = at % C, w = Math.floor(at / C) % W, h = Math.floor(at / C / W), outputs = [];
  for (let kh = KH - 1; kh >= 0; kh--)
    for (let kw = KW - 1; kw >= 0; kw--) {
      const oh = (h - kh + PT) / SH, ow = (w - kw + PL) / SW;
      if (!Number.isInteger(oh) || !Number.isInteger(ow) || oh < 0 || oh >= OH || ow < 0 || ow >= OW) continue;
      outputs.push((oh * OW + ow) * C + c);
    }
  return outputs;
}

// What `explain` of a pooling returns: its window as a table. Cells outside the image have no number.
export function explainWindow(node, x, at, more) {
  const { KH, KW, SH, SW, PT, PL } = node.window, [H, W, C] = x.shape, terms = [];
  const c = at % C, ow = Math.floor(at / C) % node.shape[1], oh = Math.floor(at / C / node.shape[1]);
  for (let kh = 0; kh < KH; kh++)
    for (let kw = 0; kw < KW; kw++) {
      const h = oh * SH + kh - PT, w = ow * SW + kw - PL, inside = h >= 0 && h < H && w >= 0 && w < W;
      const from = (h * W + w) * C + c;
      terms.push({ input: 0, at: inside ? from : null, value: inside ? x.data[from] : null });
    }
  return { groups: [{ channel: c, columns: KW, terms }], indices: { n: 0, oh, ow, c }, ...more };
}
