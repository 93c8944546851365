// The network: every operation once, forward in order, then backward in reverse.
//
// A slot is the number of an array that an operation reads or writes. Gradients of a slot with several readers add up.
// What cannot be computed, because its weights are not in the page, is asleep: its slot has no value.

import * as activation from "ops/activation";
import * as avg_pool2d from "ops/avg_pool2d";
import * as batch_norm from "ops/batch_norm";
import * as concatenate from "ops/concatenate";
import * as conv2d from "ops/conv2d";
import * as conv2d_transpose from "ops/conv2d_transpose";
import * as dense from "ops/dense";
import * as elementwise from "ops/elementwise";
import * as global_pool2d from "ops/global_pool2d";
import * as matrix_product from "ops/matrix_product";
import * as max_pool2d from "ops/max_pool2d";
import * as merge from "ops/merge";
import * as moves from "ops/moves";
import * as reduce from "ops/reduce";
import * as rescale from "ops/rescale";
import * as reshape from "ops/reshape";
import * as resize from "ops/resize";
import * as source from "ops/source";
import * as zero_pad2d from "ops/zero_pad2d";
import * as losses from "losses";
import { targetFor } from "losses";

const operations = {
  activation, avg_pool2d, batch_norm, concatenate, conv2d, conv2d_transpose, dense, elementwise, global_pool2d,
  matrix_product, max_pool2d, merge, moves, reduce, rescale, reshape, resize, source, zero_pad2d,
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
    if (!before) return this.backwardFrom(values, new Map(gradient ? [[slot, gradient]] : []));
    const made = this.backwardFrom(values, new Map([[before.slot, before.gradient]]));
    if (gradient) made.gradients.set(slot, gradient);
    return made;
  }

  // The same, from the gradients of some slots. What goes back through something asleep is unknown. So is every sum of
  // which it would be a part: it is left out as a whole.
  backwardFrom(values, gradients) {
    const weights = new Map(), unknown = new Set(), unknownWeights = new Set();
    const steps = this.layers.flatMap((layer) => (layer.operations.length ? layer.operations : [layer]));
    for (const node of steps.reverse()) {
      const dy = gradients.get(node.writes), read = node.reads.map((slot) => values.get(slot));
      const isKnown = node.op && this.isAwake(node) && read.every(Boolean);
      if (unknown.has(node.writes) || (dy && !isKnown)) {
        node.reads.forEach((slot) => unknown.add(slot));
        Object.values(node.weights ?? {}).forEach((number) => unknownWeights.add(number));
      } else if (dy) {
        const made = operations[node.op].backward(node, dy, read, values.get(node.writes), this.weightsOf(node));
        node.reads.forEach((slot, i) => addTo(gradients, slot, made.inputs[i]));
        for (const [name, dw] of Object.entries(made.weights)) addTo(weights, node.weights[name], dw);
      }
    }
    unknown.forEach((slot) => gradients.delete(slot));
    unknownWeights.forEach((number) => weights.delete(number));
    return { gradients, weights };
  }

  // {slot: the output's, gradient: at the output, loss, before}. If the loss is computed together with the activation at
  // the end, `before` has the slot that this activation reads, and the gradient there. Without a loss that the page knows
  // L is minus the target's output, and `loss` is left out.
  lossGradient(values, target) {
    const slot = this.outputs[0], y = values.get(slot), node = this.nodeOf.get(slot), { operation, joined } = this.loss;
    if (!y) return { slot };
    const K = y.shape.at(-1), gradient = y.like();
    if (!operation) {
      gradient.data[typeof target === "number" && target < y.data.length ? target : 0] = -1;
      return { slot, gradient };
    }
    const t = this.targetOf(values, target);
    if (!joined) return { slot, ...losses[operation](y, t, K) };
    const z = values.get(node.reads[0]);
    if (!z) return { slot };
    const { loss, gradient: before } = losses[operation](z, t, K), rows = y.data.length / K;
    const own = { softmax: "softmax_cross_entropy", sigmoid: "sigmoid_cross_entropy" }[node.function] === operation;
    for (let i = 0; i < y.data.length; i++) {
      const p = y.data[i], toP = node.function === "softmax" ? -t.data[i] / p / rows : (p - t.data[i]) / (p * (1 - p)) / y.data.length;
      gradient.data[i] = t.data[i] === 0 && node.function === "softmax" ? 0 : toP;
    }
    return { slot, gradient: own ? gradient : undefined, loss, before: { slot: node.reads[0], gradient: before } };
  }

  // The target as numbers of the output's shape.
  targetOf(values, target) {
    const y = values.get(this.outputs[0]);
    return targetFor(target, y, y.shape.at(-1), this.loss);
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
      if (name && node.op === "source") terms.push(...this.reached(values, gradients, node.writes, at));
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
