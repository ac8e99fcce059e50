"""The objects of a session in the cluster: the Lease and everything that it owns."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.errors import ClusterError, ConnectError, RefusedError
from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.model import manifests
from sparkk8s_nb.model.labels import RECORD, executor_selector, session_labels
from sparkk8s_nb.model.record import SessionRecord
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.session.parts import Parts

POD_GRACE = 2


class ClusterObjects:
    """Makes, remakes and removes one session's objects.

    Parameters
    ----------
    spec : SessionSpec
    parts : Parts
    """

    def __init__(self, spec: SessionSpec, parts: Parts) -> None:
        self._spec = spec
        self._parts = parts
        self.lease_uid = ""
        self._owner: dict[str, Any] = {}
        self.template: dict[str, Any] = {}
        self.without: list[str] = []
        self._network: DriverNetwork | None = None

    def make_lease(self, record: SessionRecord) -> str:
        """Create the Lease and return its uid."""
        lease = self._parts.lease(session_labels(self._spec), {RECORD: record.public().as_json()})
        try:
            created = self._parts.cluster.create(lease)
        except (ConnectError, KeyboardInterrupt):
            # The answer was lost, perhaps not the request: nobody else makes a Lease of this name.
            with contextlib.suppress(ClusterError):
                self._parts.cluster.delete("Lease", self._spec.name)
            raise
        self.lease_uid = created["metadata"]["uid"]
        self._owner = self._parts.owner_reference(created)
        return self.lease_uid

    def remake_lease(self, record: SessionRecord) -> str:
        """Create the Lease again, in place of one of our name that is not ours; return its uid."""
        self._parts.cluster.delete("Lease", self._spec.name)
        return self.make_lease(record)

    def write_record(self, record: SessionRecord) -> None:
        """Put the record into the Lease and into the session's directory."""
        patch = {"metadata": {"annotations": {RECORD: record.public().as_json()}}}
        self._parts.cluster.merge("Lease", self._spec.name, patch)
        self.leave_record(record)

    def leave_record(self, record: SessionRecord) -> None:
        """Put the record into the session's directory alone: there is no Lease yet."""
        write_private(self._parts.place.record, record.as_json())

    def lease_is_ours(self) -> bool:
        """Whether the Lease is still there, and still the one that we made.

        Raises
        ------
        ClusterError
            If the API server does not answer: that says nothing about the Lease.
        """
        lease = self._parts.cluster.read("Lease", self._spec.name)
        return lease is not None and lease["metadata"]["uid"] == self.lease_uid

    def make_owned(self) -> None:
        """Create what executors need: their scripts and the RPC secret."""
        create = self._parts.cluster.create
        create(manifests.rpc_secret(self._spec, self._owner, self._parts.keys.rpc))
        if self._parts.executor_env:
            create(manifests.env_secret(self._spec, self._owner, self._parts.executor_env))
        template = self._make_template()
        create(manifests.tools_config_map(self._spec, self._owner, self._parts.scripts, template))

    def remake_owned(self) -> None:
        """After the Lease was deleted: make anew what the collector has taken with it."""
        self.remove_owned()
        self.make_owned()
        if self._network is not None:
            self.make_service(self._network)
        self.write_template()

    def make_service(self, network: DriverNetwork) -> None:
        """Create the driver's Service and EndpointSlice.

        Where we have no right to, they are left out and named in :attr:`without`: executors dial the
        driver's IP. Only a driver that is dialled by name needs them.
        """
        self._network = network
        create = self._parts.cluster.create
        try:
            create(manifests.driver_service(self._spec, self._owner, network))
            endpoints = manifests.driver_endpoints(self._spec, self._owner, network)
            if endpoints is not None:
                create(endpoints)
        except RefusedError:
            if network.name:
                raise
            lacking = "a name for the driver (no right to make its Service and EndpointSlice)"
            if lacking not in self.without:  # it is tried again with other ports, and after a revival
                self.without.append(lacking)

    def remove_service(self) -> None:
        """Delete the driver's Service and EndpointSlice."""
        for kind in ("Service", "EndpointSlice"):
            # What we have no right to delete goes with the Lease.
            with contextlib.suppress(RefusedError):
                self._parts.cluster.delete(kind, self._spec.name)

    def write_template(self) -> None:
        """Write the pod template that Spark reads for every pod it makes."""
        self.template = self._make_template()
        # JSON is YAML; Spark's client reads either.
        write_private(self._parts.place.spark_files.pod_template, json.dumps(self.template, indent=1))

    def _make_template(self) -> dict[str, Any]:
        kernel = self._parts.kernel
        return manifests.pod_template(
            self._spec,
            self._owner,
            uid=kernel.uid,
            gid=kernel.gid,
            hints=kernel.hints,
            templates=self._parts.templates,
        )

    def withhold_template(self) -> None:
        """Take the template away: without it Spark makes no pod."""
        self._parts.place.spark_files.pod_template.unlink(missing_ok=True)

    def probe(self) -> None:
        """Ask the API server, by a dry run, whether it would take an executor pod; raises its refusal."""
        self._parts.cluster.create(manifests.probe_pod(self._spec, self.template), dry_run=True)

    def remove_pods(self) -> None:
        """Delete the session's executor pods."""
        self._parts.cluster.delete_all("Pod", executor_selector(self._spec.name), grace=POD_GRACE)

    def remove_owned(self) -> None:
        """Delete what the Lease owns, without waiting for the collector."""
        self.remove_service()
        owned = [("Secret", f"{self._spec.name}-rpc"), ("ConfigMap", f"{self._spec.name}-tools")]
        if self._parts.executor_env:
            owned.append(("Secret", manifests.env_secret_name(self._spec)))
        for kind, name in owned:
            with contextlib.suppress(RefusedError):
                self._parts.cluster.delete(kind, name)

    def remove_lease(self) -> None:
        """Delete the Lease; the collector removes whatever is still owned by it."""
        self._parts.cluster.delete("Lease", self._spec.name, uid=self.lease_uid)

    def left(self) -> list[str]:
        """Names of executor pods that are still there."""
        pods = self._parts.cluster.list("Pod", selector=executor_selector(self._spec.name))
        return [pod["metadata"]["name"] for pod in pods]


def record_of(lease: Mapping[str, Any]) -> str:
    """The record's text in a Lease; empty if it has none."""
    annotations = lease["metadata"].get("annotations") or {}
    return str(annotations.get(RECORD, ""))
