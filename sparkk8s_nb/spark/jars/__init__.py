"""The package's Java classes, compiled: :mod:`sparkk8s_nb.spark.own_classes` says when they are taken."""
