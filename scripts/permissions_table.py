"""Write docs/permissions.md from the table of rights, so that the two cannot disagree.

Run as ``python scripts/permissions_table.py > docs/permissions.md`` (``make docs``).
"""

from __future__ import annotations

from sparkk8s_nb.model.rights import Right, singly

NAMESPACE = "NAMESPACE"

HEAD = """\
# What a session may do in the cluster

<!-- Written by scripts/permissions_table.py (make docs): change sparkk8s_nb/model/rights.py instead. -->

`sparkk8s-nb manifests rbac --namespace NAMESPACE | kubectl apply -f -` makes a service account with just these
rights in one namespace (`--service-account NAME`, or `OTHER-NAMESPACE:NAME`, binds one that is there). Nothing
is asked for beyond that namespace; executors get no API token at all.

Every start asks for each right first. Without a required one it ends with the sentence in the last column and
the rule to add; without an optional one it goes on and says what will be missing (what only administrators would
miss is left out in silence).
"""


def table(rights: list[Right]) -> str:
    """Return rights, one verb each, as a Markdown table."""
    lines = ["| verb | resource | for | what is said without it |", "|---|---|---|---|"]
    for right in rights:
        resource = f"`{right.resource}`" + (f" ({right.group})" if right.group else "")
        said = "(nothing)" if right.quiet else right.lacking(NAMESPACE)
        cells = (f"`{right.verbs[0]}`", resource, right.feature, said)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def document() -> str:
    """Return the whole page."""
    rights = singly()
    required = table([right for right in rights if right.required])
    optional = table([right for right in rights if not right.required])
    return f"{HEAD}\n## Required\n\n{required}\n## Optional\n\n{optional}"


if __name__ == "__main__":
    print(document(), end="")
