"""What the fast variants share: the compiler's settings and cache, the microkernel and the matrix product built
on it, counter-based random numbers, and the workspace that lends buffers."""
