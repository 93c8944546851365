"""A GPU in NumPy, for tests where there is none: README.md says what it finds.

gpu             runs kernels, and finds what they must not do     ptx          their compiled code, read
streams         what is queued is done late, in any order         compiling    kernels compiled, not run
small_grids     few and small blocks
driver          in the place of CUDA's driver; its functions are in driver_streams, driver_memory, driver_kernels and
                driver_device, how C calls them in c_functions
"""
