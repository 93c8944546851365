"""A model as the page's network: a list of layers, each with its operations, and what minicnn computed for each image.

Models inside the model are opened: their layers are listed with the model's name before theirs. A slot is the number
of an array that an operation reads or writes, as in `models/schedule.py`.
"""

from __future__ import annotations

import numpy as np

from ...models import Sequential
from ...models.schedule import row_of_steps
from ...runtime import transfer
from .operations import operations_of


class Network:
    """The layers of a built model in the order in which they run, for the images xs: a list with an array (N, ...) for
    each input.

    layers    [{"name", "type", "reads": slots, "writes": slot, "shape", "operations": [...]}], one for each call of a
              layer. An operation is {"op", "reads", "writes", "shape", "weights": {name: number}} and its settings.
              "operations" is empty for a layer that the page cannot compute.
    weights   the arrays, and `variables` where an array belongs to a variable of the model, otherwise None
    values    {slot: array (N, ...)}: the images and the outputs of all layers
    outputs   the slots of the model's outputs
    """

    def __init__(self, model, xs):
        self.layers, self.weights, self.variables, self.values = [], [], [], dict(enumerate(xs))
        self._slots, self._numbers = len(xs), {}
        model.to_device()
        self.inputs = list(self.values)
        self.outputs = self._run(model, self.inputs, "")

    def _run(self, model, inputs, prefix):
        """Add the layers of a model that reads these slots. Returns the slots of its outputs."""
        if isinstance(model, Sequential):
            steps, slots, ends = row_of_steps(model.layers), {0: inputs[0]}, [len(model.layers)]
        else:
            steps, slots, ends = model.plan.steps, dict(zip(model.plan.input_slots, inputs, strict=True)), (
                model.plan.output_slots
            )  # fmt: skip
        for step in steps:
            reads, layer = [slots[slot] for slot in step.inputs], step.layer
            opened = isinstance(layer, Sequential) or getattr(layer, "plan", None) is not None
            made = self._run(layer, reads, f"{prefix}{layer.name} / ") if opened else self._call(step, reads, prefix)
            slots.update(zip(step.outputs, made, strict=True))
        return [slots[slot] for slot in ends]

    def _call(self, step, reads, prefix):
        layer, xs = step.layer, [self.values[slot] for slot in reads]
        moved = [transfer.to_device(x) for x in xs]
        y, _ = layer.forward(moved if step.takes else moved[0], bool(step.training), need_saved=False)
        ys = [np.array(transfer.to_host(part)) for part in (y if step.gives else [y])]
        operations = None if step.training or step.gives else operations_of(layer, [x.shape for x in xs])
        for i, y in enumerate(ys):
            described = {
                "name": prefix + layer.name, "type": type(layer).__name__, "reads": reads, "shape": list(y.shape[1:]),
                "operations": self._linked(operations or [], reads, list(y.shape[1:])),
            }  # fmt: skip
            described["writes"] = self._new_slot() if not operations else described["operations"][-1]["writes"]
            self.values[described["writes"]] = y
            self.layers.append(described)
            ys[i] = described["writes"]
        return ys

    def _linked(self, operations, reads, shape):
        """The operations of one layer, each reading what the one before it wrote."""
        linked = []
        for operation in operations:
            made = {"op": operation.op, "shape": shape, **operation.settings, "reads": reads}
            made["weights"] = {name: self._number(weight) for name, weight in operation.weights.items()}
            made["writes"] = self._new_slot()
            linked.append(made)
            reads = [made["writes"]]
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
