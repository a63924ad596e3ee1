"""LEADER, the network that finds minutiae (R. Cappelli, 2025), computed by kernels of our own; see `network`."""
