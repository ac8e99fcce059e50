"""The Kubernetes API, spoken in our own words.

The only importer of ``kubernetes``, whose plugins give credentials where a kubeconfig asks for one; requests
go through :mod:`sparkk8s_nb.apiserver`. What may not live here: anything that knows Spark's JVM, a
session's states or a front end.
"""
