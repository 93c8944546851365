"""What moves numbers and is no operation: nothing here has a gradient. One folder each, with a file for each backend.

gather        a batch out of a data set
transfer      arrays to the device that computes, and back
weighted_sum  many numbers added up to one, for the host to look at
replay        a training step, recorded once and replayed

`ops/` holds the operations, which have a forward and a backward.
"""
