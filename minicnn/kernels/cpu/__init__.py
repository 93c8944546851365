"""What the operations' `cpu.py` share. In reading order:

microkernel   the block of sums in registers at the bottom of everything      emitter   the vector instructions
matmul        whole matrix products out of it, split over the threads         packing   its right matrix, in panels
bands         images in bands of rows that stay in the cache                  padding   images on a canvas of zeros
transform     small matrices applied to blocks of pixels (Winograd)           vector_loop   what happens to a vector
windows       the windows of the pixels that won a pool, and nothing else     elementwise   loops over numbers
workspace     lent buffers                                                    denormals     tiny numbers count as zero
compile       compiling once, and keeping the machine code                    linking       compiling it only once
recording     a training step as a list of calls, replayed without Python
"""
