"""A user without a name is given one in the driver's JVM; one that has a name keeps it."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from sparkk8s_nb.spark import unnamed_user
from sparkk8s_nb.spark.unnamed_user import java_options, log_in

UNNAMED = 4_000_000_000


@pytest.fixture
def logins():
    """A JVM's users: who was logged in."""
    return []


@pytest.fixture
def jvm(logins):
    """A JVM with Hadoop's class for users."""
    users = SimpleNamespace(createRemoteUser=lambda name: f"user {name}", setLoginUser=logins.append)
    security = SimpleNamespace(UserGroupInformation=users)
    hadoop = SimpleNamespace(security=security)
    return SimpleNamespace(org=SimpleNamespace(apache=SimpleNamespace(hadoop=hadoop)))


def test_a_user_without_a_name_is_logged_in_by_the_executors_name(jvm, logins, monkeypatch):
    """Hadoop would ask the system, which has none."""
    monkeypatch.setattr(os, "getuid", lambda: UNNAMED)
    log_in(jvm)
    assert logins == ["user spark"]


def test_a_user_with_a_name_is_left_alone(jvm, logins, monkeypatch):
    """Neither Hadoop nor Java is told anything."""
    monkeypatch.setattr(unnamed_user, "is_unnamed", lambda uid: False)
    log_in(jvm)
    assert logins == []
    assert java_options(1000, {"HOME": "/home/ada"}) == []


def test_java_knows_a_home_directory(monkeypatch):
    """Where there is no HOME either, the one that is always there."""
    assert java_options(UNNAMED, {}) == ["-Duser.name=spark", "-Duser.home=/tmp"]
