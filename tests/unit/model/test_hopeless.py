"""What does not pass by waiting, in the words of kubelets and registries; and what may."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.diagnosis import diagnose
from sparkk8s_nb.model.executors import PodEvent, PodEventsSeen, PodSeen, PodView
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet
from sparkk8s_nb.model.hopeless import Obstacle, hopeless

IMAGE = "registry.example/team/spark:4.3"
RESOLVE = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '
RPC = "rpc error: code = Unknown desc = "
TOKEN = "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "

PULLS = [
    (f"rpc error: code = NotFound desc = {RESOLVE}{IMAGE}: not found", Obstacle.NO_IMAGE),
    (f"{RESOLVE}{IMAGE}: not found", Obstacle.NO_IMAGE),
    (
        f'{RPC}failed to pull and unpack image "{IMAGE}": no match for platform in manifest: not found',
        Obstacle.NO_IMAGE,
    ),
    ("Error response from daemon: manifest for spark:9 not found: manifest unknown: x", Obstacle.NO_IMAGE),
    (
        (
            f"{RPC}{RESOLVE}pull access denied, repository does not exist or may require authorization: server "
            "message: insufficient_scope: authorization failed"
        ),
        Obstacle.NO_ACCESS,
    ),
    (f"{RPC}{RESOLVE}{TOKEN}https://registry.example/token?service=x: 401 Unauthorized", Obstacle.NO_ACCESS),
    (
        f"{RPC}{RESOLVE}unexpected status from HEAD request to https://r/v2/: 403 Forbidden",
        Obstacle.NO_ACCESS,
    ),
    (
        (
            "initializing source docker://r/spark:4.3: reading manifest 4.3 in r/spark: unauthorized: access to the "
            "requested resource is not authorized"
        ),
        Obstacle.NO_ACCESS,
    ),
    (
        (
            f'{RPC}{RESOLVE}failed to do request: Head "https://registry.example/v2/": dial tcp: lookup '
            "registry.example on 10.96.0.10:53: no such host"
        ),
        None,
    ),
    (
        f'{RPC}{RESOLVE}failed to do request: Head "https://registry.example/v2/": dial tcp 192.0.2.1:443: i/o timeout',
        None,
    ),
    (f'{RPC}{RESOLVE}failed to do request: Head "https://r/v2/": connect: connection refused', None),
    (f"{RPC}{RESOLVE}unexpected status from HEAD request to https://r/v2/: 503 Service Unavailable", None),
    ("toomanyrequests: You have reached your unauthenticated pull rate limit.", None),
    (
        f'{RPC}failed to pull and unpack image "{IMAGE}": failed to extract layer: no space left on device',
        None,
    ),
    (f'{RPC}{RESOLVE}failed to do request: Head "https://r/v2/": EOF', None),
    ("net/http: TLS handshake timeout", None),
]


def pod(reason: str, message: str = "", node: str = "n", **changes: object) -> PodView:
    made: dict[str, object] = {"name": "p", "uid": "u", "executor": "1"}
    return PodView(**(made | {"reason": reason, "message": message, "node": node} | changes))  # type: ignore[arg-type]


def event(reason: str, message: str, at: float = 1.0) -> PodEvent:
    return PodEvent(reason=reason, message=message, at=at)


def obstacle(view: PodView, *events: PodEvent) -> Obstacle | None:
    found = hopeless(view, events)
    return found.obstacle if found is not None else None


@pytest.mark.parametrize(("said", "expected"), PULLS)
def test_a_pull_is_hopeless_where_the_registry_has_said_no(said: str, expected: Obstacle | None) -> None:
    """One that did not answer may do so the next time."""
    assert obstacle(pod("ErrImagePull", said)) is expected
    # Kubelets since 1.31 repeat it while they wait, older ones say it in an Event alone.
    assert (
        obstacle(pod("ImagePullBackOff", f'Back-off pulling image "{IMAGE}": ErrImagePull: {said}'))
        is expected
    )
    told = event("Failed", f'Failed to pull image "{IMAGE}": {said}')
    assert obstacle(pod("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'), told) is expected


def test_an_image_s_own_name_says_nothing() -> None:
    """It may be called anything."""
    odd = "r/unauthorized: not found"
    assert obstacle(pod("ErrImagePull", f'failed to resolve reference "{odd}": EOF')) is None


def test_the_newest_failure_counts() -> None:
    """A registry that was away and then has no such image."""
    away = event("Failed", f'Failed to pull image "{IMAGE}": {PULLS[9][0]}', at=1.0)
    none = event("Failed", f'Failed to pull image "{IMAGE}": {PULLS[0][0]}', at=2.0)
    view = pod("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')
    assert obstacle(view, none, away) is Obstacle.NO_IMAGE
    assert obstacle(view, away) is None


def test_a_pull_secret_that_is_not_there_is_the_cause_of_a_refusal() -> None:
    """The kubelet goes on without it, and the registry refuses."""
    lacks = event(
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
    )
    found = hopeless(pod("ErrImagePull", PULLS[4][0]), [lacks])
    assert found is not None
    assert found.obstacle is Obstacle.NO_PULL_SECRET
    assert found.reason == "its image cannot be pulled, and the pull secret regcred is not there"
    hidden = hopeless(pod("ErrImagePull", PULLS[0][0]), [lacks])
    assert hidden is not None
    assert hidden.obstacle is Obstacle.NO_IMAGE
    assert (
        hidden.reason
        == f"its image cannot be pulled: {IMAGE}: not found, and the pull secret regcred is not there"
    )


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        (
            "InvalidImageName",
            (
                'Failed to apply default image tag "Spark:4.3": '
                "couldn't parse image name "
                '"Spark:4.3": invalid '
                "reference format: repository name must be lowercase"
            ),
            Obstacle.BAD_NAME,
        ),
        (
            "ErrImageNeverPull",
            'Container image "spark:4.3" is not present with pull policy of Never',
            Obstacle.NEVER_PULLED,
        ),
        ("CreateContainerConfigError", 'secret "keys" not found', Obstacle.NO_OBJECT),
        ("CreateContainerConfigError", 'configmap "conf" not found', Obstacle.NO_OBJECT),
        ("CreateContainerConfigError", "couldn't find key TOKEN in Secret team/keys", Obstacle.NO_OBJECT),
        (
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root (pod: p, container: c)",
            Obstacle.ROOT,
        ),
        (
            "CreateContainerConfigError",
            "container has runAsNonRoot and image has non-numeric user (spark), cannot verify user is non-root",
            Obstacle.ROOT,
        ),
        (
            "CreateContainerConfigError",
            "failed to sync secret cache: timed out waiting for the condition",
            None,
        ),
        ("CreateContainerError", "context deadline exceeded", None),
        ("ContainerCreating", "", None),
    ],
)
def test_a_container_is_hopeless_where_something_is_not_there(
    reason: str, message: str, expected: Obstacle | None
) -> None:
    """And not where the kubelet is late."""
    assert obstacle(pod(reason, message)) is expected


def test_a_claim_that_does_not_exist_is_no_want_of_room() -> None:
    """The scheduler says both in one place."""
    absent = '0/3 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/3 nodes are available.'
    found = hopeless(pod("Unschedulable", absent, node=""))
    assert found is not None
    assert found.reason == 'its volume is not there: persistentvolumeclaim "data" not found'
    assert obstacle(pod("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.", node="")) is None


def test_a_volume_of_a_secret_that_is_not_there_is_told_by_events_alone() -> None:
    """The pod's own status is that of every pod that starts."""
    failed = event("FailedMount", 'MountVolume.SetUp failed for volume "s" : secret "keys" not found', at=2.0)
    found = hopeless(pod("ContainerCreating"), [failed])
    assert found is not None
    assert found.reason == 'its volumes cannot be mounted: secret "keys" not found'
    assert obstacle(pod("ContainerCreating"), failed, event("Pulling", "Pulling image", at=3.0)) is None
    late = event(
        "FailedMount", 'MountVolume.SetUp failed for volume "s" : failed to sync secret cache', at=3.0
    )
    assert obstacle(pod("ContainerCreating"), failed, late) is None


