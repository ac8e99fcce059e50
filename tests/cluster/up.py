"""Brings a tier up and keeps it until its input ends: ``python -m tests.cluster.up api|node``.

Prints one line of JSON when it is up: the administrator's kubeconfig, and the image for executors.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import ExitStack

from tests.cluster.apiserver import start_api_tier
from tests.cluster.cleanup import new_run
from tests.cluster.node_tier import start_node_tier


def main(tier: str) -> None:
    """Bring it up, say so, and wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with new_run() as run, ExitStack() as stack:
        if tier == "api":
            told = {"kubeconfig": str(start_api_tier(run, stack).admin)}
        else:
            node = start_node_tier(run, stack)
            told = {"kubeconfig": str(node.api.admin), "image": node.containers.notebook}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1:] not in (["api"], ["node"]):
        sys.exit("Which tier? python -m tests.cluster.up api|node")
    main(sys.argv[1])
