"""What the fast variants share. In reading order:

microkernel   the block of sums in registers at the bottom of everything      emitter   the vector instructions
matmul        whole matrix products out of it, split over the threads         panels    what it multiplies with
bands         images in bands of rows that stay in the cache
transform     small matrices applied to blocks of pixels (Winograd)           vector_loop   what happens to a vector
windows       the windows of the pixels that won a pool, and nothing else
elementwise, spread, random    loops over numbers; counter-based random numbers
workspace     lent buffers                       compile, linking   compiling once, and keeping what was compiled
tape          a training step as a list of calls, played without Python
formulas      functions of one number or row, which cpu.py and gpu.py compile

For the GPU:
gpu_product   the matrix product in three versions     gpu_register_tiles   the third     gpu_memory   128-bit loads
gpu_elementwise, gpu_sums, gpu_spread                  loops over numbers, sums in a fixed order, padding
device        arrays in the GPU's memory, what travels between, whether there is one      gpu_launch   launching
"""
