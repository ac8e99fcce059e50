"""Who starts a session, and from which notebook."""

from __future__ import annotations

import sys
from types import SimpleNamespace

from sparkk8s_nb.session import notebook_identity
from sparkk8s_nb.session.notebook_identity import notebook_path, notebook_title, user_name


def test_the_hubs_user_goes_first(monkeypatch):
    """In its pods everybody is jovyan."""
    assert user_name({"JUPYTERHUB_USER": "ada"}) == "ada"
    monkeypatch.setattr(notebook_identity.getpass, "getuser", lambda: "unix")
    assert user_name({}) == "unix"


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
