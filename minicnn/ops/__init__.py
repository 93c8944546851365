"""The operations: each folder is one operation and one lesson. Beside them are the functions of
`keras.ops`, for arrays and symbols, which `minicnn/functions` puts here.

Every folder's `__init__.py` is the contract: the equation, the shapes, the reading order. Its functions call the
variant of the backend in use. `forward(x, ..., need_saved=True) -> y, saved` computes the output. `backward(dy, saved)
-> dx` (and the weights' gradients) takes the upstream gradient and what `forward` saved. Each variant saves what it
needs, so only its own `backward` can read it.

Arrays are C-contiguous and of one float type. Inputs and upstream gradients are read only.

conv2d            convolution                        dense              the dense layer
conv2d_transpose  the convolution backwards
max_pool2d        the largest of each window         avg_pool2d         the mean of each window
global_pool2d     one number per channel             zero_pad2d         zeros around images
activation        relu, softmax and others           loss               a number per row, and its gradient
batch_norm        batch normalization                dropout            random zeros
noise             random noise, alpha dropout        merge              several arrays into one
elementwise       exp, log and other functions       reduce             sum, mean, largest, smallest
moves             numbers in other places            matrix_product     products of matrices
rescale           x * scale + offset
resize            another image size                 affine_transform   images rotated, shifted, scaled
color             contrast and brightness            metric             the counts behind metrics
optimizer_update  the optimizers' formulas           constraint         limits of weights
"""
