"""The cases of ops/conv2d_transpose."""

from __future__ import annotations

from cases import both_tests, case
from helpers import normal

# x (N, H, W, C), filters and kernel, strides, padding, output_padding, dilation
CONVOLUTIONS = {
    "ordinary": ((2, 4, 5, 12), (10, 3, 3), (2, 2), "same", None, (1, 1)),
    "valid": ((2, 3, 4, 5), (9, 3, 2), (2, 3), "valid", None, (1, 1)),
    "no strides": ((1, 5, 4, 3), (9, 3, 3), (1, 1), "same", None, (1, 1)),
    "no strides, valid, Winograd": ((2, 5, 6, 17), (18, 3, 3), (1, 1), "valid", None, (1, 1)),
    "strides larger than the kernel": ((2, 3, 4, 9), (11, 2, 1), (3, 4), "valid", None, (1, 1)),
    "strides larger than the kernel, same": ((1, 3, 2, 9), (17, 1, 2), (2, 5), "same", None, (1, 1)),
    "few filters": ((2, 4, 3, 7), (3, 4, 4), (2, 2), "same", None, (1, 1)),
    "one filter, strides larger than the kernel": ((2, 4, 3, 1), (1, 1, 2), (2, 3), "valid", None, (1, 1)),
    "output_padding 0": ((1, 4, 3, 3), (9, 3, 3), (2, 3), "same", (0, 1), (1, 1)),
    "output_padding, valid": ((2, 3, 3, 2), (2, 3, 5), (3, 2), "valid", (2, 1), (1, 1)),
    "dilation": ((1, 6, 5, 2), (9, 2, 3), (1, 1), "valid", None, (2, 3)),
    "dilation, same": ((1, 6, 5, 2), (3, 3, 3), (1, 1), "same", None, (2, 2)),
    "one pixel": ((3, 1, 1, 6), (33, 4, 4), (1, 1), "valid", None, (1, 1)),
    "no images": ((0, 3, 2, 4), (9, 3, 3), (2, 2), "same", None, (1, 1)),
}


def _transposed(sizes, relu, bias):
    x_shape, (F, KH, KW), strides, padding, output_padding, dilation = sizes

    def run(op, dtype):
        x, w = normal(*x_shape, seed=1, dtype=dtype), normal(KH, KW, F, x_shape[3], seed=2, dtype=dtype)
        b = normal(F, seed=3, dtype=dtype) if bias else None
        y, saved = op.forward(x, w, b, strides, padding, output_padding, dilation, relu)
        dx, dw, db = op.backward(normal(*y.shape, seed=4, dtype=dtype), saved)
        return {"y": y, "dx": dx, "dw": dw, "db": db}

    return run


for name, sizes in CONVOLUTIONS.items():
    case("conv2d_transpose", name)(_transposed(sizes, relu=False, bias=True))
for name in ("ordinary", "few filters", "strides larger than the kernel", "no strides"):
    case("conv2d_transpose", f"{name}, relu")(_transposed(CONVOLUTIONS[name], relu=True, bias=True))
case("conv2d_transpose", "no bias")(_transposed(CONVOLUTIONS["ordinary"], relu=False, bias=False))
case("conv2d_transpose", "few filters, no bias")(_transposed(CONVOLUTIONS["few filters"], relu=False, bias=False))
case("conv2d_transpose", "no bias, relu")(_transposed(CONVOLUTIONS["valid"], relu=True, bias=False))


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
