"""Who starts a session, and from which notebook."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.session import notebook_identity
from sparkk8s_nb.session.notebook_identity import kernel_id, notebook_path, notebook_title, user_name
from sparkk8s_nb.session.specification import make_identity


def test_the_hubs_user_goes_first(monkeypatch):
    """In its pods everybody is jovyan."""
    assert user_name({"JUPYTERHUB_USER": "ada"}) == "ada"
    monkeypatch.setattr(notebook_identity.getpass, "getuser", lambda: "unix")
    assert user_name({}) == "unix"


def test_an_administrator_s_policy_knows_the_user_best():
    """And its name has a form that can stand in names."""
    assert user_name({"SPARKK8S_OWNER": "ada-40x", "JUPYTERHUB_USER": "ada@x"}) == "ada-40x"
    with pytest.raises(UsageError, match="SPARKK8S_OWNER=ada@x cannot be an owner's name"):
        user_name({"SPARKK8S_OWNER": "ada@x"})


def test_a_session_is_called_after_its_owner_where_a_policy_asks_for_it():
    """In its label and in its name."""
    identity = make_identity({"name": "flights"}, {"SPARKK8S_OWNER": "ada"})
    assert identity.owner == "ada"
    assert identity.name.startswith("spark-ada--flights-")


def test_a_user_without_a_name_has_one(monkeypatch):
    """A container's uid may not be in /etc/passwd."""

    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr(notebook_identity.getpass, "getuser", nobody)
    assert user_name({}) == "user"


def test_the_notebook_is_what_jupyter_or_vscode_says(monkeypatch):
    """Else the script, else the prompt; never ipykernel's own file."""
    assert notebook_path({"JPY_SESSION_NAME": "a/b.ipynb"}, []) == "a/b.ipynb"
    assert notebook_path({}, ["etl.py"]) == "etl.py"
    assert notebook_path({}, ["/x/ipykernel_launcher.py"]) == "ipython"
    assert notebook_path({}, ["/usr/bin/ipython"]) == "ipython"
    assert notebook_path({}, []) == "ipython"
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__vsc_ipynb_file__="c.ipynb"))
    assert notebook_path({}, []) == "c.ipynb"


def test_a_title_has_no_directories():
    """It stays in the cluster."""
    assert notebook_title("/home/ada/secret/Flights.ipynb") == "Flights"
    assert notebook_title("") == "ipython"


def test_a_kernel_is_known_by_its_connection_file(monkeypatch):
    """As Jupyter's server names it; a plain Python process has none."""
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)
    assert kernel_id() == ""

    def application(file):
        found = SimpleNamespace(connection_file=file)
        kind = SimpleNamespace(initialized=lambda: file is not None, instance=lambda: found)
        return SimpleNamespace(IPKernelApp=kind)

    for file, known in (
        ("/run/user/7/jupyter/kernel-7c1f-3e0a.json", "7c1f-3e0a"),
        ("mine.json", ""),
        (None, ""),
    ):
        monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", application(file))
        assert kernel_id() == known
