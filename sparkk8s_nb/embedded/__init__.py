"""A Kubernetes cluster of one machine, spoken to over HTTP only.

One daemon per user: an API server whose state lives in memory, a scheduler for the one node, a kubelet
that runs a pod's container command as local processes, a garbage collector, quota.

What may not live here: anything about Spark, sessions or notebooks, and any import of the Kubernetes
client. The rest of the house meets this package through :mod:`sparkk8s_nb.embedded.lifecycle` (which
imports little and no web server) and through a kubeconfig, as it meets every other cluster.

========================  ==================================================================
``lifecycle``             up, down, status: the face to the rest of the house
``daemon``                composes the parts below into one process
``store``                 pure: objects, resource versions, history, conflicts
``resources``             the table of kinds
``objects``               pure: what every object has (name, labels, owners), copying
``selectors, patches``    pure: label and field selectors; merge, strategic and JSON patches
``validation*``           pure: what a real API server would refuse, with the field's name
``status``                the errors of the API, worded as a real API server words them
``api, watch, ...``       the HTTP handlers
``registry``              create, update, delete with defaults, validation and admission
``scheduler``             what fits on the node, and why not
``kubelet, pod*``         a pod's life
``forkserver, shim``      the small processes that hold a pod's processes
``collector``             owners and dependents
``quota``                 ResourceQuota
========================  ==================================================================
"""
