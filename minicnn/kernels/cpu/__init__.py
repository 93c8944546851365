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

Words that these files use:

tap      a place (kh, kw, c) of a convolution's kernel: one term of each sum
tile     the sums of a few rows and columns of a product, which one call of the microkernel keeps in registers
panel    columns of the right matrix, as many as a tile has, stored in the order in which a tile reads them
to lay   to copy numbers to where a tile reads them in order: into a panel, or into a band
band     some rows of an image, with the rows above and below that their windows need, in memory that fits the cache
strip    some rows of the left matrix, which are multiplied with one panel after the other
canvas   memory for an image with zeros around it, the padding
"""
