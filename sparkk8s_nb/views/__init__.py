"""What people look at: widgets, HTML and text, all rendered from the same values.

The only importer of ``ipywidgets`` and ``anywidget``. What may not live here: requests to Kubernetes or Spark.
"""
