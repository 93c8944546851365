"""Two-dimensional convolution (cross-correlation, as in every deep-learning library).

    y[n, oh, ow, f] = b[f] + sum over kh, kw, c of   x[n, oh*SH + kh*DH - PT, ow*SW + kw*DW - PL, c] * w[kh, kw, c, f]

where x is zero outside the image. With G groups, filter f reads only the channels of its own group.

    x  (N, H, W, C)        w  (KH, KW, C/G, F)      b  (F,) or None        y  (N, OH, OW, F)

**im2col.** Write each window as a row of a matrix. Then the convolution is one matrix product. Here is a 2x2 kernel on
a 3x3 image of one channel, without padding:

    image          windows, one row per output pixel      kernel        output
                     (kh,kw) 0,0 0,1 1,0 1,1
    a b c            pixel 0   a   b   d   e                 p          pixel 0   a*p + b*q + d*r + e*s
    d e f            pixel 1   b   c   e   f        times    q     =    pixel 1   b*p + c*q + e*r + f*s
    g h i            pixel 2   d   e   g   h                 r          pixel 2   d*p + e*q + g*r + h*s
                     pixel 3   e   f   h   i                 s          pixel 3   e*p + f*q + h*r + i*s

    im2col(x)  (N*OH*OW, KH*KW*C)   @   w.reshape(KH*KW*C, F)   =   y.reshape(N*OH*OW, F)

With NHWC images and (KH, KW, C, F) kernels no array must be transposed for this. The gradients are products too:

    dw = im2col(x)^T @ dy        dx = col2im(dy @ w^T): each window's gradient is added to the pixels of that window

Reading order: `loops.py` (the definition), `vectorized.py` (im2col and one product), `tiled.py` (the same product
without an im2col matrix in memory), `cpu.py` (bias, ReLU and pool in the same pass, on bands of the image).
Then `winograd.py` (fewer multiplications), `pooled.py` (the gradients of a convolution with a pool), `depthwise.py`
(as many groups as channels), `strided.py` (the input gradient with strides), `gpu.py` (the same products on a GPU).

For drawings of im2col see Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006.
"""

from ...dispatch import variant


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    """y and what `backward` needs (None unless need_saved).

    x (N, H, W, C), w (KH, KW, C/groups, F), b (F,) or None, all of one float type; padding "valid" or "same".
    With relu=True negative outputs become zero in the same call. With pool=(PH, PW), at most 255 cells, the same call
    also does max pooling, as `max_pool2d` with strides (PH, PW) does it: y (N, OH // PH, OW // PW, F). ValueError if
    the shapes do not fit.
    """
    if pool and not 1 <= pool[0] * pool[1] <= 255:
        raise ValueError(f"pool must have 1 to 255 cells; received pool={pool}.")
    # variant: the file of the backend in use, for example `tiled.py`; see dispatch.py
    return variant(__name__).forward(x, w, b, strides, padding, dilation, groups, relu, pool, need_saved)


def backward(dy, saved, need_dx=True):
    """(dx, dw, db) for the upstream gradient dy, of y's shape; dx is None unless need_dx, db None without b.

    dy first goes back through the pool and ReLU, if forward applied them.
    """
    return variant(__name__).backward(dy, saved, need_dx)
