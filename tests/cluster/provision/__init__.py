"""What the real cluster is made from, and where it is kept between runs: binaries and images.

Everything lies in a cache outside the checkout, keyed by version or content; nothing here runs a cluster.
"""
