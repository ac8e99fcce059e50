"""Access reviews: whoever has the token may do everything, as the reviews say. Pure."""

from __future__ import annotations

from typing import Any

from sparkk8s_nb.embedded import resources, status
from sparkk8s_nb.embedded.problems import Problems
from sparkk8s_nb.embedded.resources import Resource

USER = "embedded-admin"


def review(resource: Resource, body: Any) -> dict[str, Any]:
    """Answer a SelfSubjectAccessReview or a SelfSubjectRulesReview.

    >>> review(resources.ACCESS_REVIEWS, {"spec": {"resourceAttributes": {"verb": "get"}}})["status"]["allowed"]
    True

    Raises
    ------
    StatusError
        400 for a body that is no review, 422 for one that asks for nothing.
    """
    if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
        raise status.bad_request(f"couldn't get version/kind; the body is not a {resource.kind}")
    given = [key for key in ("resourceAttributes", "nonResourceAttributes") if body["spec"].get(key)]
    if resource is resources.ACCESS_REVIEWS and len(given) != 1:
        problems = Problems()
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        problems.invalid("spec.resourceAttributes", body["spec"].get("resourceAttributes"), why)
        raise status.invalid(resource, "", problems.causes)
    if resource is resources.RULES_REVIEWS:
        answer: dict[str, Any] = {
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
    else:
        answer = {"allowed": True, "reason": "the embedded cluster belongs to its one user"}
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {"creationTimestamp": None},
        "spec": body["spec"],
        "status": answer,
    }
