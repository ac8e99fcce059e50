"""The kernel-side worker threads and the feeds they write.

A feed holds the newest value, never a queue; a worker is a daemon thread with a stop that ends every
wait at once. What may not live here: anything that knows Spark, Kubernetes or a front end.
"""
