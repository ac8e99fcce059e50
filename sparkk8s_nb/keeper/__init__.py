"""The keeper: a small process that keeps a session's Lease while the kernel lives, and cleans up after it.

It runs on its own, so it imports little. What may not live here: anything that needs the kernel.
"""
