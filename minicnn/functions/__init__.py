"""The functions of `keras.ops`, for arrays and for symbols. `minicnn.ops` shows them beside the lessons.

On arrays they compute at once, with NumPy or with a layer. On symbols, and on variables within `call`, they add a layer
to the graph (`layers/operations.py`, `layers/arithmetic.py`), which has a gradient. Names and arguments are Keras's.

apply        whether a call is on arrays or on symbols       operators   + - * / and comparisons, also of symbols
elementwise  functions of one number                         reductions  sum, mean, argmax and others
places       reshape, transpose, pad, slices, stack, split   products    matmul, dot, einsum, norm
networks     relu, softmax, conv, pooling, one_hot           making      zeros, arange, cast, shape
image        resizing and cropping of images             of_arrays   functions that NumPy computes
composed     functions of numbers made of others         composed_places  those of several arrays or axes
"""

from .. import ops
from ..registry import missing_name
from . import (
    composed,
    composed_places,
    elementwise,
    image,
    making,
    networks,
    of_arrays,
    operators,
    places,
    products,
    reductions,
)

_PARTS = (
    of_arrays, elementwise, making, networks, operators, places, products, reductions, composed, composed_places,
)  # fmt: skip
FUNCTIONS = {name: getattr(part, name) for part in _PARTS for name in part.__all__}
"""The functions by their names."""

for _name, _function in FUNCTIONS.items():
    setattr(ops, _name, _function)
ops.image = image
ops.nn = ops.numpy = ops.linalg = ops  # Keras has each function under two names


def _missing(name):
    raise missing_name("minicnn.ops", name)


ops.__getattr__ = _missing
