"""A model as the page's network: a list of layers, each with its operations, and what minicnn computed for each image.

Models inside the model are opened: their layers are listed with the model's name before theirs. A slot is the number
of an array that an operation reads or writes, as in `models/schedule.py`.
"""

from __future__ import annotations

import math

import numpy as np

from ...layers.state import unchanged_state
from ...models import Model, Sequential
from ...models.schedule import row_of_steps
from ...runtime import transfer
from .operations import operations_of


def can_be_opened(layer) -> bool:
    """Whether a layer is a model that does nothing but run its layers."""
    if not isinstance(layer, Model) or type(layer).forward not in (Sequential.forward, Model.forward):
        return False
    if layer._draws:  # what it draws, unless weights or constants are arrays in it, which have no batch axis
        graph = layer.last_drawing()
        return graph is not None and not any(step.layer.is_source for step in graph.plan.steps)
    return isinstance(layer, Sequential) or layer.plan is not None


class Network:
    """The layers of a built model in the order in which they run, described by what they do with the first image of xs,
    a list with an array (N, ...) for each input.

    layers    [{"name", "type", "reads": slots, "writes": slot, "shape", "operations": [...]}], one for each call of a
              layer. An operation is {"op", "reads", "writes", "shape", "weights": {name: number}} and its settings.
              "operations" is empty for a layer that the page cannot compute.
    weights   the arrays, and `variables` where an array belongs to a variable of the model, otherwise None
    shapes    {slot: (1, ...)}: of the images and of the outputs of all layers
    outputs   the slots of the model's outputs
    """

    def __init__(self, model, xs):
        self.model, self.layers, self.weights, self.variables, self._numbers = model, [], [], [], {}
        self.inputs, self.outputs = list(range(len(xs))), []
        values = self._run_all([x[:1] for x in xs], describe=True)
        self.shapes = {slot: value.shape for slot, value in values.items()}

    def size(self, slot) -> int:
        """The numbers that one image has in a slot."""
        return math.prod(self.shapes[slot][1:])

    def compute(self, xs, slots) -> dict[int, np.ndarray]:
        """{slot: array (N, ...)}: what minicnn computes there for the images xs, one image after the other, because all
        outputs of a deep network together are large."""
        found = {slot: [] for slot in slots}
        for i in range(len(xs[0])):
            values = self._run_all([x[i : i + 1] for x in xs], describe=False)
            for slot in slots:
                found[slot].append(values[slot])
        return {slot: np.concatenate(parts) for slot, parts in found.items()}

    def _run_all(self, xs, describe):
        """Run the model. Returns {slot: array}; describe: also fill `layers`, `weights` and `outputs`."""
        self._describes, self._calls = describe, iter(list(self.layers))
        self._slots, values = len(xs), dict(enumerate(xs))
        self.model.to_device()
        with unchanged_state(self.model):
            outputs = self._run(self.model, self.inputs, "", values)
        if describe:
            self.outputs = outputs
        return values

    def _run(self, model, inputs, prefix, values):
        """Run a model that reads these slots of `values`. Returns the slots of its outputs."""
        if isinstance(model, Sequential):
            steps, slots, ends = row_of_steps(model.layers), {0: inputs[0]}, [len(model.layers)]
        else:
            plan, count = model.plan, None
            if model._draws:
                graph = model.drawn_for([values[slot].shape for slot in inputs], False)
                plan, count = graph.plan, graph.count
            steps, ends = plan.steps, plan.output_slots[:count]
            slots = dict(zip(plan.input_slots, inputs, strict=True))
        for step in steps:
            reads, layer = [slots[slot] for slot in step.inputs], step.layer
            if can_be_opened(layer) and not step.training:
                made = self._run(layer, reads, f"{prefix}{layer.name} / ", values)
            else:
                made = self._call(step, reads, prefix, values)
            slots.update(zip(step.outputs, made, strict=True))
        return [slots[slot] for slot in ends]

    def _call(self, step, reads, prefix, values):
        """Call a layer, and describe the call or find its description. Returns the slots of its outputs."""
        xs = [values[slot] for slot in reads]
        moved = [transfer.to_device(x) for x in xs]
        y, _ = step.layer.forward(moved if step.takes else moved[0], bool(step.training), need_saved=False)
        writes = []
        for part in y if step.gives else [y]:
            part = np.array(transfer.to_host(part))
            described = self._described(step, xs, reads, prefix, part) if self._describes else next(self._calls)
            values[described["writes"]] = part
            writes.append(described["writes"])
        return writes

    def _described(self, step, xs, reads, prefix, y):
        layer, shape = step.layer, list(y.shape[1:])
        operations = None if step.training or step.gives else operations_of(layer, [x.shape for x in xs])
        described = {
            "name": prefix + layer.name, "type": type(layer).__name__, "reads": reads, "shape": shape,
            "operations": self._linked(operations or [], reads, shape),
        }  # fmt: skip
        described["writes"] = described["operations"][-1]["writes"] if operations else self._new_slot()
        self.layers.append(described)
        return described

    def _linked(self, operations, inputs, shape):
        """The operations of one layer, linked by slots (see `Operation.reads`)."""
        linked = []
        for operation in operations:
            if operation.reads is None:
                reads = [linked[-1]["writes"]] if linked else inputs
            else:
                reads = [inputs[~i] if i < 0 else linked[i]["writes"] for i in operation.reads]
            made = {"op": operation.op, "shape": shape, **operation.settings, "reads": reads}
            made["weights"] = {name: self._number(weight) for name, weight in operation.weights.items()}
            made["writes"] = self._new_slot()
            linked.append(made)
        return linked

    def _new_slot(self):
        self._slots += 1
        return self._slots - 1

    def _number(self, weight):
        """The weight's place in `weights`. A variable that two layers share has one place."""
        variable = weight if hasattr(weight, "array") else None
        if variable is None or id(variable) not in self._numbers:
            if variable is not None:
                self._numbers[id(variable)] = len(self.weights)
            self.weights.append(np.asarray(weight if variable is None else variable.numpy(), np.float32))
            self.variables.append(variable)
            return len(self.weights) - 1
        return self._numbers[id(variable)]