@pytest.mark.parametrize("change", [{"phase": "Running"}, {"phase": "Failed"}, {"deleting": True}])
def test_only_a_pending_pod_is_judged(change: dict[str, object]) -> None:
    """Another has overcome it, or has ended."""
    assert obstacle(pod("ErrImagePull", PULLS[0][0], **change)) is None


@pytest.mark.parametrize("each", Obstacle)
def test_each_obstacle_says_what_to_do(each: Obstacle) -> None:
    """One sentence."""
    assert each.fix.endswith(".")
    assert each.may_be_late is (each is Obstacle.NO_OBJECT)


def test_the_view_and_the_diagnosis_say_it_in_the_registry_s_last_words() -> None:
    """Not in all that containerd wraps around them."""
    fleet = Fleet(wanted=2)
    for number in (1, 2):
        view = pod(
            "ImagePullBackOff", f'Back-off pulling image "{IMAGE}"', executor=str(number), uid=f"u{number}"
        )
        fleet = fleet.apply(PodSeen(pod=view, at=1.0))
        told = event("Failed", f'Failed to pull image "{IMAGE}": {PULLS[0][0]}')
        fleet = fleet.apply(PodEventsSeen(executor=str(number), events=(told,), at=2.0))
    assert fleet.executors[0].reason == f"its image cannot be pulled: {IMAGE}: not found"
    verdict = diagnose(fleet, now=100.0)
    assert verdict is not None
    assert verdict.problem == f"2 executors cannot start: its image cannot be pulled: {IMAGE}: not found."
    assert verdict.fix == Obstacle.NO_IMAGE.fix


def test_a_pull_that_may_yet_work_tells_of_the_secret_that_is_not_there_too() -> None:
    """The registry does not answer: what it would say is not known, and what lacks is."""
    fleet = Fleet(wanted=1).apply(PodSeen(pod=pod("ErrImagePull", PULLS[10][0]), at=1.0))
    assert fleet.executors[0].reason == (
        'its image cannot be pulled: failed to do request: Head "https://r/v2/": connect: connection refused'
    )
    lacks = event(
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (regcred); attempting ...",
    )
    fleet = fleet.apply(PodEventsSeen(executor="1", events=(lacks,), at=2.0))
    (executor,) = fleet.executors
    assert executor.obstacle == ""
    assert executor.reason.endswith("connection refused, and the pull secret regcred is not there")


def test_an_obstacle_is_gone_with_the_pod_s_start() -> None:
    """The image was pushed meanwhile."""
    fleet = Fleet(wanted=1).apply(PodSeen(pod=pod("ErrImagePull", PULLS[0][0]), at=1.0))
    assert fleet.executors[0].obstacle == Obstacle.NO_IMAGE
    fleet = fleet.apply(PodSeen(pod=pod("", phase="Running"), at=2.0))
    assert fleet.executors[0].obstacle == ""
    fleet = fleet.apply(ExecutorsSeen(executors=(ExecutorStatus(id="1"),), at=3.0))
    assert fleet.executors[0].obstacle == ""
