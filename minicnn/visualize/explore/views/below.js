// Below the equation: the same pixel as a row of im2col in the matrix product, in the register tile that computes it on
// the CPU, and in the block of threads that computes it on a GPU. The tables come from the kernels' own code (below.py).

import { t } from "strings";
import { h, text } from "dom";

const NAMES = ["k", "rows[i]", "cols[k]", "a[…]", "b[k, j]"], TAPS = 8, WIDTH = 520, SIDE = 160;

export function below(app, node, at, how) {
  if (!node.below) return null;
  const table = (name) => app.table(node.below[name]), [pixels, taps, tiles] = ["pixels", "taps", "tiles"].map(table);
  const F = node.shape[2], M = pixels.length, K = taps.length, row = Math.floor(at / F), column = at % F;
  const tile = tileOf(tiles, at, F), terms = how.groups.flatMap((group) => group.terms);
  return h("details.below", {}, h("summary", {}, t("below")),
    h("h4", {}, "im2col"), h("p", {}, t("im2col", row, M, K, column, F)), drawing({ M, K, F, row, column, tile }),
    h("h4", {}, t("tile")), h("p", {}, t("tileRows", tile.row, tile.row + tile.rows - 1, tile.column, tile.column + tile.columns - 1,
      node.below.ROWS, node.below.width)),
    h("p", {}, t("task", app.image, node.below.threads)),
    h("p.formula", {}, "c[i, j] = Σ_k a[rows[i] + cols[k]] · b[k, j]"),
    h("table.terms", {}, h("thead", {}, h("tr", {}, NAMES.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, [...taps.slice(0, TAPS)].map((tap, k) => {
        const term = termOf(terms, k, how.groups.length);
        return h("tr", {}, [k, pixels[row], tap, text(term.value), text(term.factor)].map((value) => h("td", {}, String(value))));
      }), K > TAPS ? h("tr", {}, h("td", { colSpan: 5 }, t("moreTaps", K - TAPS))) : null)),
    node.below.gpu_rows ? gpu(table, node, row, column) : null);
}

// Tap k of im2col's order (kh, kw, c), among the terms, which are listed channel by channel.
function termOf(terms, k, channels) {
  return terms[(k % channels) * (terms.length / channels) + Math.floor(k / channels)];
}

// The register tile with output `at`. tiles: first output, rows and columns of each.
function tileOf(tiles, at, F) {
  for (let i = 0; i < tiles.length; i += 3) {
    const [first, rows, columns] = tiles.slice(i, i + 3), row = Math.floor(first / F), column = first % F;
    const down = Math.floor(at / F) - row, across = (at % F) - column;
    if (down >= 0 && down < rows && across >= 0 && across < columns) return { row, column, rows, columns };
  }
  return null;
}

function gpu(table, node, row, column) {
  const [blockX, threadY] = table("gpu_rows").slice(2 * row, 2 * row + 2);
  const [blockY, threadX] = table("gpu_columns").slice(2 * column, 2 * column + 2);
  const { TILE } = node.below, reads = table("shared_reads");
  const a = reads.slice(threadY * TILE, (threadY + 1) * TILE), b = reads.slice((TILE + threadX) * TILE, (TILE + threadX + 1) * TILE);
  return h("div", {}, h("h4", {}, "GPU"), h("p", {}, t("gpu", blockX, blockY, threadX, threadY, TILE)),
    h("p", {}, t("shared", a[0], a.at(-1), b[0], b[1] - b[0])));
}

// The three matrices, to scale as far as they are visible: im2col @ kernel = output, with the row, the column, the tile.
function drawing({ M, K, F, row, column, tile }) {
  const tall = (count) => Math.max(14, Math.min(SIDE, 6 * Math.sqrt(count))), height = 22 + Math.max(tall(M), tall(K));
  const canvas = h("canvas", { width: WIDTH, height, role: "img", "aria-label": t("im2col", row, M, K, column, F) });
  const context = canvas.getContext("2d");
  const matrix = (left, rows, columns, name, lines) => {
    const width = tall(columns), height = tall(rows), top = 18;
    context.fillStyle = "#e6ecf1";
    context.fillRect(left, top, width, height);
    for (const [i, j, down, across, colour] of lines) {
      context.fillStyle = colour;
      const size = [Math.max(2, (across / columns) * width), Math.max(2, (down / rows) * height)];
      context.fillRect(left + (j / columns) * width, top + (i / rows) * height, ...size);
    }
    context.fillStyle = "#1b2733";
    context.fillText(`${name} ${rows} × ${columns}`, left, 12);
    return left + Math.max(width, 92) + 22;
  };
  context.font = "12px sans-serif";
  const band = "#9ecae1", strong = "#b2182b";
  let left = matrix(4, M, K, "im2col", [[tile.row, 0, tile.rows, K, band], [row, 0, 1, K, strong]]);
  left = matrix(left, K, F, t("kernel"), [[0, tile.column, K, tile.columns, band], [0, column, K, 1, strong]]);
  matrix(left, M, F, t("output"), [[tile.row, tile.column, tile.rows, tile.columns, band], [row, column, 1, 1, strong]]);
  return canvas;
}
