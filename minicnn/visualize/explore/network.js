// The network: every operation once, forward in order, then backward in reverse.
//
// A slot is the number of an array that an operation reads or writes. Gradients of a slot with several readers add up.
// What cannot be computed, because its weights are not in the page, is asleep: its slot has no value.

import * as activation from "ops/activation";
import * as avg_pool2d from "ops/avg_pool2d";
import * as batch_norm from "ops/batch_norm";
import * as concatenate from "ops/concatenate";
import * as conv2d from "ops/conv2d";
import * as dense from "ops/dense";
import * as global_pool2d from "ops/global_pool2d";
import * as max_pool2d from "ops/max_pool2d";
import * as merge from "ops/merge";
import * as rescale from "ops/rescale";
import * as reshape from "ops/reshape";
import * as resize from "ops/resize";
import * as reverse from "ops/reverse";
import * as zero_pad2d from "ops/zero_pad2d";

const operations = {
  activation, avg_pool2d, batch_norm, concatenate, conv2d, dense, global_pool2d, max_pool2d, merge, rescale, reshape,
  resize, reverse, zero_pad2d,
};

export class Network {
  // layers: as in network.py; weights: a Tensor for each number, or null where the weight is not in the page.
  constructor({ layers, inputs, outputs, loss }, weights) {
    Object.assign(this, { layers, inputs, outputs, loss, weights });
    this.nodes = layers.flatMap((layer) => layer.operations);
    this.layerOf = new Map(); // slot: the layer that writes it
    this.nodeOf = new Map(); // slot: the operation that writes it
    this.readersOf = new Map(); // slot: [{node, input}, ...]
    for (const layer of layers) {
      this.layerOf.set(layer.writes, layer);
      for (const node of layer.operations) {
        this.layerOf.set(node.writes, layer);
        this.nodeOf.set(node.writes, node);
        node.reads.forEach((slot, input) => {
          this.readersOf.set(slot, [...(this.readersOf.get(slot) ?? []), { node, input }]);
        });
      }
    }
  }

  weightsOf(node) {
    return Object.fromEntries(Object.entries(node.weights).map(([name, number]) => [name, this.weights[number]]));
  }

  isAwake(node) {
    return Object.values(node.weights).every((number) => this.weights[number]);
  }

  // Map of slot to Tensor, for a Tensor for each input. recorded: what minicnn computed, for slots that are asleep.
  forward(xs, recorded = new Map()) {
    const values = new Map(this.inputs.map((slot, i) => [slot, xs[i]]));
    for (const layer of this.layers) {
      for (const node of layer.operations) {
        const read = node.reads.map((slot) => values.get(slot));
        if (!this.isAwake(node) || read.some((x) => !x)) continue;
        values.set(node.writes, operations[node.op].forward(node, read, this.weightsOf(node)));
      }
      if (!values.has(layer.writes) && recorded.has(layer.writes)) values.set(layer.writes, recorded.get(layer.writes));
    }
    return values;
  }

  // {gradients: Map of slot to Tensor, weights: Map of a weight's number to its gradient, a Tensor}, for one target.
  backward(values, target) {
    const { slot, gradient, before } = this.lossGradient(values, target);
    if (!gradient) return { gradients: new Map(), weights: new Map() };
    if (!before) return this.backwardFrom(values, new Map([[slot, gradient]]));
    const made = this.backwardFrom(values, new Map([[before.slot, before.gradient]]));
    made.gradients.set(slot, gradient);
    return made;
  }

  // The same, from the gradients of some slots.
  backwardFrom(values, gradients) {
    const weights = new Map();
    for (const node of [...this.nodes].reverse()) {
      const dy = gradients.get(node.writes), read = node.reads.map((slot) => values.get(slot));
      if (!dy || !this.isAwake(node) || read.some((x) => !x)) continue;
      const made = operations[node.op].backward(node, dy, read, values.get(node.writes), this.weightsOf(node));
      node.reads.forEach((slot, i) => addTo(gradients, slot, made.inputs[i]));
      for (const [name, dw] of Object.entries(made.weights)) addTo(weights, node.weights[name], dw);
    }
    return { gradients, weights };
  }

