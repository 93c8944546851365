"""What the operations' `gpu.py` share. In reading order:

matmul          the matrix product in three versions          register_tiles   the third
vector_access   128-bit loads and stores                      elementwise      loops over numbers
reductions      sums in a fixed order                         padding          images on a canvas of zeros
device          arrays in the GPU's memory, and what travels between it and the host
launch          how kernels are made and launched             graph            a training step as one launch
"""
