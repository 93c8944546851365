"""Code that the operations' `gpu.py` share. In reading order:

matmul          the matrix product in four versions           register_tiles   the fourth version
vector_access   128-bit loads and stores                      elementwise      loops over numbers
reductions      sums in a fixed order                         padding          images on a canvas of zeros
launch          how kernels are made and launched
device          whether there is a GPU, its stream, and the lock for using it
memory          the GPU's memory, kept for reuse              arrays           arrays in it, and their copies
stages          batches on their way to the GPU               readings         numbers on their way to the host
recording       whether a step is being recorded              graph            a training step as one launch
"""
