"""On which line a TOML file says what."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.model.tomllines import key_lines

TRICKY = '''\
# a comment with [start] and memory = 1
locked = [
  "image", # "]" in a comment
  "a,b]",
]

[start] # the table
memory = "4g"   # memory = "8g"
"driver-memory" = '2g'
conf."spark.sql.shuffle.partitions" = 8
conf.spark.ui.enabled = true
text = """
[profiles.fake]
image = "x"
"""
raw = \'\'\'
image = 1
\'\'\'
quotes = """a""\\"""""
when = 2024-01-01 10:00:00
inline = { a = 1, "b.c" = [ { d = 2 }, { d = 3 } ], e = { } }

[ profiles . "big one" ]
cores = 4
[[list]]
x = 1
[[list]]
x = 2
[start.conf.more]
z = 1'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("locked",), 2),
        (("start",), 7),
        (("start", "memory"), 8),
        (("start", "driver-memory"), 9),
        (("start", "conf"), 10),
        (("start", "conf", "spark.sql.shuffle.partitions"), 10),
        (("start", "conf", "spark", "ui", "enabled"), 11),
        (("start", "text"), 12),
        (("start", "raw"), 16),
        (("start", "quotes"), 19),
        (("start", "when"), 20),
        (("start", "inline", "a"), 21),
        (("start", "inline", "b.c", "d"), 21),
        (("start", "inline", "e"), 21),
        (("profiles",), 23),
        (("profiles", "big one"), 23),
        (("profiles", "big one", "cores"), 24),
        (("list", "x"), 26),
        (("start", "conf", "more", "z"), 30),
    ],
)
def test_every_key_has_its_line(path, line):
    """Dotted, quoted, inline, in tables; comments and strings do not count."""
    assert tomllib.loads(TRICKY)
    assert key_lines(TRICKY)[path] == line


def test_what_only_looks_like_a_key_is_none():
    """Text in strings and comments is not found."""
    found = key_lines(TRICKY)
    assert ("profiles", "fake") not in found
    assert ("start", "image") not in found
    assert ("image",) not in found


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a=1", "a=1\r\nb=2\r\n"])
def test_small_files_are_files(text):
    """Empty, without a last newline, with Windows' line ends."""
    assert tomllib.loads(text) is not None
    assert list(key_lines(text)) == [(key,) for key in tomllib.loads(text)]


keys = st.from_regex(r"[a-z_-]{1,6}|\"[a-z .=#\[\]]{0,6}\"|'[a-z .=#\"]{0,6}'", fullmatch=True)
scalars = st.sampled_from(
    [
        "1",
        "true",
        "1.5",
        '"a # b"',
        "'c = d'",
        '"""\nx = 1\n"""',
        "[1, 2,]",
        "[\n 1, # ]\n]",
        "{ a = 1 }",
        "{}",
        "[]",
    ]
)


@given(st.dictionaries(keys, st.tuples(scalars, st.sampled_from(["", "\n", "# x = 1\n", " \n"])), max_size=8))
def test_the_scan_agrees_with_tomllib(statements):
    """Same keys, in order, each on the line where it was written."""
    text, expected, line = "", [], 1
    for key, (value, gap) in statements.items():
        expected.append(line + gap.count("\n"))
        piece = f"{gap}{key} = {value} # end\n"
        line += piece.count("\n")
        text += piece
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = {path[0]: number for path, number in key_lines(text).items() if len(path) == 1}
    assert list(found) == list(parsed)
    assert list(found.values()) == expected
