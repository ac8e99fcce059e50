"""The command line ``sparkk8s-nb``.

What may not live here: logic that a notebook would need too.
"""
