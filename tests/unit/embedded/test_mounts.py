"""Mount paths in text: replaced where they stand as paths, nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.embedded.mounts import PathMap

PATHS = PathMap({"/mnt/x": "/pod/a", "/mnt/x/deep": "/pod/b", "/opt/spark/conf/": "/pod/conf"})


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("/mnt/x", "/pod/a"),
        ("/mnt/x/", "/pod/a/"),
        ("/mnt/x/secret", "/pod/a/secret"),
        ("-Dspark.authenticate.secret.file=/mnt/x/secret", "-Dspark.authenticate.secret.file=/pod/a/secret"),
        ("--conf a=/mnt/x:/mnt/x/deep", "--conf a=/pod/a:/pod/b"),
        ("/opt/spark/conf:/home/jars/*", "/pod/conf:/home/jars/*"),
        ("/mnt/x/deep/er", "/pod/b/er"),
        ("/mnt/x/deeper", "/pod/a/deeper"),
        ("a,/mnt/x,b", "a,/pod/a,b"),
        ("'/mnt/x'", "'/pod/a'"),
        ("cat /mnt/x/f; ls /mnt/x", "cat /pod/a/f; ls /pod/a"),
        ("file:///mnt/x/f", "file:///pod/a/f"),
        ("file:/mnt/x", "file:/pod/a"),
        ("local:///mnt/x/a.jar", "local:///pod/a/a.jar"),
        ("/mnt/xyz", "/mnt/xyz"),
        ("/mnt/x.txt", "/mnt/x.txt"),
        ("/mnt/x-1", "/mnt/x-1"),
        ("/home/mnt/x", "/home/mnt/x"),
        ("/a/mnt/x/b", "/a/mnt/x/b"),
        ("http://mnt/x", "http://mnt/x"),
        ("hdfs://host/mnt/x", "hdfs://host/mnt/x"),
        ("", ""),
        ("nothing", "nothing"),
    ],
)
def test_a_mount_path_is_mapped_where_it_is_a_path(text: str, mapped: str) -> None:
    """Also inside other text, at path boundaries only, the longest first."""
    assert PATHS.apply(text) == mapped


def test_what_was_put_in_is_not_mapped_again() -> None:
    """A real path that contains another mount path stays."""
    assert PathMap({"/a": "/b/x", "/b": "/c"}).apply("/a:/b") == "/b/x:/c"


def test_a_pod_without_mounts_maps_nothing() -> None:
    """The common case."""
    assert PathMap({}).apply("/mnt/x") == "/mnt/x"


@given(st.text(alphabet="ab/=:.-", max_size=30))
def test_text_without_the_mount_path_stays(text: str) -> None:
    """Whatever it is."""
    assert PathMap({"/zz": "/y"}).apply(text) == text
