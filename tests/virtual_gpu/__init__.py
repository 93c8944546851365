"""A GPU in NumPy, for tests on machines without a GPU. README.md says what it finds.

gpu             runs kernels and finds their mistakes             ptx          translates compiled code to NumPy
streams         runs queued work late, in any order               compiling    compiles kernels without running them
small_grids     few and small blocks
driver          replaces CUDA's driver; its functions are in driver_streams, driver_memory, driver_kernels and
                driver_device; c_functions makes C functions of them
"""
