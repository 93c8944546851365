"""The notation of the whole library, and the arithmetic of shapes: pure functions of integers.

    N      images in the batch          H  W    height and width of the input
    C      channels of the input        F       filters, the channels of the output
    KH KW  height, width of the kernel  SH SW   stride downwards, sideways
    OH OW  height, width of the output  DH DW   dilation: the step between a kernel's taps
    G      groups of channels           PT PB PL PR   padding: top, bottom, left, right

Images are NHWC and C-contiguous; a convolution's kernel is (KH, KW, C/G, F). These are Keras's own layouts.
Lower-case names are arrays (`x w b y dy dx dw db`), capital letters are sizes.
"""

from __future__ import annotations

from functools import lru_cache
from numbers import Real
from typing import NamedTuple


def pair(value, name: str) -> tuple[int, int]:
    """A pair (down, sideways), from one number for both or from two; ValueError unless they are positive integers.

    >>> pair(3, "kernel_size"), pair((2, 1), "strides")
    ((3, 3), (2, 1))
    """
    values = (value, value) if not isinstance(value, (tuple, list)) else tuple(value)
    if len(values) != 2 or not all(is_positive_integer(v) for v in values):
        raise ValueError(f"{name} must be a positive integer or a pair of them; received {name}={value!r}.")
    return int(values[0]), int(values[1])


