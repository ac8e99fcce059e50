"""The table of what a session does in the cluster."""

from __future__ import annotations

from collections import Counter

from sparkk8s_nb.model.rights import RIGHTS, Right, findings, rules, singly


def test_no_verb_is_in_the_table_twice():
    """Required and optional would contradict each other."""
    counted = Counter((right.group, right.resource, right.verbs) for right in singly())
    assert [key for key, times in counted.items() if times > 1] == []


def test_every_right_says_what_it_is_for():
    """The page and the warnings are made of it."""
    assert all(right.feature for right in RIGHTS)


def test_no_right_reads_or_lists_secrets():
    """Whoever has the Role sees nobody's passwords through it."""
    secrets = {verb for right in RIGHTS if right.resource == "secrets" for verb in right.verbs}
    assert secrets == {"create", "delete"}


def test_rules_have_one_entry_a_resource():
    """All verbs of the table are in them, and nothing else."""
    merged = rules(RIGHTS)
    assert len({(right.group, right.resource) for right in merged}) == len(merged)
    assert Counter((r.group, r.resource, r.verbs) for r in singly(merged)) == Counter(
        (r.group, r.resource, r.verbs) for r in singly()
    )


def test_what_is_required_and_what_is_not_is_spoken_of_apart():
    """One resource may have both."""
    rights = [
        Right(resource="pods", verbs=("get",), feature="a"),
        Right(resource="pods", verbs=("list",), feature="b"),
        Right(resource="pods", verbs=("patch",), feature="c", without="no marks"),
    ]
    required, optional = findings(rights)
    assert required.lacking("team") == "We may not get, list pods in namespace team."
    assert optional.lacking("team") == "We may not patch pods: no marks."
    assert 'resources: ["pods"], verbs: ["get", "list"]' in required.remedy("team")
