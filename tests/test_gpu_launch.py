"""A direct launch of a kernel hands the driver the same numbers as numba.cuda's launch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_arrays_become_the_numbers_that_a_kernel_takes(numba_cuda, dtype):
    from numba.cuda import types
    from numba.cuda.cudadrv.devicearray import DeviceNDArray
    from numba.cuda.dispatcher import _Kernel
    from numba.cuda.np import numpy_support

    from minicnn.kernels.gpu.launch import as_numbers

    class Memory:
        device_ctypes_pointer = SimpleNamespace(value=0x7F00_0000_1000)

        def __int__(self):
            return self.device_ctypes_pointer.value

    width = np.dtype(dtype).itemsize
    array = DeviceNDArray((1000,), (width,), dtype, gpu_data=Memory())
    theirs = []
    kind = types.Array(numpy_support.from_dtype(np.dtype(dtype)), 1, "C")
    _Kernel._prepare_args(SimpleNamespace(extensions=[]), kind, array, 0, [], theirs)
    assert list(as_numbers(array)) == theirs


@pytest.mark.parametrize("value", [np.int32(-3), np.float32(0.1), np.float64(0.1), np.uint64(2**63)])
def test_scalars_keep_their_type(numba_cuda, value):
    from minicnn.kernels.gpu.launch import as_numbers

    (number,) = as_numbers(value)
    assert number == value and number.dtype == value.dtype
