"""Quantities as people, Spark and Kubernetes write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.quantities import (
    GIB,
    INT64_MAX,
    KIB,
    MIB,
    format_duration,
    format_memory,
    format_mib,
    kubernetes_memory,
    parse_cores,
    parse_count,
    parse_duration,
    parse_kubernetes_cpu,
    parse_kubernetes_memory,
    parse_memory,
)
from sparkk8s_nb.model.suggest import correct


@pytest.mark.parametrize("text", ["8g", "8G", "8gb", "8GB", "8Gi", "8gi", "8GiB", "8192m", "8192Mi", "8192MiB",
                                  "8192", " 8 g ", "8.0g", "8388608k", "8589934592b"])  # fmt: skip
def test_eight_gibibytes_have_many_spellings(text):
    """Suffixes are binary, as in spark.executor.memory, in every case."""
    assert parse_memory(text) == 8 * GIB


@pytest.mark.parametrize(
    ("text", "size"), [("1t", 1024 * GIB), ("512m", 512 * MIB), ("1.5g", 1536 * MIB), ("4k", 4 * KIB)]
)
def test_units_have_sparks_meaning(text, size):
    """``m`` is mebi, never milli."""
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["2x", "", "g", "-1g", "0", "0g", "8 gigs", "1e9", "8g8g", "nan", "inf",
                                  "8.g", "9" * 30, "٣g", "9999999p", "8g\n2", "x" * 500])  # fmt: skip
def test_a_malformed_amount_of_memory_names_option_and_example(text):
    """Nothing slips through as a number that was not meant."""
    with pytest.raises(UsageError) as caught:
        parse_memory(text, option="--driver-memory", example="4g")
    assert "--driver-memory" in caught.value.problem
    assert "--driver-memory 4g" in caught.value.fix
    assert "\n" not in caught.value.problem
    assert len(caught.value.problem) < 160


def test_a_forgotten_unit_is_noticed():
    """``--memory 8`` is 8 MiB to Spark, and nobody means that."""
    with pytest.raises(UsageError, match=r"--memory 8 \(8 MiB\) is too small") as caught:
        parse_memory("8", minimum=512 * MIB)
    assert "--memory 8g; the least is 512 MiB." in caught.value.fix


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "500m", "", "two", "1_000", "9" * 40])
def test_cores_are_whole_and_positive(text):
    """An executor runs a whole number of tasks at once."""
    with pytest.raises(UsageError, match="--cores"):
        parse_cores(text)
    assert parse_cores("2") == 2


def test_a_count_has_its_own_least():
    """The error says what is counted."""
    assert parse_count("0", option="--tail", minimum=0) == 0
    with pytest.raises(UsageError, match="number of executors must be at least 1"):
        parse_count("0", option="-n", what="number of executors")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("5 min", 300),
        ("1h", 3600),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1d", 86400),
    ],
)
def test_durations_are_seconds_unless_they_say_otherwise(text, seconds):
    """As in Spark's own time confs."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "-5", "5x", "nan", "inf", "1e3", "five", "5m5"])
def test_a_malformed_duration_names_option_and_example(text):
    """A wait without an end is refused too."""
    with pytest.raises(UsageError, match="--timeout") as caught:
        parse_duration(text)
    assert "--timeout 5m" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "millis"),
    [("500m", 500), ("2", 2000), ("1.5", 1500), (".5", 500), ("1e1", 10000), ("100u", 1), ("1n", 1), (4, 4000),
     (0.5, 500), ("0", 0), ("1k", 1_000_000)],
)  # fmt: skip
def test_kubernetes_cpu_is_in_thousandths_rounded_up(text, millis):
    """As resource.Quantity.MilliValue does."""
    assert parse_kubernetes_cpu(text) == millis


@pytest.mark.parametrize(
    ("text", "size"),
    [("8Gi", 8 * GIB), ("512Mi", 512 * MIB), ("128974848", 128974848), ("129e6", 129_000_000), ("129M", 129_000_000),
     ("128974848000m", 128974848), ("1E", 10**18), ("1Ei", 2**60), ("1k", 1000), ("1500m", 2), (1024, 1024),
     ("1e999999999", INT64_MAX), ("1e-999999999", 1), ("-1", -1), ("0", 0)],
)  # fmt: skip
def test_kubernetes_memory_has_kubernetes_meaning(text, size):
    """``M`` is decimal and ``m`` is milli there; beyond 64 bits it is capped."""
    assert parse_kubernetes_memory(text) == size


@pytest.mark.parametrize("text", ["", "8g", "8 Gi", "Gi", "1.2.3", "0x10", "8GiB", "1e", "9" * 100])
def test_what_kubernetes_would_refuse_is_refused(text):
    """The grammars are not mixed up."""
    with pytest.raises(UsageError, match="Kubernetes"):
        parse_kubernetes_memory(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (900, "900 B"), (8 * GIB, "8 GiB"), (1536 * MIB, "1.5 GiB"), (512 * MIB, "512 MiB"),
     (GIB - 1, "1 GiB"), (10 * KIB, "10 KiB"), (2**60, "1 EiB"), (100 * GIB, "100 GiB")],
)  # fmt: skip
def test_memory_is_shown_as_people_say_it(size, text):
    """One decimal at most, never 1024 of a unit."""
    assert format_memory(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (-1, "0 s"), (0.42, "0.4 s"), (0.99, "1 s"), (1, "1 s"), (59.9, "59 s"), (60, "1 min"),
     (192, "3 min 12 s"), (3600, "1 h"), (7500, "2 h 5 min"), (90000, "1 d 1 h")],
)  # fmt: skip
def test_time_is_shown_in_its_two_largest_units(seconds, text):
    """Rounded down: a minute is over when it is over."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=MIB, max_value=2**50))
def test_a_pod_never_gets_less_and_a_heap_never_more(size):
    """Both are whole MiB, rounded to the safe side, and read back by our own grammar."""
    assert 0 <= parse_kubernetes_memory(kubernetes_memory(size)) - size < MIB
    assert 0 <= size - parse_memory(format_mib(size)) < MIB
    assert parse_memory(kubernetes_memory(size)) == parse_kubernetes_memory(kubernetes_memory(size))


@given(st.integers(min_value=1, max_value=10**6), st.sampled_from(["", "k", "m", "g", "Ki", "MiB", "GB"]))
def test_case_never_matters_to_our_grammar(number, unit):
    """``8G`` and ``8g`` are the same to a user of Spark."""
    text = f"{number}{unit}"
    assert parse_memory(text.lower()) == parse_memory(text.upper()) == parse_memory(text)


@pytest.mark.parametrize(
    ("option", "example", "text"),
    [("--memory", "8g", "--memory 8g"), ("memory =", "8g", 'memory = "8g"'), ("cores=", "2", "cores=2"),
     ("event_log =", "true", "event_log = true"), ("name=", "a b", 'name="a b"')],
)  # fmt: skip
def test_a_correction_is_written_as_its_place_wants_it(option, example, text):
    """Files and Python want quotes, a line does not."""
    assert correct(option, example) == text
