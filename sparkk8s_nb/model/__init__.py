"""Pure values and folds. No I/O, no threads, no clock of its own: time comes in as a number.

What may not live here: anything that opens a file, a socket or a process, or waits.
"""
