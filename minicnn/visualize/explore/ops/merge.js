// Several arrays into one, number by number; axes of size 1 are broadcast.
//
//     add  x_1 + x_2 + ...      average  (x_1 + ... + x_n) / n      multiply  x_1 * x_2 * ...
//     subtract  x_1 - x_2       divide   x_1 / x_2                  maximum, minimum  the gradient goes to the first
//     power  x_1 ^ x_2          where    x_2 if x_1 is not 0, else x_3      greater, less, equal ...  1 or 0

import { Tensor, numberOf, placeOf } from "tensor";

// 1 if the answer is yes, else 0.
function question(sign, ask) {
  return { sign, value: ([a, b]) => (ask(a, b) ? 1 : 0), slope: () => 0 };
}

const rules = {
  add: { sign: "+", value: (v) => v.reduce((sum, x) => sum + x, 0), slope: () => 1 },
  average: { sign: "+", value: (v) => v.reduce((sum, x) => sum + x, 0) / v.length, slope: (v) => 1 / v.length },
  multiply: {
    sign: "*", value: (v) => v.reduce((product, x) => product * x, 1),
    slope: (v, i) => v.reduce((product, x, j) => (i === j ? product : product * x), 1),
  },
  subtract: { sign: "-", value: ([a, b]) => a - b, slope: (v, i) => (i === 0 ? 1 : -1) },
  divide: { sign: "/", value: ([a, b]) => a / b, slope: ([a, b], i) => (i === 0 ? 1 / b : -a / b / b) },
  maximum: { sign: ",", value: (v) => Math.max(...v), slope: (v, i) => (v.indexOf(Math.max(...v)) === i ? 1 : 0) },
  minimum: { sign: ",", value: (v) => Math.min(...v), slope: (v, i) => (v.indexOf(Math.min(...v)) === i ? 1 : 0) },
  power: {
    sign: "^", value: ([a, b]) => a ** b, slope: ([a, b], i) => (i === 0 ? b * a ** (b - 1) : a ** b * Math.log(a)),
  },
  where: { sign: ",", value: ([c, a, b]) => (c ? a : b), slope: ([c], i) => (i === (c ? 1 : 2) ? 1 : 0) },
  greater: question(">", (a, b) => a > b), greater_equal: question(">=", (a, b) => a >= b),
  less: question("<", (a, b) => a < b), less_equal: question("<=", (a, b) => a <= b),
  equal: question("==", (a, b) => a === b), not_equal: question("!=", (a, b) => a !== b),
};

export function forward(node, xs, { constant }) {
  const y = new Tensor(node.shape), all = operands(node, xs, constant), { value } = rules[node.kind];
  for (let at = 0; at < y.data.length; at++) y.data[at] = value(valuesAt(node, all, at));
  return y;
}

export function backward(node, dy, xs, y, { constant }) {
  const dxs = xs.map((x) => x.like()), all = operands(node, xs, constant), { slope } = rules[node.kind];
  for (let at = 0; at < dy.data.length; at++) {
    const values = valuesAt(node, all, at);
    all.forEach(({ input, tensor }, i) => {
      if (input !== null) dxs[input].data[sourceOf(node, tensor, at)] += dy.data[at] * slope(values, i);
    });
  }
  return { inputs: dxs, weights: {} };
}

// [{input: its number, or null for the constant; tensor}, ...] in the order of the formula.
function operands(node, xs, constant) {
  const all = xs.map((tensor, input) => ({ input, tensor }));
  if (!constant) return all;
  const fixed = { input: null, tensor: constant };
  return node.constant_first ? [fixed, ...all] : [...all, fixed];
}

function valuesAt(node, all, at) {
  return all.map(({ tensor }) => tensor.data[sourceOf(node, tensor, at)]);
}

// The number of the cell that output `at` reads: an axis of size 1 has one cell for all.
function sourceOf(node, tensor, at) {
  if (tensor.data.length === 1) return 0;
  const place = placeOf(at, node.shape).map((index, axis) => (tensor.shape[axis] === 1 ? 0 : index));
  return numberOf(place, tensor.shape);
}

export function explain(node, xs, { constant }, at) {
  const all = operands(node, xs, constant), values = valuesAt(node, all, at), { sign, value } = rules[node.kind];
  const reads = all.filter(({ input }) => input !== null).map(({ input, tensor }) => {
    const from = sourceOf(node, tensor, at);
    return { input, at: from, value: tensor.data[from] };
  });
  const numbers = values.flatMap((number, i) => (i ? [sign, number] : [number]));
  const written = {
    average: ["(", ...numbers, ") /", values.length], maximum: ["max(", ...numbers, ")"], minimum: ["min(", ...numbers, ")"],
    where: ["where(", ...numbers, ")"],
  };
  return { reads, formulas: [["y", written[node.kind] ?? numbers, value(values)]] };
}

export function reached(node, xs, y, { constant }, input, at) {
  const all = operands(node, xs, constant), i = all.findIndex((operand) => operand.input === input), terms = [];
  const shape = xs[input].shape, place = placeOf(at, shape), { slope } = rules[node.kind];
  const axes = node.shape.map((length, axis) => (
    shape[axis] === 1 ? Array.from({ length }, (_, index) => index) : [place[axis]]
  ));
  for (const output of axes.reduce((rows, axis) => rows.flatMap((row) => axis.map((index) => [...row, index])), [[]])) {
    const to = numberOf(output, node.shape);
    terms.push({ at: to, factor: slope(valuesAt(node, all, to), i) });
  }
  return terms;
}
