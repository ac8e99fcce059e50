"""``sparkk8s-nb manifests``: YAML for administrators."""

from __future__ import annotations

import json

import pytest
import yaml

from sparkk8s_nb.cli.main import main
from sparkk8s_nb.cli.manifests_command import RECIPES

NEEDED = {
    "reaper": ["--image", "notebook:1"],
    "policy": ["--notebook-namespace", "hub", "--registry", "r.example/team"],
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_prints_yaml_or_json(capsys, name):
    """The same objects, for kubectl and for programs."""
    needed = NEEDED.get(name, [])
    assert main(["manifests", name, "--namespace", "team", *needed]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert all({"apiVersion", "kind", "metadata"} <= set(document) for document in documents)
    assert main(["manifests", name, "--namespace=team", "--json", *needed]) == 0
    assert json.loads(capsys.readouterr().out) == documents


def test_without_a_name_it_says_which_there_are(capsys):
    """With their options."""
    assert main(["manifests"]) == 0
    out = capsys.readouterr().out
    assert "usage: sparkk8s-nb manifests rbac [--namespace NS] [--service-account SA]\n" in out
    assert all(f"sparkk8s-nb manifests {name} " in out for name in RECIPES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rbca"], "Did you mean rbac?"),
        (["zzz"], "There are: rbac"),
        (["rbac", "--namespcae", "x"], "Did you mean --namespace?"),
        (["rbac", "--namespace"], "--namespace takes a value."),
        (["rbac", "--namespace", "--service-account"], "--namespace takes a value."),
        (["rbac", "--namespace", "No_Such"], "not a namespace that Kubernetes accepts"),
        (["rbac", "--service-account", "hub:A_b"], "not a service account that Kubernetes accepts"),
        (["reaper"], "manifests needs --image."),
        (["reaper", "--image", "Not an image"], "is not an image's name"),
        (
            ["reaper", "--image", "a", "--notebook-namespace", "A"],
            "--notebook-namespace A is not a namespace",
        ),
        (["policy", "--notebook-namespace", "hub"], "manifests needs --registry."),
        (["policy", *NEEDED["policy"], "--registry", "a'b"], "--registry does not take a'b."),
        (["policy", *NEEDED["policy"], "--max-memory", "much"], "--max-memory much"),
        (["policy", *NEEDED["policy"], "--namespace", "hub"], "need namespaces of their own"),
        (["network", "--drivers", "here"], "--drivers here is not a network."),
        (["network", "--notebook-labels", "app"], "--notebook-labels does not take app."),
        (["rbac", "--service-account", ":a"], "not a namespace that Kubernetes accepts"),
    ],
)
def test_words_that_it_does_not_know_are_two_lines(capsys, words, said):
    """And exit code 2."""
    assert main(["manifests", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 2
