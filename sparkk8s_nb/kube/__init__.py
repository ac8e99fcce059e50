"""The Kubernetes API through its official client, spoken in our own words.

The only importer of ``kubernetes``. What may not live here: anything that knows Spark's JVM, a session's
states or a front end.
"""
