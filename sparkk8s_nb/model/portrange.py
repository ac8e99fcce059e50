"""The ports of drivers: a range that firewalls and network policies can name."""

from __future__ import annotations

FIRST_PORT = 22000
PORTS_PER_SLOT = 4
SLOTS = 100
LAST_PORT = FIRST_PORT + PORTS_PER_SLOT * SLOTS - 1
"""Each session of a host or pod takes the next slot: driver, block manager, Spark UI, one in reserve."""
