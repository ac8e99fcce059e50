"""The driver: a JVM of this kernel with a SparkContext in it, and what Spark itself tells.

The only importer of ``pyspark`` and ``py4j``. What may not live here: anything that talks to the Kubernetes
API (Spark's own client does that inside the JVM).
"""
