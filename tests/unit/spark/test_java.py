"""Finding a Java that Spark can run on."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.spark.java import Java, find_java


def install(home, version, *, release=True):
    """A Java that only says its version."""
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize("release", [True, False])
@pytest.mark.parametrize(("version", "feature"), [("17.0.15", 17), ("21", 21), ("25-ea", 25)])
def test_java_home_goes_first(tmp_path, version, feature, release):
    """By its release file, or by asking it."""
    home = install(tmp_path / "jdk", version, release=release)
    assert find_java({"JAVA_HOME": str(home), "PATH": ""}) == Java(home=home, version=feature)


def test_a_java_home_that_is_wrong_is_named_and_never_passed_over(tmp_path):
    """Spark's own scripts would take it: another one found elsewhere would not be the one that runs."""
    old, good = install(tmp_path / "old", "11.0.2"), install(tmp_path / "jvm" / "good", "17.0.1")
    path = str(good / "bin")
    for home, says in ((old, "is Java 11"), (tmp_path / "none", "has no Java that runs")):
        with pytest.raises(JavaError) as caught:
            find_java({"JAVA_HOME": str(home), "PATH": path}, usual=[tmp_path / "jvm"])
        assert caught.value.problem == f"Spark needs Java 17 or newer, but JAVA_HOME={home} {says}."
        assert "JAVA_HOME" in caught.value.fix
    assert find_java({"JAVA_HOME": "", "PATH": path}).home == good


def test_java_on_the_path_is_found_through_links(tmp_path):
    """As distributions install it."""
    home = install(tmp_path / "jdk-17", "17.0.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert find_java({"PATH": str(tmp_path / "bin")}, usual=[]).home == home


def test_java_that_is_installed_but_not_on_the_path_is_found(tmp_path):
    """The newest name first; an older one on the path is no reason to give up. macOS puts it a level deeper."""
    usual = tmp_path / "jvm"
    install(usual / "java-11", "11.0.1")
    new = install(usual / "java-21", "21.0.1")
    old = install(tmp_path / "old", "1.8.0_292")
    assert find_java({"PATH": str(old / "bin")}, usual=[usual]).home == new
    mac = install(tmp_path / "mac" / "jdk" / "Contents" / "Home", "17.0.1")
    assert find_java({"PATH": ""}, usual=[tmp_path / "mac"]).home == mac


def test_a_machine_without_java_says_how_to_get_one(tmp_path):
    """On Debian, on macOS."""
    with pytest.raises(JavaError, match="There is no Java on this machine") as caught:
        find_java({"PATH": str(tmp_path)}, usual=[tmp_path / "none"])
    assert "apt install" in caught.value.fix
    assert "brew install" in caught.value.fix


def test_java_that_is_too_old_everywhere_is_listed(tmp_path):
    """1.8 is Java 8."""
    old = install(tmp_path / "old", "1.8.0_292", release=False)
    broken = tmp_path / "jvm" / "broken"
    (broken / "bin").mkdir(parents=True)
    (broken / "bin" / "java").write_text("no program")
    with pytest.raises(JavaError) as caught:
        find_java({"PATH": str(old / "bin")}, usual=[tmp_path / "jvm"])
    assert f"{old} is Java 8, {broken} has no Java that runs" in caught.value.problem
