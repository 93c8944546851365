"""A weight: an array with a name, a gradient and a note of whether training may change it."""

from __future__ import annotations

import numpy as np

from . import config, initializers
from .ops import merge
from .runtime import transfer
from .runtime.replay import changes
from .symbol import Symbol, drawing


def _operators(ufunc):
    """The two methods of an operator: for `variable op other` and for `other op variable`."""
    return (lambda self, other: ufunc(self, other)), (lambda self, other: ufunc(other, self))


class Variable(changes.Watched):
    """One weight. `value` is the array itself, stored where the backend that uses it computes. `grad` is its gradient
    in the running step, or None. minicnn's own code reads `array`, which is the same, and tells `changes.of_weights`
    when it has written into it. Code that has read or set `value` may write into the array at any time. `is_given_away`
    remembers this.

    initializer: an array, a number, or an initializer or its name; the last two need the shape. path: the layer's name
    and the weight's name. In arithmetic and in NumPy's functions a variable acts as the array of its numbers, and the
    result is an array, of the variable's type with integers. `==` compares the numbers; `is` tells whether two
    variables are the same object. Counters may hold integers or booleans.
    """

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        name=None,
        path=None,
        regularizer=None,
        constraint=None,
    ):
        if dtype is None and isinstance(initializer, (bool, int, list, tuple)):
            dtype = {"i": "int32", "b": "bool"}.get(np.asarray(initializer).dtype.kind)
        dtype = np.dtype(dtype or getattr(initializer, "dtype", None) or config.floatx())
        if dtype.kind not in "biu":
            dtype = config.checked_float_type(dtype)
        if isinstance(initializer, str) or callable(initializer):
            initializer = initializers.get(initializer)
            users_function = not type(initializer).__module__.startswith("minicnn.")  # it may keep the array
            if shape is None:
                raise ValueError("A Variable made by an initializer needs its shape.")
            initializer = initializer(tuple(shape), dtype)
        else:
            users_function = False
            initializer = np.array(initializer)  # a copy, so that training does not change the caller's array
        self.array = np.require(initializer, dtype, ["C", "W", "O"])
        if shape is not None and self.array.shape != tuple(shape):
            raise ValueError(
                f"The initial value of {path or name} must have shape {tuple(shape)}; received {self.array.shape}."
            )
        self.name = name or "variable"
        self.path = path or self.name
        self.learns = bool(trainable)
        self.is_frozen = False  # by its layer
        self.regularizer = regularizer
        self.constraint = constraint
        self.grad: np.ndarray | None = None
        self.is_given_away = users_function

    @property
    def value(self) -> np.ndarray:
        if not self.is_given_away:
            self.is_given_away = True
            changes.of_weights.note()
        return self.array

    @value.setter
    def value(self, array):
        self.array, self.is_given_away = array, True
        changes.of_weights.note()

    @property
    def trainable(self) -> bool:
        """Whether training may change the numbers: the variable learns, and its layer is not frozen."""
        return self.learns and not self.is_frozen

    @trainable.setter
    def trainable(self, value):
        self.learns = bool(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> int:
        return len(self.array.shape)

    @property
    def dtype(self) -> str:
        return self.array.dtype.name

    def numpy(self) -> np.ndarray:
        """A copy of the value."""
        return np.array(transfer.to_host(self.array))

    def assign(self, value) -> np.ndarray:
        """Replace the numbers, keeping the array and its type; return a copy. ValueError if the shape differs.

        Within `call` the value is a symbol: the graph writes it into the variable whenever it runs.
        """
        if drawing() is not None:
            return drawing().assign(self, Symbol.of(value, self.dtype))
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"Weight {self.path!r} has shape {self.shape}; received an array of shape {value.shape}.")
        transfer.assign(self.array, value)
        changes.of_weights.note()
        return self.numpy()

    def assign_add(self, value) -> np.ndarray:
        """Add to the value."""
        return self.assign(self + value)

    def assign_sub(self, value) -> np.ndarray:
        """Subtract from the value."""
        return self.assign(self - value)

    def to_device(self) -> None:
        """Move the value to where the backend in use computes."""
        there = transfer.to_device(self.array)
        if there is not self.array:
            self.array = there

    def add_gradient(self, gradient: np.ndarray) -> None:
        """Add to `grad`. The first gradient is kept without a copy; the sum with a second one gets a new buffer."""
        if self.grad is None:
            self.grad = gradient
        else:
            self.grad, _ = merge.forward("add", [self.grad, gradient], need_saved=False)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("NumPy gets a copy of a Variable's numbers, so copy=False is not possible.")
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """Run a NumPy function on the numbers. The operators below use this method too. Within `call` the operators
        draw, so that the variable gets a gradient."""
        if drawing() is not None or any(isinstance(part, Symbol) for part in inputs):
            return Symbol.of_ufunc(ufunc, method, inputs, kwargs)
        if any(isinstance(target, Variable) for target in kwargs.get("out", ())):
            raise TypeError("NumPy cannot write into a Variable: use assign, assign_add or assign_sub.")
        arrays = [part.numpy() if isinstance(part, Variable) else part for part in inputs]
        if self.array.dtype.kind == "f":  # NumPy would make float64 of float32 and integers
            whole = [isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in arrays]
            arrays = [a.astype(self.dtype) if is_whole else a for a, is_whole in zip(arrays, whole, strict=True)]
        result = getattr(ufunc, method)(*arrays, **kwargs)
        if getattr(result, "dtype", None) == np.float64 and not any(
            isinstance(part, (np.ndarray, np.float64)) and part.dtype == np.float64 for part in arrays
        ):
            return result.astype(config.floatx())  # of integers
        return result

    __add__, __radd__ = _operators(np.add)
    __sub__, __rsub__ = _operators(np.subtract)
    __mul__, __rmul__ = _operators(np.multiply)
    __truediv__, __rtruediv__ = _operators(np.true_divide)
    __floordiv__, __rfloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__ = _operators(np.remainder)
    __pow__, __rpow__ = _operators(np.power)
    __matmul__, __rmatmul__ = _operators(np.matmul)
    __lt__, __gt__ = _operators(np.less)
    __le__, __ge__ = _operators(np.less_equal)
    __and__, __rand__ = _operators(np.logical_and)
    __or__, __ror__ = _operators(np.logical_or)
    __xor__, __rxor__ = _operators(np.logical_xor)
    __eq__, __ne__ = _operators(np.equal)[0], _operators(np.not_equal)[0]
    __hash__ = object.__hash__  # a key of a dictionary is found by what it is, not by its numbers

    def __invert__(self):
        return np.logical_not(self)

    def __round__(self, digits=0):
        return np.round(self._now(), digits)

    def __neg__(self):
        return -self._now()

    def __abs__(self):
        return abs(self._now())

    def __getitem__(self, index):
        return self._now()[index]

    def _now(self):
        """The numbers, or within `call` their symbol."""
        return self.numpy() if drawing() is None else drawing().source(self)

    def __len__(self) -> int:
        return len(self.array)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable}>"
