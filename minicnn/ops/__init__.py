"""The operations: one folder each, one lesson each. This is minicnn's own engine, not `keras.ops`.

Every folder's `__init__.py` is the contract: the equation, the shapes, the reading order. Its functions call the
variant of the backend in use. `forward(x, ..., need_saved=True) -> y, saved` computes; `backward(dy, saved) -> dx`
(and the weights' gradients) takes the upstream gradient and what forward saved. `saved` belongs to the variant.

Arrays are C-contiguous and of one float type. Inputs and upstream gradients are read only.
"""
