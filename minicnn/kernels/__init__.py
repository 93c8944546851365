"""What the fast variants share. In reading order:

microkernel   the block of sums in registers at the bottom of everything      emitter   the vector instructions
matmul        whole matrix products out of it, split over the threads
bands         images in bands of rows that stay in the cache
transform     small matrices applied to blocks of pixels (Winograd)           vector_loop   what happens to a vector
elementwise, epilogue, spread, random    loops over numbers; counter-based random numbers
workspace     lent buffers                                                    compile   compiling, and keeping it
"""
