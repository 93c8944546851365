"""Code that the operations' `cpu.py` share. In reading order:

microkernel   the innermost loop: a block of sums in registers                emitter       the vector instructions
matmul        whole matrix products made of it, split over the threads        packing       the right matrix in panels
bands         images in bands of rows that stay in the cache                  padding       images on a canvas of zeros
split         the outputs of a convolution in tasks for the threads           pooling       where windows lie
transform     small matrices applied to blocks of pixels (Winograd)           vector_loop   loops over vectors
windows       only the windows of the pixels that won a pool                  elementwise   loops over formulas
vector_math   exp, log, tanh, erf of vectors (fit_polynomials made its numbers)   vectors   formulas as instructions
workspace     reused buffers                                                  denormals     tiny numbers count as zero
compile       compiling kernels, and keeping the machine code                 linking       loops compiled only once
recording     a training step as a list of calls, replayed without Python   pace          fewer threads beside others
compile_ahead compiling in two processes
"""