  // The loss of one target, and its gradient at the output (`slot`). If the last operation is the softmax or sigmoid of
  // a cross-entropy, `before` has the gradient of what it reads: the two derivatives together are p - t.
  lossGradient(values, target) {
    const slot = this.outputs[0], y = values.get(slot), node = this.nodeOf.get(slot), { kind, from_logits } = this.loss;
    if (!y) return { slot };
    const gradient = y.like(), K = y.data.length;
    if (kind === "score") {
      gradient.data[target] = -1;
      return { slot, gradient, loss: -y.data[target] };
    }
    if (kind === "squared") {
      const t = typeof target === "number" ? y.like().data.fill(target) : target.data;
      let loss = 0;
      for (let i = 0; i < K; i++) {
        gradient.data[i] = (2 * (y.data[i] - t[i])) / K;
        loss += (y.data[i] - t[i]) ** 2 / K;
      }
      return { slot, gradient, loss };
    }
    const p = from_logits ? probabilities(y, kind) : y, t = targets(kind, K, target), joined = y.like();
    let loss = 0;
    for (let i = 0; i < K; i++) {
      const share = kind === "binary" ? 1 / K : 1;
      joined.data[i] = (p.data[i] - t[i]) * share;
      gradient.data[i] = (kind === "binary" ? (p.data[i] - t[i]) / (p.data[i] * (1 - p.data[i])) : -t[i] / p.data[i]) * share;
      if (t[i]) loss -= share * Math.log(p.data[i]);
      else if (kind === "binary") loss -= share * Math.log1p(-p.data[i]);
    }
    for (let i = 0; i < K; i++) if (t[i] === 0 && kind !== "binary") gradient.data[i] = 0;
    if (from_logits) return { slot, gradient: joined, loss };
    const ends = node?.op === "activation" && node.function === (kind === "binary" ? "sigmoid" : "softmax");
    return { slot, gradient, loss, before: ends ? { slot: node.reads[0], gradient: joined } : undefined };
  }

  // How the number `at` of a slot was computed, see the operations.
  explain(values, slot, at) {
    const node = this.nodeOf.get(slot), read = node?.reads.map((other) => values.get(other));
    if (!node || !this.isAwake(node) || read.some((x) => !x)) return null;
    return operations[node.op].explain(node, read, this.weightsOf(node), at);
  }

  // The outputs that the number `at` of a slot went to: [{node, at, factor, upstream, product}, ...].
  reached(values, gradients, slot, at) {
    const terms = [];
    for (const { node, input } of this.readersOf.get(slot) ?? []) {
      const read = node.reads.map((other) => values.get(other)), y = values.get(node.writes), dy = gradients.get(node.writes);
      if (!this.isAwake(node) || !y || !dy || read.some((x) => !x)) continue;
      for (const term of operations[node.op].reached(node, read, y, this.weightsOf(node), input, at)) {
        terms.push({ ...term, node, upstream: dy.data[term.at], product: dy.data[term.at] * term.factor });
      }
    }
    return terms;
  }

  // The positions where the number `at` of a weight was used, as in `reached`; from: the input's number it met there.
  used(values, gradients, number, at) {
    const terms = [];
    for (const node of this.nodes) {
      const name = Object.keys(node.weights).find((key) => node.weights[key] === number), dy = gradients.get(node.writes);
      const read = node.reads.map((other) => values.get(other));
      if (!name || !operations[node.op].used || !dy || read.some((x) => !x)) continue;
      for (const term of operations[node.op].used(node, read, values.get(node.writes), this.weightsOf(node), name, at)) {
        terms.push({ ...term, node, upstream: dy.data[term.at], product: dy.data[term.at] * term.factor });
      }
    }
    return terms;
  }
}

function addTo(sums, key, tensor) {
  const sum = sums.get(key);
  if (!sum) sums.set(key, tensor);
  else for (let i = 0; i < sum.data.length; i++) sum.data[i] += tensor.data[i];
}

// The probabilities of logits.
export function probabilities(y, kind) {
  return activation.forward({ function: kind === "binary" ? "sigmoid" : "softmax" }, [y]);
}

// The target as numbers, one for each output: a label, or the numbers themselves.
function targets(kind, K, target) {
  if (typeof target !== "number") return target.data;
  if (kind === "binary" && K === 1) return [target];
  return Array.from({ length: K }, (_, i) => (i === target ? 1 : 0));
}
