"""Makes everything that is not in the cache yet: ``python -m tests.cluster.provision``.

With a cluster of the user's own (``SPARKK8S_TEST_KUBECONFIG``) nothing is needed.
"""

from __future__ import annotations

import os

from tests.cluster.provision import binaries, images

if __name__ == "__main__" and not os.environ.get("SPARKK8S_TEST_KUBECONFIG"):
    binaries.main([])
    images.main()
