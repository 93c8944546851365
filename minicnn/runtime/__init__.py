"""Functions that move numbers. They have no gradient. Each has a folder, with a file for each backend.

gather        takes a batch out of a data set
transfer      moves arrays to the device that computes, and back
weighted_sum  adds up many numbers to one, for the host to read
replay        records a training step once and replays it

`ops/` holds the operations, which have a forward and a backward.
"""
