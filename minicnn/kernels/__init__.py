"""Code that the fast variants of the operations share, in two folders. Files of the same name do the same work.

cpu/        Numba: from the microkernel to whole matrix products, padded images, reused buffers, recording
gpu/        numba.cuda: the same for a GPU, and copies between the GPU and the host

formulas    functions of one number or row, compiled for both
random      counter-based random numbers, the same on both
"""
