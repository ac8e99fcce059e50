"""What serves sessions to a browser: the extension of Jupyter's server, and a proxy where there is none.

==================  =========================================================================================
``extension``       what Jupyter's server loads
``routes``          its routes
``api_handlers``    JSON for the panel: decode, call, encode
``page_handlers``   pages of Spark's own, signed for and passed through
``service``         what they answer with
``kernel_actions``  an action for a session in a kernel that is busy
``namespace_list``  the sessions of the namespace, other users' too
``own_command``     ``sparkk8s-nb`` for those two, in a process of its own
``sweeping``        dead sessions that no keeper swept
``records``         this user's sessions, and whose records count
``jws``             the signature that Spark's own filter asks for (pure)
``ui_forward``      what of a request goes on to the UI, what of its answer comes back (pure)
``ui_target``       which UI: the record's own one on 127.0.0.1, and nothing else
``ui_upstream``     one request forwarded, as a stream
``ui_link``         for the kernel: which link to show
``event_logs``      what stopped sessions have left
``past_ui``         the UI of one of them
``ui_entrance``     the proxy's door: one-time tickets, and the visitors they let in (pure)
``ui_proxy``        the process that a browser talks to where Jupyter's server does not do it
``ui_address``      how that process is told what to serve, and found again
``local_ui``        for the kernel: the link to it; imports little
``detached``        how such processes are started
==================  =========================================================================================

It runs in processes of its own, beside Jupyter's server or in it. Only ``extension``, ``routes``, the handlers and
``kernel_actions`` need Jupyter's packages. What may not live here: anything that needs pyspark, a kernel, a
session's object or a widget. What it knows of a session stands in the session's record.
"""