def is_number(value) -> bool:
    """Whether `value` is a real number of Python or NumPy (booleans and NaN are not).

    >>> is_number(3), is_number(-0.5), is_number(float("nan")), is_number(True), is_number("3")
    (True, True, False, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool) and value == value


def is_positive_integer(value) -> bool:
    """Whether `value` is a positive integer (of Python or NumPy; booleans are not).

    >>> is_positive_integer(3), is_positive_integer(0), is_positive_integer(2.0), is_positive_integer(True)
    (True, False, False, False)
    """
    return hasattr(value, "__index__") and not isinstance(value, bool) and int(value) > 0


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """How many cells `padding="same"` adds before and after, so that the output has ceil(size / stride) cells.

    If the total is odd, the extra cell goes after, as in TensorFlow.

    >>> same_padding(28, 3, 1), same_padding(28, 2, 1), same_padding(7, 3, 2), same_padding(6, 3, 2)
    ((1, 1), (0, 1), (1, 1), (0, 1))
    """
    reach = (kernel - 1) * dilation + 1
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def output_size(size: int | None, kernel: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """The number of positions of a window of `kernel` taps along one axis; None (unknown) stays None, 0 means no room.

    >>> output_size(28, 3, 1, "same"), output_size(28, 3, 1, "valid"), output_size(7, 2, 2, "same")
    (28, 26, 4)
    >>> output_size(2, 5, 1, "valid"), output_size(None, 3, 1, "valid")
    (0, None)
    """
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    reach = (kernel - 1) * dilation + 1
    return max((size - reach) // stride + 1, 0)


def transposed_size(
    size: int | None, kernel: int, stride: int, padding: str, output_padding: int | None = None, dilation: int = 1
) -> int | None:
    """The size of a transposed convolution's output along one axis, as in Keras; None (unknown) stays None.

    A convolution with the same window makes `size` positions of it. With strides several sizes have this property:
    output_padding chooses one; None takes the largest, with "valid" the smallest that holds every window.

    >>> transposed_size(14, 3, 2, "same"), transposed_size(14, 3, 2, "valid"), transposed_size(14, 2, 3, "valid")
    (28, 29, 42)
    >>> transposed_size(14, 3, 2, "same", 0), transposed_size(14, 3, 2, "valid", 1)
    (27, 30)
    """
    if size is None:
        return None
    reach = (kernel - 1) * dilation + 1
    if output_padding is None:
        return size * stride if padding == "same" else (size - 1) * stride + max(reach, stride)
    return (size - 1) * stride + (reach % 2 if padding == "same" else reach) + output_padding


@lru_cache(maxsize=4096)
def transposed_window(H: int, W: int, size, strides, padding: str, output_padding=None, dilation=(1, 1)):
    """(OH, OW, window): the output of a transposed convolution of an H x W image, and the window over this output that
    has H x W positions. ValueError where there is no such output.

    >>> transposed_window(14, 14, (3, 3), (2, 2), "same")[:2]
    (28, 28)
    """
    OH, OW = (
        transposed_size(*axis)
        for axis in zip(
            (H, W), size, strides, (padding, padding), output_padding or (None, None), dilation, strict=True
        )
    )
    positions = [
        output_size(pixels, kernel, stride, padding, step)
        for pixels, kernel, stride, step in zip((OH, OW), size, strides, dilation, strict=True)
    ]
    if positions != [H, W]:
        raise ValueError(
            f"A transposed convolution with kernel_size={size}, strides={strides}, padding={padding!r}, "
            f"output_padding={output_padding} would make {OH} x {OW} pixels of {H} x {W}, and a convolution of these "
            f"gives {positions[0]} x {positions[1]}: use another output_padding, or none."
        )
    return OH, OW, window(OH, OW, size, strides, padding, dilation)


class Window(NamedTuple):
    """How a KH x KW window moves over an H x W image, in convolution and pooling."""

    KH: int
    KW: int
    SH: int
    SW: int
    DH: int
    DW: int
    PT: int
    PB: int
    PL: int
    PR: int
    OH: int
    OW: int


@lru_cache(maxsize=4096)
def window(H: int, W: int, size, strides, padding: str, dilation=(1, 1)) -> Window:
    """The window of `size` (KH, KW) over an H x W image; ValueError where it does not fit.

    >>> window(28, 28, (3, 3), (1, 1), "same").OH, window(5, 4, (2, 3), (2, 1), "valid")[-2:]
    (28, (2, 2))
    """
    (KH, KW), (SH, SW), (DH, DW) = size, strides, dilation
    OH, OW = output_size(H, KH, SH, padding, DH), output_size(W, KW, SW, padding, DW)
    if OH == 0 or OW == 0:
        reach = ((KH - 1) * DH + 1, (KW - 1) * DW + 1)
        raise ValueError(
            f"A window that covers {reach[0]} x {reach[1]} cells does not fit an image of {H} x {W}: use a "
            f'smaller kernel or pool, or padding="same"; received size={size}, dilation={dilation}.'
        )
    (PT, PB), (PL, PR) = (0, 0), (0, 0)
    if padding == "same":
        PT, PB = same_padding(H, KH, SH, DH)
        PL, PR = same_padding(W, KW, SW, DW)
    return Window(KH, KW, SH, SW, DH, DW, PT, PB, PL, PR, OH, OW)


def check_convolution(x_shape, w_shape, groups: int) -> None:
    """ValueError unless a kernel of shape (KH, KW, C/G, F) can run over images of shape (N, H, W, C)."""
    if len(x_shape) != 4 or len(w_shape) != 4:
        raise ValueError(
            f"A convolution takes images (N, H, W, C) and a kernel (KH, KW, C/groups, F); "
            f"received shapes {tuple(x_shape)} and {tuple(w_shape)}."
        )
    C, F = x_shape[3], w_shape[3]
    if w_shape[2] * groups != C or F % groups:
        raise ValueError(
            f"A kernel of shape {tuple(w_shape)} with groups={groups} takes images of {w_shape[2] * groups} channels, "
            f"and its {F} filters must be divisible by groups; received images of shape {tuple(x_shape)}."
        )


def middle(H: int, W: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest central part of an image (H, W) with the proportions of `size`.

    >>> middle(340, 500, (200, 200))
    (0, 80, 340, 340)
    """
    height, width = max(min(H, int(W * size[0] / size[1])), 1), max(min(W, int(H * size[1] / size[0])), 1)
    return int((H - height) / 2), int((W - width) / 2), height, width
