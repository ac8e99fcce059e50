"""Manifests as YAML."""

from __future__ import annotations

import yaml

from sparkk8s_nb.recipes.rendering import as_yaml


def test_what_is_printed_reads_back_as_it_was():
    """Also what YAML would take for a number, a truth or a comment."""
    manifests = [
        {"a": "1", "b": "yes", "c": "# no"},
        {"text": "one\n  two: x\n", "list": [{"d": ["e", "f"]}]},
    ]
    assert list(yaml.safe_load_all(as_yaml(manifests, head="two\nlines"))) == manifests


def test_it_is_for_people():
    """Comments first, words on a line, texts as blocks, nothing by reference."""
    words = ["get", "list"]
    text = as_yaml([{"verbs": words, "others": words, "text": "one\ntwo\n"}], head="For you.")
    assert text == "# For you.\n---\nverbs: [get, list]\nothers: [get, list]\ntext: |\n  one\n  two\n"
