"""Transposed convolution: each input pixel adds its own copy of the kernel to the output.

    y[n, h*SH + kh*DH - PT, w*SW + kw*DW - PL, f] += x[n, h, w, c] * w[kh, kw, f, c]      for all n, h, w, c, kh, kw, f
    y += b

where what falls outside y is left out.

    x  (N, H, W, C)        w  (KH, KW, F, C)       b  (F,) or None        y  (N, OH, OW, F)

**The convolution, backwards.** A convolution reads windows of an image and makes one pixel of each. Take its input
gradient: from each pixel back to a window. That is the equation above. So this operation needs nothing new:

    forward of the transposed convolution   =  the input gradient of the convolution of y with the kernel w
    dx, its input gradient                  =  the convolution of dy with w
    dw, its kernel gradient                 =  the kernel gradient of that convolution: its image is dy, its gradient x

The kernel's shape says the same: (KH, KW, F, C) is the kernel of a convolution from F channels to C. With strides of 2
an image grows to twice its size. Here is a row of two pixels, a kernel of three taps, strides of 2, padding "valid":

    x                 a           b
    a * kernel     a*p  a*q    a*r
    b * kernel                 b*p     b*q   b*r
    y              a*p  a*q  a*r + b*p b*q   b*r

Reading order: `loops.py` (the definition), `vectorized.py`, `cpu.py`, `gpu.py`; the work is done in `conv2d/`.

Source of the name and the drawings: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from ...dispatch import variant


def forward(
    x, w, b, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False, need_saved=True
):
    """y and what `backward` needs (None unless need_saved).

    x (N, H, W, C), w (KH, KW, F, C), b (F,) or None, all of one float type; padding "valid" or "same". output_padding,
    a pair or None, chooses among the possible sizes of y (`shapes.transposed_size`). With relu=True negative outputs
    become zero in the same call. ValueError if the shapes do not fit.
    """
    return variant(__name__).forward(x, w, b, strides, padding, output_padding, dilation, relu, need_saved)


def backward(dy, saved, need_dx=True):
    """(dx, dw, db) for the upstream gradient dy, of y's shape; dx is None unless need_dx, db None without b."""
    return variant(__name__).backward(dy, saved, need_dx)
