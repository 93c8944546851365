"""A model's graph as a plan: in which order the layers run, and which slots each one reads and writes.

**Why walking the graph backwards is all that automatic differentiation is.** Let a graph compute a = f(x), b = g(a),
loss = h(b). The chain rule says

    dloss/dx = f'(x) * g'(a) * h'(b)

Read it from the right: begin with dloss/db = h'(b), multiply by g'(a) to get dloss/da, then by f'(x) to get dloss/dx.
Each step needs the gradient of its output, and what its own forward pass saved, and nothing else. That is a layer's
`backward(dy, saved) -> dx`. So nobody has to know the derivative of a whole network: `Plan.backward` calls the layers'
`backward` in reverse order, and hands each one the gradient that the layers after it have made.

Two things can happen on the way. If two layers read x, then x acts on the loss in two ways, and the chain rule adds
their gradients up: `_add_to`. If a layer has weights, they are inputs too: `backward` adds their gradients to `.grad`.

How is a user's Python turned into such a graph? It is run once on symbols (`drawn.py`). `self.w * x + 1` then computes
nothing, but each operator adds a node to the graph, and each of these nodes is a layer whose derivative is known.

Source: Baydin et al., "Automatic differentiation in machine learning: a survey", 2018 (reverse mode).
"""

from __future__ import annotations

from ..kernels.cpu import workspace
from ..layers.base import Layer
from ..layers.penalty import makes_gradients
from ..ops import merge
from ..symbol import Node, Symbol
from .schedule import Step, readers_of, schedule


class Plan:
    """The layers between `inputs` and `outputs` in an order in which they can run.

    `layers` lists each layer once, in Keras's order: layers with a longer way to an output come first. as_called: the
    calls run in the order in which they were written, which matters if some of them write into weights.
    """

    def __init__(self, inputs: list[Symbol], outputs: list[Symbol], as_called=False):
        nodes = _ordered_nodes(inputs, outputs)
        if as_called:
            nodes.sort(key=lambda node: node.number)
        slots = {id(symbol): i for i, symbol in enumerate(inputs)}
        self.steps: list[Step] = []
        count = len(inputs)
        for node in nodes:
            taken, made = [slots[id(symbol)] for symbol in node.inputs], []
            for symbol in node.outputs:  # a model's input keeps its slot: this output is then not read
                slots.setdefault(id(symbol), count)
                made.append(count)
                count += 1
            layer, takes, gives = node.layer, node.layer.takes_several, node.layer.gives_several
            self.steps.append(Step(layer, tuple(taken), tuple(made), takes, gives, node.training))
        self.nodes = nodes
        self.input_slots = [slots[id(symbol)] for symbol in inputs]
        self.output_slots = [slots[id(symbol)] for symbol in outputs]
        starts = [symbol.node.layer for symbol in inputs if not symbol.node.inputs]
        self.layers = _in_keras_order(starts, nodes, outputs)

    @property
    def ends(self) -> list[str | None]:
        """For each output its layer's last activation ("softmax", "sigmoid"); None if another step reads it too."""
        made_by = {slot: (step.layer, i) for step in self.steps for i, slot in enumerate(step.outputs)}
        ends = []
        for slot in self.output_slots:
            layer, i = made_by.get(slot, (None, 0))
            alone = readers_of(slot, self.steps, self.output_slots) == 1
            end = layer.ends_in if alone and layer is not None and layer.activity_regularizer is None else None
            ends.append(end[i] if isinstance(end, list) else end)
        return ends

    def output_shapes(self, input_shapes: list) -> list[tuple]:
        """The outputs' shapes for inputs of these shapes; ValueError if a layer cannot take its input's shape."""
        shapes = dict(zip(self.input_slots, map(tuple, input_shapes), strict=True))
        for step, shape in self._input_shapes(shapes):
            step.layer.build_for(shape)
        return [shapes[slot] for slot in self.output_slots]

    def slot_shapes(self, input_shapes: list) -> dict[int, tuple]:
        """{slot: the shape of the array in it} for inputs of these shapes."""
        shapes = dict(zip(self.input_slots, map(tuple, input_shapes), strict=True))
        for _ in self._input_shapes(shapes):
            pass
        return shapes

    def flops(self, input_shapes: list) -> int:
        """Floating-point operations for one input of these shapes: the sum over every call of every layer."""
        shapes = dict(zip(self.input_slots, map(tuple, input_shapes), strict=True))
        return sum(step.layer.flops(shape) for step, shape in self._input_shapes(shapes))

    def largest_output(self, input_shapes: list) -> int:
        """The numbers that the largest layer makes from one input of these shapes."""
        shapes = dict(zip(self.input_slots, map(tuple, input_shapes), strict=True))
        return max((step.layer.largest_output(shape) for step, shape in self._input_shapes(shapes)), default=0)

    def _input_shapes(self, shapes):
        """Yield (step, shape or shapes that it reads) for every step, and add the shapes that it makes to `shapes`."""
        for step in self.steps:
            taken = [shapes[slot] for slot in step.inputs]
            shape = taken if step.takes else taken[0]
            yield step, shape
            made = step.layer.compute_output_shape(shape)
            shapes.update(zip(step.outputs, map(tuple, made if step.gives else [made]), strict=True))

    def forward(self, xs: list, training, need_saved, logits=()):
        """Run every step in order, and return (outputs, saved). logits: see `schedule`."""
        values, lent_before, saved = dict(zip(self.input_slots, xs, strict=True)), workspace.lent(), []
        steps = schedule(self.steps, self.input_slots, self.output_slots, training, need_saved, logits)
        last_reader = {slot: i for i, step in enumerate(steps) for slot in step.inputs}
        for i, step in enumerate(steps):
            taken = [values[slot] for slot in step.inputs]
            mode = training if step.training is None else step.training
            y, kept = step.layer.forward(taken if step.takes else taken[0], mode, step.need_saved, **step.options)
            values.update(zip(step.outputs, y if step.gives else [y], strict=True))
            saved.append((step, kept if step.need_saved else None))
            if step.frees:
                values = {
                    slot: y for slot, y in values.items() if last_reader.get(slot, 0) > i or slot in self.output_slots
                }
                workspace.give_back(lent_before, list(values.values()))
        return [values[slot] for slot in self.output_slots], saved

    def backward(self, dys: list, saved, need_dx=True) -> list | None:
        """Run every step in reverse, and return the inputs' gradients. Gradients of a slot with several readers add up.

        dys: the outputs' gradients, None where there is none. An input that no gradient reaches gets None too.
        """
        gradients: dict = {}
        for slot, dy in zip(self.output_slots, dys, strict=True):
            _add_to(gradients, slot, dy)
        for step, kept in reversed(saved):
            upstream = [gradients.pop(slot, None) for slot in step.outputs]
            reached = any(dy is not None for dy in upstream) or makes_gradients(step.layer)
            if not step.need_saved or not reached:
                continue
            dx = step.layer.backward(upstream if step.gives else upstream[0], kept, need_dx=step.need_saved is True)
            if step.need_saved is True:
                for slot, part in zip(step.inputs, dx if step.takes else [dx], strict=True):
                    _add_to(gradients, slot, part)
        return [gradients.get(slot) for slot in self.input_slots] if need_dx else None


