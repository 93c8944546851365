"""The graph between two symbols as a plan: which layer runs when, and from which slots to which it reads and writes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ..kernels import workspace
from ..layers.base import FOR_WEIGHTS, Layer
from ..layers.fused import PooledConvolution
from ..ops import merge
from ..symbol import Node, Symbol


class Step(NamedTuple):
    """One call of a layer: its output goes to `output`, its inputs come from `inputs` (numbers of slots)."""

    layer: Layer | PooledConvolution
    inputs: tuple[int, ...]
    output: int
    several: bool


class Plan:
    """The layers between `inputs` and `outputs` in an order in which they can run.

    `layers` lists each layer once, in Keras's order: by the longest way to an output, the far ones first.
    """

    def __init__(self, inputs: list[Symbol], outputs: list[Symbol]):
        nodes = _ordered_nodes(inputs, outputs)
        slots = {id(symbol): i for i, symbol in enumerate(inputs)}
        self.steps: list[Step] = []
        for node in nodes:
            slots[id(node.output)] = len(slots)
            places = tuple(slots[id(symbol)] for symbol in node.inputs)
            self.steps.append(Step(node.layer, places, slots[id(node.output)], node.layer.takes_several))
        self.nodes = nodes
        self.input_slots = [slots[id(symbol)] for symbol in inputs]
        self.output_slots = [slots[id(symbol)] for symbol in outputs]
        self.size = len(slots)
        starts = [symbol.node.layer for symbol in inputs if not symbol.node.inputs]
        self.layers = _in_keras_order(starts, nodes, outputs)

    def output_shape(self, input_shape) -> tuple:
        """The shape of the first output for a first input of this shape; ValueError where a layer cannot take its."""
        shapes = {self.input_slots[0]: tuple(input_shape)}
        for step, shape in self._input_shapes(shapes):
            step.layer.build_for(shape)
        return shapes[self.output_slots[0]]

    def flops(self, input_shape) -> int:
        """Floating-point operations for one input of this shape: every call of every layer."""
        shapes = {self.input_slots[0]: tuple(input_shape)}
        return sum(step.layer.flops(shape) for step, shape in self._input_shapes(shapes))

    def _input_shapes(self, shapes):
        """(step, shape or shapes of what it reads) for every step; fills in the slots' shapes on the way."""
        for step in self.steps:
            taken = [shapes[slot] for slot in step.inputs]
            shape = taken if step.several else taken[0]
            yield step, shape
            shapes[step.output] = tuple(step.layer.compute_output_shape(shape))

    def forward(self, x, training, need_saved, logits=False):
        """(y, saved): every step in turn. Steps that no gradient reaches keep nothing."""
        values, lent_before = {self.input_slots[0]: x}, workspace.lent()
        steps = self._joined_steps()
        wants = self._wants(steps, need_saved)
        kept, last_reader = [], {slot: i for i, step in enumerate(steps) for slot in step.inputs}
        for i, (step, want) in enumerate(zip(steps, wants, strict=True)):
            taken = [values[slot] for slot in step.inputs]
            last = {"logits": True} if logits and step.output == self.output_slots[0] else {}
            values[step.output], saved = step.layer.forward(taken if step.several else taken[0], training, want, **last)
            kept.append(saved if want else None)
            if not need_saved:
                values = {
                    slot: y for slot, y in values.items() if last_reader.get(slot, 0) > i or slot in self.output_slots
                }
                workspace.give_back(lent_before, list(values.values()))
        return values[self.output_slots[0]], (steps, kept, wants)

    def backward(self, dy, saved, need_dx=True):
        """The gradient of the input: every step in reverse; where an output went several ways, gradients add up."""
        steps, kept, wants = saved
        gradients = {self.output_slots[0]: dy}
        for step, step_saved, want in zip(reversed(steps), reversed(kept), reversed(wants), strict=True):
            upstream = gradients.pop(step.output, None)
            if not want or upstream is None:
                continue
            dx = step.layer.backward(upstream, step_saved, need_dx=want is True)
            if want is not True:
                continue
            for slot, part in zip(step.inputs, dx if step.several else [dx], strict=True):
                if slot in gradients:
                    part, _ = merge.add_forward([gradients[slot], part], need_saved=False)
                gradients[slot] = part
        return gradients.get(self.input_slots[0]) if need_dx else None

    def _joined_steps(self):
        """The steps, a convolution and the pooling that alone reads its output joined into one."""
        readers = Counter(slot for step in self.steps for slot in step.inputs) + Counter(self.output_slots)
        at, steps = {}, []
        for step in self.steps:
            place = at.get(step.inputs[0])
            if place is not None and PooledConvolution.joins(steps[place].layer, step.layer):
                before = steps[place]
                steps[place] = Step(PooledConvolution(before.layer, step.layer), before.inputs, step.output, False)
                at[step.output] = None
                continue
            if readers[step.output] == 1 and not step.several:
                at[step.output] = len(steps)
            steps.append(step)
        return steps

    def _wants(self, steps, need_saved):
        """`need_saved` for every step: everything where a gradient must go on, else for the weights, else nothing."""
        gradient_wanted = dict.fromkeys(self.input_slots, need_saved is True)
        wants = []
        for step in steps:
            below = any(gradient_wanted[slot] for slot in step.inputs)
            here = bool(need_saved) and step.layer.has_trainable_weights()
            wants.append(True if below else FOR_WEIGHTS if here else False)
            gradient_wanted[step.output] = below or here
        return wants


def _ordered_nodes(inputs, outputs) -> list[Node]:
    """The nodes between inputs and outputs, each after those it reads from."""
    given = {id(symbol) for symbol in inputs}
    ordered, finished = [], set()
    stack = [(symbol, False) for symbol in reversed(outputs)]
    while stack:
        symbol, inputs_done = stack.pop()
        if id(symbol) in given or id(symbol) in finished:
            continue
        node = symbol.node
        if inputs_done:
            finished.add(id(symbol))
            ordered.append(node)
        elif not node.inputs:
            raise ValueError(
                f"The model's output depends on the input {node.layer.name!r}, which is not among the model's inputs."
            )
        else:
            stack.append((symbol, True))
            stack.extend((parent, False) for parent in reversed(node.inputs))
    return ordered


def _in_keras_order(starts, nodes, outputs) -> list[Layer]:
    """Each layer once: by depth (the longest way to an output), equal depths in the order of the nodes."""
    depth = {id(symbol.node): 0 for symbol in outputs}
    layer_depth: dict[int, int] = {}
    for node in reversed(nodes):
        here = max(depth.get(id(node), 0), layer_depth.get(id(node.layer), 0))
        depth[id(node)] = layer_depth[id(node.layer)] = here
        for symbol in node.inputs:
            depth[id(symbol.node)] = max(depth.get(id(symbol.node), 0), here + 1)
    order: dict[int, Layer] = {}
    for layer in [*starts, *(node.layer for node in nodes)]:
        order.setdefault(id(layer), layer)
    for layer in starts:
        layer_depth[id(layer)] = max((depth.get(id(node), 0) for node in layer._nodes), default=0)
    return sorted(order.values(), key=lambda layer: -layer_depth[id(layer)])
