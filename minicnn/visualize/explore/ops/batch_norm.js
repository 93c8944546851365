// Batch normalization in inference:  x_hat = (x - mean) / sqrt(variance + epsilon)        y = gamma * x_hat + beta
//
// mean and variance are the moving statistics: constants, one for each channel (the last axis).

export function forward(node, [x], weights) {
  const y = x.like();
  for (let at = 0; at < x.data.length; at++) y.data[at] = normalized(node, x, weights, at).y;
  return y;
}

export function backward(node, dy, [x], y, weights) {
  const dx = x.like(), C = weights.moving_mean.data.length, { gamma, beta } = weights;
  const dgamma = gamma && gamma.like(), dbeta = beta && beta.like();
  for (let at = 0; at < x.data.length; at++) {
    const { xHat, slope } = normalized(node, x, weights, at);
    dx.data[at] = dy.data[at] * slope;
    if (gamma) dgamma.data[at % C] += dy.data[at] * xHat;
    if (beta) dbeta.data[at % C] += dy.data[at];
  }
  return { inputs: [dx], weights: { ...(gamma && { gamma: dgamma }), ...(beta && { beta: dbeta }) } };
}

function normalized(node, x, { gamma, beta, moving_mean, moving_variance }, at) {
  const c = at % moving_mean.data.length, scale = 1 / Math.sqrt(moving_variance.data[c] + node.epsilon);
  const xHat = (x.data[at] - moving_mean.data[c]) * scale, g = gamma ? gamma.data[c] : 1, b = beta ? beta.data[c] : 0;
  return { c, scale, xHat, g, b, slope: g * scale, y: g * xHat + b };
}

export function explain(node, [x], weights, at) {
  const { c, xHat, g, b, y } = normalized(node, x, weights, at);
  const mean = weights.moving_mean.data[c], variance = weights.moving_variance.data[c];
  return {
    reads: [{ input: 0, at, value: x.data[at] }],
    facts: [["mean", mean], ["variance", variance], ["epsilon", node.epsilon], ["gamma", g], ["beta", b]],
    formulas: [
      ["x_hat", ["(", x.data[at], "-", mean, ") / sqrt(", variance, "+", node.epsilon, ")"], xHat],
      ["y", [g, "*", xHat, "+", b], y],
    ],
    indices: { c },
  };
}

export function reached(node, [x], y, weights, input, at) {
  return [{ at, factor: normalized(node, x, weights, at).slope }];
}

export function used(node, [x], y, weights, name, at) {
  const C = weights.moving_mean.data.length, terms = [];
  for (let i = at; i < x.data.length; i += C) {
    terms.push({ at: i, input: 0, from: i, factor: name === "gamma" ? normalized(node, x, weights, i).xHat : 1 });
  }
  return terms;
}
