// The losses of one image, and their derivatives: rows of K outputs, targets t of the same length. The loss of an image
// is the mean over its rows. Each function gives {loss, gradient}. As in `ops/loss/vectorized.py`.

import { Tensor } from "tensor";

const EPSILON = 1e-7; // keeps probabilities away from 0 and 1

const clip = (p) => Math.min(Math.max(p, EPSILON), 1 - EPSILON);
const isInside = (p) => p > EPSILON && p < 1 - EPSILON;

// Softmax, then -sum of t log p. Its derivative is p - t.
export function softmax_cross_entropy(z, t, K) {
  const gradient = z.like(), rows = z.data.length / K;
  let loss = 0;
  for (let row = 0; row < z.data.length; row += K) {
    const part = z.data.subarray(row, row + K), largest = part.reduce((most, value) => Math.max(most, value), -Infinity);
    const logSum = Math.log(part.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest;
    const given = t.data.subarray(row, row + K).reduce((sum, value) => sum + value, 0);
    for (let i = row; i < row + K; i++) {
      gradient.data[i] = (Math.exp(z.data[i] - logSum) * given - t.data[i]) / rows;
      if (t.data[i] !== 0) loss -= (t.data[i] * (z.data[i] - logSum)) / rows;
    }
  }
  return { loss, gradient };
}

// Sigmoid, then the mean over the outputs of -(t log p + (1 - t) log(1 - p)). Its derivative is (p - t) / K.
export function sigmoid_cross_entropy(z, t) {
  return summed(z, t, (x, target) => [
    Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x))), 1 / (1 + Math.exp(-x)) - target,
  ]);
}

// -sum of t log(p / sum of p), for probabilities.
export function categorical_cross_entropy(p, t, K) {
  const gradient = p.like(), rows = p.data.length / K;
  let loss = 0;
  for (let row = 0; row < p.data.length; row += K) {
    const total = p.data.subarray(row, row + K).reduce((sum, value) => sum + value, 0);
    let mean = 0;
    for (let i = row; i < row + K; i++) {
      const q = p.data[i] / total, slope = isInside(q) ? -t.data[i] / q : 0;
      if (t.data[i] !== 0) loss -= (t.data[i] * Math.log(clip(q))) / rows;
      gradient.data[i] = slope;
      mean += slope * q;
    }
    for (let i = row; i < row + K; i++) gradient.data[i] = (gradient.data[i] - mean) / total / rows;
  }
  return { loss, gradient };
}

export function binary_cross_entropy(p, t) {
  return summed(p, t, (value, target) => {
    const q = clip(value);
    return [-(target * Math.log(q) + (1 - target) * Math.log(1 - q)), isInside(value) ? (q - target) / (q * (1 - q)) : 0];
  });
}

export function mean_squared_error(p, t) {
  return summed(p, t, (value, target) => [(value - target) ** 2, 2 * (value - target)]);
}

// The mean over all outputs of a function that gives [loss, slope].
function summed(p, t, ofOne) {
  const gradient = p.like();
  let loss = 0;
  for (let i = 0; i < p.data.length; i++) {
    const [value, slope] = ofOne(p.data[i], t.data[i]);
    loss += value / p.data.length;
    gradient.data[i] = slope / p.data.length;
  }
  return { loss, gradient };
}

// The target as numbers, one for each output: a class, or the numbers themselves. choices: from how many classes a
// smoothed target chooses.
export function targetFor(target, y, K, { smoothing, choices }) {
  const t = typeof target === "number" ? new Tensor(y.shape) : target.copy();
  if (typeof target === "number" && K === 1) t.data.fill(target);
  else if (typeof target === "number") t.data[target] = 1;
  if (smoothing) for (let i = 0; i < t.data.length; i++) t.data[i] = t.data[i] * (1 - smoothing) + smoothing / choices;
  return t;
}
