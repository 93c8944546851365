// Activations: functions of one number, each with its derivative beside it. Softmax is a function of a row.
//
//     y = value(x, p)        dL/dx = dL/dy * slope(x, y, p)         p: the slope, alpha or limit of the activation

const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const hardSigmoid = (x) => Math.min(Math.max((x + 3) / 6, 0), 1);
const inTheRamp = (x) => x > -3 && x < 3;
const SCALE = 1.0507009873554805, ALPHA = 1.6732632423543772; // Klambauer et al., 2017

export const functions = {
  relu: { value: (x) => (x < 0 ? 0 : x), slope: (x) => (x > 0 ? 1 : 0), formula: "max(x, 0)" },
  leaky_relu: { value: (x, p) => (x < 0 ? p * x : x), slope: (x, y, p) => (x > 0 ? 1 : p), formula: "x < 0 ? p * x : x" },
  clipped_relu: {
    value: (x, p) => (x < 0 ? 0 : x > p ? p : x), slope: (x, y, p) => (x > 0 && x < p ? 1 : 0), formula: "min(max(x, 0), p)",
  },
  elu: {
    value: (x, p) => (x < 0 ? p * Math.expm1(x) : x), slope: (x, y, p) => (x < 0 ? y + p : 1),
    formula: "x < 0 ? p * (exp(x) - 1) : x",
  },
  selu: {
    value: (x) => SCALE * (x < 0 ? ALPHA * Math.expm1(x) : x), slope: (x, y) => (x < 0 ? y + SCALE * ALPHA : SCALE),
    formula: "1.0507 * (x < 0 ? 1.6733 * (exp(x) - 1) : x)",
  },
  sigmoid: { value: sigmoid, slope: (x, y) => y * (1 - y), formula: "1 / (1 + exp(-x))" },
  tanh: { value: Math.tanh, slope: (x, y) => 1 - y * y, formula: "tanh(x)" },
  softplus: { value: softplus, slope: sigmoid, formula: "log(1 + exp(x))" },
  softsign: { value: (x) => x / (1 + Math.abs(x)), slope: (x) => 1 / (1 + Math.abs(x)) ** 2, formula: "x / (1 + |x|)" },
  swish: {
    value: (x) => x * sigmoid(x), slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))), formula: "x / (1 + exp(-x))",
  },
  gelu: {
    value: (x) => x * normalCdf(x), slope: (x) => normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
    formula: "x * Phi(x)",
  },
  exponential: { value: Math.exp, slope: (x, y) => y, formula: "exp(x)" },
  mish: {
    value: (x) => x * Math.tanh(softplus(x)),
    slope: (x) => Math.tanh(softplus(x)) + x * sigmoid(x) * (1 - Math.tanh(softplus(x)) ** 2),
    formula: "x * tanh(log(1 + exp(x)))",
  },
  hard_sigmoid: {
    value: hardSigmoid, slope: (x) => (inTheRamp(x) ? 1 / 6 : 0), formula: "(x + 3) / 6, from 0 to 1",
  },
  hard_swish: {
    value: (x) => x * hardSigmoid(x), slope: (x) => (inTheRamp(x) ? (2 * x + 3) / 6 : x >= 3 ? 1 : x <= -3 ? 0 : x),
    formula: "x * ((x + 3) / 6, from 0 to 1)",
  },
};

// The normal distribution function: the error function by formula 7.1.26 would be too inexact, so its series and, for
// large numbers, its continued fraction are used. Source: Abramowitz and Stegun, 7.1.5 and 7.1.14, 1964.
export function normalCdf(x) {
  const z = Math.abs(x) / Math.SQRT2;
  if (Number.isNaN(x)) return x;
  if (z < 3) {
    let term = z, sum = z;
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return 0.5 + (Math.sign(x) * sum) / Math.sqrt(Math.PI);
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  const tail = Math.exp(-z * z) / (2 * Math.sqrt(Math.PI) * fraction);
  return x < 0 ? tail : 1 - tail;
}

export function forward(node, [x]) {
  if (node.function === "softmax") return softmax(x);
  const y = x.like(), { value } = functions[node.function];
  for (let at = 0; at < x.data.length; at++) y.data[at] = value(x.data[at], node.parameter);
  return y;
}

export function backward(node, dy, [x], y) {
  const dx = x.like();
  if (node.function === "softmax") {
    const K = x.shape.at(-1);
    for (let row = 0; row < x.data.length; row += K) {
      let mean = 0;
      for (let i = 0; i < K; i++) mean += dy.data[row + i] * y.data[row + i];
      for (let i = 0; i < K; i++) dx.data[row + i] = y.data[row + i] * (dy.data[row + i] - mean);
    }
  } else {
    const { slope } = functions[node.function];
    for (let at = 0; at < x.data.length; at++) dx.data[at] = dy.data[at] * slope(x.data[at], y.data[at], node.parameter);
  }
  return { inputs: [dx], weights: {} };
}

// softmax: exp(x_i) / sum over j of exp(x_j), along the last axis. The largest x is subtracted first: this does not
// change y, and without it exp could overflow.
export function softmax(x) {
  const y = x.like(), K = x.shape.at(-1);
  for (let row = 0; row < x.data.length; row += K) {
    const largest = largestOf(x, row, K);
    let sum = 0;
    for (let i = row; i < row + K; i++) sum += y.data[i] = Math.exp(x.data[i] - largest);
    for (let i = row; i < row + K; i++) y.data[i] /= sum;
  }
  return y;
}

function largestOf(x, row, K) {
  return x.data.subarray(row, row + K).reduce((largest, value) => (value > largest ? value : largest), -Infinity);
}

export function explain(node, [x], weights, at) {
  if (node.function !== "softmax") {
    const { value, formula } = functions[node.function], y = value(x.data[at], node.parameter), p = node.parameter;
    const name = formula.includes("p *") || formula.includes(", p") ? [["p", p]] : [];
    return {
      reads: [{ input: 0, at, value: x.data[at] }], facts: name,
      formulas: [["y", [`${node.function}(`, x.data[at], ")"], y]], note: `${node.function}(x) = ${formula}`,
    };
  }
  const K = x.shape.at(-1), row = at - (at % K), largest = largestOf(x, row, K), terms = [];
  for (let i = row; i < row + K; i++) {
    terms.push({ input: 0, at: i, value: x.data[i], exponential: Math.exp(x.data[i] - largest), here: i === at });
  }
  const sum = terms.reduce((total, term) => total + term.exponential, 0), here = Math.exp(x.data[at] - largest);
  return { exponentials: terms, largest, sum, formulas: [["y", [here, "/", sum], here / sum]] };
}

export function reached(node, [x], y, weights, input, at) {
  if (node.function !== "softmax") {
    return [{ at, factor: functions[node.function].slope(x.data[at], y.data[at], node.parameter) }];
  }
  const K = x.shape.at(-1), row = at - (at % K);
  return Array.from({ length: K }, (_, i) => (
    { at: row + i, factor: y.data[row + i] * ((row + i === at ? 1 : 0) - y.data[at]) }
  ));
}
