// One number from many:  y = sum, mean, product, largest or smallest of x along some axes, or the place of the largest
//
// If several numbers are the largest, they share the gradient equally.

import { Tensor, numberOf, placeOf } from "tensor";

const COLUMNS = 16; // of the table that shows the numbers

// For each output the places of the numbers that it is made of.
function groupsOf(node, x) {
  const size = node.shape.reduce((product, length) => product * length, 1), groups = Array.from({ length: size }, () => []);
  const kept = x.shape.map((length, axis) => axis).filter((axis) => !node.axes.includes(axis));
  const shape = kept.map((axis) => x.shape[axis]);
  for (let at = 0; at < x.data.length; at++) {
    const place = placeOf(at, x.shape);
    groups[numberOf(kept.map((axis) => place[axis]), shape)].push(at);
  }
  return groups;
}

const extreme = (isBetter) => (v) => v.reduce((best, x, i) => (
  Number.isNaN(v[best]) || !(Number.isNaN(x) || isBetter(x, v[best])) ? best : i
), 0);
const largest = extreme((x, best) => x > best), smallest = extreme((x, best) => x < best);
const shared = (v, y, i) => (v[i] === y ? 1 / v.filter((x) => x === y).length : 0);

const rules = {
  sum: { value: (v) => v.reduce((sum, x) => sum + x, 0), slope: () => 1 },
  mean: { value: (v) => v.reduce((sum, x) => sum + x, 0) / v.length, slope: (v) => 1 / v.length },
  prod: {
    value: (v) => v.reduce((product, x) => product * x, 1),
    slope: (v, y, i) => v.reduce((product, x, j) => (i === j ? product : product * x), 1),
  },
  max: { value: (v) => v[largest(v)], slope: shared, winner: largest },
  min: { value: (v) => v[smallest(v)], slope: shared, winner: smallest },
  argmax: { value: largest, slope: () => 0 },
  argmin: { value: smallest, slope: () => 0 },
};

export function forward(node, [x]) {
  const y = new Tensor(node.shape), { value } = rules[node.kind];
  groupsOf(node, x).forEach((group, at) => { y.data[at] = value(group.map((from) => x.data[from])); });
  return y;
}

export function backward(node, dy, [x], y) {
  const dx = x.like(), { slope } = rules[node.kind];
  groupsOf(node, x).forEach((group, at) => {
    const values = group.map((from) => x.data[from]);
    group.forEach((from, i) => { dx.data[from] = dy.data[at] * slope(values, y.data[at], i); });
  });
  return { inputs: [dx], weights: {} };
}

export function explain(node, [x], weights, at) {
  const group = groupsOf(node, x)[at], values = group.map((from) => x.data[from]), { value, slope, winner } = rules[node.kind];
  if (winner) {
    const terms = group.map((from) => ({ input: 0, at: from, value: x.data[from] }));
    return { groups: [{ channel: at, columns: COLUMNS, terms }], rule: node.kind, winner: group[winner(values)] };
  }
  if (node.kind === "sum" || node.kind === "mean") {
    const factor = slope(values);
    return { terms: group.map((from) => ({ input: 0, at: from, value: x.data[from], factor, product: x.data[from] * factor })) };
  }
  const reads = group.map((from) => ({ input: 0, at: from, value: x.data[from] }));
  return { reads, formulas: [["y", [`${node.kind}(`, ...values.flatMap((v, i) => (i ? [",", v] : [v])), ")"], value(values)]] };
}

export function reached(node, [x], y, weights, input, at) {
  const { slope } = rules[node.kind], groups = groupsOf(node, x), to = groups.findIndex((group) => group.includes(at));
  return [{ at: to, factor: slope(groups[to].map((from) => x.data[from]), y.data[to], groups[to].indexOf(at)) }];
}
