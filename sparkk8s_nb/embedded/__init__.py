"""A Kubernetes cluster of one machine, spoken to over HTTP only.

One daemon per user: an API server whose state lives in memory, a scheduler for the one node, a kubelet
that runs a pod's container command as local processes, a garbage collector, quota.

What may not live here: anything about Spark, sessions or notebooks, and any import of the Kubernetes
client. The rest of the house meets this package through :mod:`sparkk8s_nb.embedded.lifecycle` (which
imports little and no web server) and through a kubeconfig, as it meets every other cluster.

=============================  =============================================================
``lifecycle``                  up, down, status: the face to the rest of the house
``homefiles, starting``        its files; starting the daemon
``daemon``                     composes the parts below into one process
``store``                      pure: objects, resource versions, history, conflicts
``resources``                  the table of kinds
``objects``                    pure: what every object has; copying
``selectors, patches``         pure: label and field selectors; merge, strategic, JSON patches
``validation, podvalidation``  pure: what a real API server would refuse, with the field's name
``defaults``                   pure: what the API server fills in
``status``                     the refusals, worded as a real API server words them
``registry, deletion``         create, update, patch, delete
``quota, limitranges``         admission
``api, watching, web``         the HTTP handlers; ``requestinfo``, ``addresses`` read requests
``watch``                      pure: a cursor into the store's history
``table, podtable``            pure: what ``kubectl get`` prints
``scheduler``                  what fits on the node, and why not
``kubelet, podworker``         a pod's life; ``podrecord`` is what is known about it
``containers, mounts``         pure: environment, arguments, mount paths mapped to real ones
``volumes, memory, node``      directories, memory limits, the machine
``launcher, forkserver``       small processes that hold a pod's processes: ``shim``
``collector``                  owners and dependents
=============================  =============================================================

Pods run as the daemon's user with the machine's own programs: images are not pulled (any name is
accepted), ``runAsUser`` and the rest of the security context are not applied, Services have no proxy.
"""