def _add_to(gradients, slot, part):
    """Add a gradient, if there is one, to the slot's gradient so far."""
    if part is None:
        return
    if slot in gradients:
        part, _ = merge.forward("add", [gradients[slot], part], need_saved=False)
    gradients[slot] = part


def _ordered_nodes(inputs, outputs) -> list[Node]:
    """The nodes between inputs and outputs, each after the nodes that it reads from."""
    given = {id(symbol) for symbol in inputs}
    ordered, finished = [], set()
    stack = [(symbol, False) for symbol in reversed(outputs)]
    while stack:
        symbol, inputs_done = stack.pop()
        node = symbol.node
        if id(symbol) in given or id(node) in finished:
            continue
        if inputs_done or (not node.inputs and node.layer.is_source):
            finished.add(id(node))
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
    """Each layer once, by falling depth (the longest way to an output); equal depths in the order in which a walk from
    the outputs meets them."""
    depth = {id(symbol.node): 0 for symbol in outputs}
    layer_depth: dict[int, int] = {}
    for node in reversed(nodes):
        here = max(depth.get(id(node), 0), layer_depth.get(id(node.layer), 0))
        depth[id(node)] = layer_depth[id(node.layer)] = here
        for symbol in node.inputs:
            depth[id(symbol.node)] = max(depth.get(id(symbol.node), 0), here + 1)
    met = _met_from(outputs, nodes)
    order = {id(layer): layer for layer in [*starts, *(node.layer for node in nodes)]}
    for layer in starts:
        layer_depth[id(layer)] = max((depth.get(id(node), 0) for node in layer._nodes), default=0)
    return sorted(order.values(), key=lambda layer: (-layer_depth[id(layer)], met.get(id(layer), -1)))


def _met_from(outputs, nodes) -> dict[int, int]:
    """{id of a layer: its number} in the order in which a walk from the outputs to their inputs meets the layers."""
    within, met, finished, stack = {id(node) for node in nodes}, {}, set(), list(reversed(outputs))
    while stack:
        node = stack.pop().node
        if id(node) in finished:
            continue
        finished.add(id(node))
        if id(node) in within or not node.inputs:
            met.setdefault(id(node.layer), len(met))
        if id(node) in within:
            stack.extend(reversed(node.inputs))
    return met
