"""The session: one state machine, and the wiring that composes it.

What may not live here: rendering, parsing of command lines, requests to Kubernetes or Spark themselves.
"""
