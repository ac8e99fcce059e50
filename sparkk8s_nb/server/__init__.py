"""What serves a session to a browser: the way to the Spark UI, which answers only requests that are signed.

==================  =========================================================================================
``jws``             the signature that Spark's own filter asks for (pure)
``ui_forward``      what of a request goes on to the UI, what of its answer comes back (pure)
``ui_entrance``     who may enter: one-time tickets, and the visitors they let in (pure)
``ui_target``       which UI: the record's own one on 127.0.0.1, and nothing else
``ui_upstream``     one request forwarded, as a stream
``ui_proxy``        the process that a browser talks to where Jupyter's server does not do it
``ui_address``      how that process is told what to serve, and found again
``local_ui``        for the kernel: the link to it; imports little
==================  =========================================================================================

It runs in processes of its own, beside Jupyter's server or in it. What may not live here: anything that needs
pyspark, a kernel, a session's object or a widget. What it knows of a session stands in the session's record.
"""
