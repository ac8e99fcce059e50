"""Spark's own Kubernetes client goes on when its bearer token is renewed.

Spark reads ``spark.kubernetes.authenticate.oauthTokenFile`` once, when it makes its client, and fabric8 refreshes
no token that was given to it: after its end (15 minutes with some clouds' plugins) every request would get 401.
A provider on the client's configuration is asked for each request instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparkk8s_nb.spark.new_session import first_line
from sparkk8s_nb.spark.own_classes import instance, load_own_class

STRING = "java.lang.String"


def follow_token_file(gateway: Any, client: Any, file: Path) -> Any:
    """Have a fabric8 client send the token that its file holds at each request.

    Parameters
    ----------
    gateway : py4j.java_gateway.JavaGateway
    client : io.fabric8.kubernetes.client.KubernetesClient
    file : Path

    Raises
    ------
    Py4JError
        If this JVM cannot load the provider.
    """
    made = load_own_class(gateway.jvm, "TokenFile")
    configuration = client.getConfiguration()
    provider = instance(gateway, made, (STRING, str(file)), (STRING, configuration.getOauthToken() or ""))
    configuration.setOauthTokenProvider(provider)
    return provider


def follow_sparks_token(context: Any, file: Path) -> str:
    """The same for the client of a running SparkContext; returns a warning where that cannot be done, else nothing."""
    from py4j.protocol import Py4JError

    try:
        client = context._jsc.sc().schedulerBackend().kubernetesClient()
        follow_token_file(context._gateway, client, file)
    except Py4JError as error:
        return (
            "Spark keeps the token it started with: when that ends, it makes and removes no executors any more "
            f"({first_line(error)})."
        )
    return ""
