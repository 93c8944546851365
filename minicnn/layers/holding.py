"""What a layer holds: its weights, and layers with their weights, in attributes, lists and dictionaries."""

from __future__ import annotations

import numpy as np

from .. import constraints, initializers, regularizers
from ..nest import flatten
from ..runtime.replay import changes
from ..variable import Variable
from .called import DefinesCall
from .names import building, path_of_weight

OWN_ATTRIBUTES = {
    "_sublayers",
    "_nodes",
    "_variables",
    "_drawings",
    "_losses_of_call",
    "_heads",
    "_form",
    "_held",
    "_owner",
}
"""Attributes in which minicnn's own code keeps layers and variables, and which hold none for a user."""


_NOTHING = object()


class HoldsWeights(DefinesCall, changes.Watched):
    """The part of a layer that keeps its weights and the layers within it."""

    _keeps_layers = True
    _holds_containers = False

    def __setattr__(self, name, value):
        """Set an attribute. Layers and variables in it, also in lists and dictionaries, belong to this layer."""
        if self._draws:
            before = vars(self).get(name, _NOTHING)
            super().__setattr__(name, value)
            self.note_attribute(name, before, value)
        else:
            super().__setattr__(name, value)
        if name in OWN_ATTRIBUTES or not self._keeps_layers:
            return
        if isinstance(value, (HoldsWeights, Variable, list, tuple, dict)):
            self._hold(value)

    def _hold(self, value):
        if "_sublayers" not in vars(self):
            if isinstance(value, HoldsWeights):
                raise RuntimeError(f"Call super().__init__() in {type(self).__name__} before giving it layers.")
            vars(self).setdefault("_held_early", []).append(value)  # `__init__` holds it
            return
        held = flatten(value)
        for variable in held:
            if isinstance(variable, Variable) and not any(variable is known for known in self._variables):
                self._keep(variable)
        if isinstance(value, Variable) or any(value is known for known in self._sublayers):
            return
        if not held or any(isinstance(one, HoldsWeights) for one in held):
            self._holds_containers = self._holds_containers or not isinstance(value, HoldsWeights)
            self._sublayers.append(value)

    @property
    def _inner_layers(self) -> list:
        """The layers within this one, in order. Lists and dictionaries are read each time, as these may have grown."""
        if not self._holds_containers:
            return self._sublayers
        held = [layer for layer in flatten(self._sublayers) if isinstance(layer, HoldsWeights)]
        return list({id(layer): layer for layer in held}.values())

    def add_weight(
        self, shape=(), initializer=None, dtype=None, trainable=True, regularizer=None, constraint=None, name="weight"
    ) -> Variable:
        """Make a weight of this layer. Without an initializer: "glorot_uniform", and zeros of integers and booleans.
        ValueError if the initializer makes another shape."""
        if initializer is None:
            initializer = "zeros" if np.dtype(dtype or self.dtype).kind in "biu" else "glorot_uniform"
        make = initializers.for_weight(initializer)
        regularizer, constraint = regularizers.get(regularizer), constraints.get(constraint)
        with building(self):
            path = path_of_weight(name)
        variable = Variable(make, shape, dtype or self.dtype, trainable, name, path, regularizer, constraint)
        self._keep(variable)
        return variable

    def _keep(self, variable):
        """Add a weight: the trainable ones of a layer come first."""
        variable.is_frozen = not self._trainable
        place = sum(known.learns for known in self._variables) if variable.learns else len(self._variables)
        self._variables.insert(place, variable)

    def add_variable(self, shape, initializer, dtype=None, trainable=True, name="variable") -> Variable:
        """Make a weight of this layer; `add_weight` has more arguments."""
        return self.add_weight(shape, initializer, dtype, trainable, name=name)

    @property
    def trainable(self) -> bool:
        """Whether training may change the weights. Setting it also sets it in every layer within."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for variable in self._variables:
            variable.is_frozen = not value
        for layer in self._inner_layers:
            layer.trainable = value

    def flattened(self) -> list:
        """This layer and every layer within it, each once."""
        found = {id(self): self}
        for layer in self._inner_layers:
            found.update((id(inner), inner) for inner in layer.flattened())
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer, the trainable ones of a layer first."""
        own = list(self._variables)
        inner = self._inner_layers
        return _unique(own + [v for layer in inner for v in layer.weights]) if inner else own

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: none if the layer is frozen."""
        if not self.trainable:
            return []
        own = [variable for variable in self._variables if variable.trainable]
        inner = self._inner_layers
        return _unique(own + [v for layer in inner for v in layer.trainable_weights]) if inner else own

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change."""
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights) -> None:
        """Replace all weights; ValueError, before anything changes, if their number or a shape differs."""
        variables, arrays = self.weights, [np.asarray(w) for w in weights]
        if len(arrays) != len(variables):
            raise ValueError(f"{self.name!r} has {len(variables)} weights; received {len(arrays)} arrays.")
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(f"Weight {variable.path!r} has shape {variable.shape}; received {array.shape}.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of numbers in all weights."""
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet: build it, or call it on data, before counting them.")
        return sum(variable.array.size for variable in self.weights)

    def has_trainable_weights(self) -> bool:
        """Whether backward must compute gradients of weights here."""
        return self._trainable and (
            any(v.trainable for v in self._variables) or any(s.has_trainable_weights() for s in self._inner_layers)
        )

    def add_gradients(self, *pairs) -> None:
        """Add gradients to their variables: (variable, gradient) pairs; a pair with None in it is skipped."""
        if self._trainable:
            for variable, gradient in pairs:
                if variable is not None and variable.trainable and gradient is not None:
                    variable.add_gradient(gradient)


def _unique(variables):
    return list({id(v): v for v in variables}.values())
