"""What the fast variants of the operations share, in two workshops whose files bear the same names.

cpu/        Numba: from the microkernel to whole matrix products, padded images, lent buffers, recording
gpu/        numba.cuda: the same for a GPU, and what travels between it and the host

formulas    functions of one number or row, compiled for both
random      counter-based random numbers, the same on both
"""
