"""The options of ``start``: one table, from which every place that takes or explains them is derived.

The magic's line and cell, the command line, the settings files, ``sparkk8s_nb.start(...)``, completion and
help all read :data:`OPTIONS`. An option has one *key* (``driver_memory``: in files, in Python) and *flags*
(``--driver-memory``: on a line). Reading a value needs no other module to know the option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sparkk8s_nb.model import needs, values
from sparkk8s_nb.model.addedlabels import LABELS
from sparkk8s_nb.model.memory import MIN_HEAP, MIN_OVERHEAD
from sparkk8s_nb.model.quantities import MIB

POD_MIN = MIN_HEAP + MIN_OVERHEAD


class Group(StrEnum):
    """How help orders the options."""

    SIZE = "Size"
    PLACE = "Where the executors run"
    NEEDS = "What executors get besides"
    CODE = "Spark and code"
    COURSE = "How it starts"


class Many(StrEnum):
    """Whether an option may be repeated, and what its values become."""

    ONE = "one"
    LIST = "list"
    MAP = "map"


class Applies(StrEnum):
    """When a changed value has an effect."""

    NOW = "now"
    RESTART = "at restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of ``start``.

    Parameters
    ----------
    key : str
        Its name in files, in Python and in resolved settings.
    flags : tuple of str
        Its names on a line, first the one that help shows; empty for what only files and confs can set.
    metavar : str
    kind : Kind
        How its text is read, and its value shown.
    help : str
        One sentence, with the default where a computed one needs words.
    example : str
        A right value.
    group : Group
    default : object
        None where the default is computed at the start.
    many : Many
    choices : tuple of str
        All values there are, for completion; empty where they cannot be listed.
    switch : bool
        Whether it stands alone, without a value.
    in_files : bool
        Whether settings files may hold it and an administrator may lock it.
    project_refusal : str
        Why a project's file may not hold it; empty where it may.
    private : bool
        Whether the value names a cluster or namespace, which no saved notebook may.
    applies : Applies
    available : bool
        False for an option that is refused as "not yet": help and completion leave it out.
    paths : bool
        Whether its values are files, which a settings file names from its own directory.
    table : bool
        Whether files and Python write its values as a table, ``KEY = VALUE``.
    """

    key: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    kind: values.Kind
    help: str
    example: str = ""
    group: Group = Group.SIZE
    default: object = None
    many: Many = Many.ONE
    choices: tuple[str, ...] = ()
    switch: bool = False
    in_files: bool = True
    project_refusal: str = ""
    private: bool = False
    applies: Applies = Applies.RESTART
    available: bool = True
    paths: bool = False
    table: bool = False


_ELSEWHERE = "where executors run is not the project's to say"

OPTIONS: tuple[Option, ...] = (
    Option(
        key="executors", flags=("-n", "--executors", "--num-executors"), metavar="N", kind=values.COUNT,
        help="How many executors (2).", example="4", default=2, applies=Applies.NOW,
    ),
    Option(
        key="min", flags=("--min",), metavar="N", kind=values.NOT_YET, help="Not available yet.",
        available=False, in_files=False,
    ),
    Option(
        key="max", flags=("--max",), metavar="N", kind=values.NOT_YET, help="Not available yet.",
        available=False, in_files=False,
    ),
    Option(
        key="cores", flags=("--cores", "--executor-cores"), metavar="C", kind=values.CORES, example="2",
        help="Tasks that an executor runs at once (2; on the embedded cluster sized to fit).",
    ),
    Option(
        key="memory", flags=("--memory",), metavar="M", kind=values.memory("8g", POD_MIN), example="8g",
        help="Memory of an executor's whole pod: heap, Python and overhead (8g; embedded: sized to fit).",
    ),
    Option(
        key="executor_memory", flags=("--executor-memory",), metavar="M", kind=values.memory("4g", MIN_HEAP),
        help="Instead of --memory, as in spark-submit: the heap alone, overhead comes on top.", example="4g",
    ),
    Option(
        key="memory_overhead", kind=values.memory("1g", MIB), example="1g",
        help="Part of an executor's pod that is not heap (spark.executor.memoryOverhead).",
    ),
    Option(
        key="memory_overhead_factor", kind=values.FACTOR, example="0.4",
        help="The same as a share of the heap (spark.executor.memoryOverheadFactor).",
    ),
    Option(
        key="cpu", kind=values.CPU, example="500m",
        help="CPU that an executor's pod requests (spark.kubernetes.executor.request.cores; as many as cores).",
    ),
    Option(
        key="cpu_limit", kind=values.CPU, example="2",
        help="CPU limit of an executor's pod (spark.kubernetes.executor.limit.cores; none, or what it requests "
        "where a quota or LimitRange demands one).",
    ),
    Option(
        key="driver_memory", flags=("--driver-memory",), metavar="M", kind=values.memory("2g", MIN_HEAP),
        help="Heap of the driver in this kernel (4g, at most a quarter of what there is).", example="2g",
    ),
    Option(
        key="disk", flags=("--disk",), metavar="D", kind=values.memory("20g", MIB, "disk space"), example="20g",
        help="Limit of an executor's scratch space (none).",
    ),
    Option(
        key="image", flags=("--image",), metavar="I", kind=values.IMAGE, example="registry.example.com/team/spark:4.3",
        help="The executors' image (embedded: none is needed).", group=Group.PLACE,
        project_refusal="an image comes from a registry",
    ),
    Option(
        key="namespace", flags=("--namespace",), metavar="NS", kind=values.NAMESPACE, example="team-a", private=True,
        help="The executors' namespace (the context's, or this pod's own).", group=Group.PLACE,
    ),
    Option(
        key="context", flags=("--context",), metavar="CTX", kind=values.TEXT, example="embedded", private=True,
        help="A context of your kubeconfig; embedded is this machine (in a pod: its cluster, else embedded).",
        group=Group.PLACE, project_refusal=_ELSEWHERE,
    ),
    Option(
        key="profile", flags=("--profile",), metavar="P", kind=values.TEXT, example="big", group=Group.PLACE,
        help="A set of options that a settings file names.", project_refusal=_ELSEWHERE,
    ),
    Option(
        key="pod_template", flags=("--pod-template",), metavar="F", kind=values.PATH, paths=True, example="pod.yaml",
        help="A YAML file that the executors' pods are built on.", group=Group.PLACE,
    ),
    Option(
        key="env", flags=("--env",), metavar="NAME", kind=needs.VARIABLES, many=Many.LIST, default=(),
        help="A variable that executors get with this kernel's value, through a Secret; may be repeated.",
        example="AWS_REGION", group=Group.NEEDS,
    ),
    Option(
        key="inherit_env", kind=needs.VARIABLES, many=Many.LIST, default=(), example="HTTPS_PROXY",
        help="Variables that executors get like --env where this kernel has them: proxies, CA bundles, regions.",
        group=Group.NEEDS,
    ),
    Option(
        key="secret", flags=("--secret",), metavar="NAME[:/path]", kind=needs.SECRETS, many=Many.LIST, default=(),
        help="A Secret of the namespace, as variables or as files below a path; may be repeated.",
        example="s3-credentials", group=Group.NEEDS, project_refusal="a Secret holds credentials",
    ),
    Option(
        key="volume", flags=("--volume",), metavar="PVC:/path[:ro]", kind=needs.VOLUMES, many=Many.LIST, default=(),
        help="A PersistentVolumeClaim of the namespace, mounted at a path; may be repeated.",
        example="data:/data:ro", group=Group.NEEDS,
    ),
    Option(
        key="labels", kind=LABELS, many=Many.LIST, table=True, default=(), example="team=data", group=Group.NEEDS,
        help="Labels on everything that a session makes, for cost centres: labels = { team = \"data\" }.",
    ),
    Option(
        key="shared_paths", kind=needs.PATHS, many=Many.LIST, default=(), example="/mnt/shared",
        help="Local paths that executors share with this kernel: Spark may write there (/ for all).",
        group=Group.NEEDS,
    ),
    Option(
        key="conf", flags=("--conf",), metavar="K=V", kind=values.PAIR, many=Many.MAP, group=Group.CODE,
        help="A Spark conf; may be repeated.", example="spark.sql.shuffle.partitions=8",
    ),
    Option(
        key="packages", flags=("--packages",), metavar="COORDS", kind=values.PACKAGES, many=Many.LIST,
        help="Maven packages, GROUP:ARTIFACT:VERSION, with commas; may be repeated.", group=Group.CODE,
        example="org.apache.spark:spark-avro_2.13:4.3.0", default=(),
    ),
    Option(
        key="py_files", flags=("--py-files",), metavar="F", kind=values.FILES, paths=True, many=Many.LIST,
        help="Python files or zips that executors import from; may be repeated.", example="lib.zip", default=(),
        group=Group.CODE,
    ),
    Option(
        key="name", flags=("--name",), metavar="NAME", kind=values.TITLE, example="flights", group=Group.COURSE,
        help="The application's name (the notebook's).",
    ),
    Option(
        key="wait", flags=("--wait",), metavar="N|all|none", kind=values.WAIT, example="all", default=1,
        help="How many executors start waits for (1); the others join.", choices=("all", "none", "1"),
        group=Group.COURSE,
    ),
    Option(
        key="timeout", flags=("--timeout",), metavar="S", kind=values.DURATION, example="5m", default=300.0,
        help="How long it waits: seconds, or 5m (300); up to 3 times that while an image is pulled or a node comes.",
        group=Group.COURSE,
    ),
    Option(
        key="restart", flags=("--restart",), kind=values.ON_OFF, switch=True,
        help="Stop the session that runs, then start.", in_files=False, group=Group.COURSE, default=False,
    ),
    Option(
        key="driver_address", flags=("--driver-address",), metavar="ip|dns", kind=values.words(ip="ip", dns="dns"),
        help="What executors dial: the driver's IP, or its Service's name (ip).", choices=("ip", "dns"),
        default="ip", example="dns", group=Group.COURSE,
    ),
    Option(
        key="progress", flags=("--progress",), metavar="auto|off", choices=("auto", "off"), default=True,
        kind=values.AUTO_OFF, applies=Applies.NOW, group=Group.COURSE,
        help="Whether progress is shown under running cells (auto).", example="off",
    ),
    Option(
        key="event_log", flags=("--event-log",), metavar="on|off", choices=("on", "off"), default=True,
        kind=values.ON_OFF, group=Group.COURSE,
        help="Whether Spark writes an event log (on).", example="off",
    ),
    Option(
        key="class_archives", choices=("on", "off"), default=True, kind=values.ON_OFF, group=Group.COURSE,
        help="Whether a first start makes archives of Spark's classes for faster later ones (on; embedded cluster).",
        example="off",
    ),
)  # fmt: skip
"""All options of ``start``, in the order of help."""

BY_KEY: Mapping[str, Option] = MappingProxyType({option.key: option for option in OPTIONS})
BY_FLAG: Mapping[str, Option] = MappingProxyType({flag: o for o in OPTIONS for flag in o.flags})
BY_NAME: Mapping[str, Option] = MappingProxyType(
    dict(BY_KEY)
    | {flag[2:].replace("-", "_"): option for flag, option in BY_FLAG.items() if flag.startswith("--")}
)
"""Options by key and by the names of their long flags: what files, cells and Python may call them."""


def option_named(name: str) -> Option | None:
    """Return the option that files, cells and Python call ``name``; ``-`` and ``_`` are the same.

    >>> option_named("driver-memory").key, option_named("num_executors").key
    ('driver_memory', 'executors')
    """
    return BY_NAME.get(name.replace("-", "_"))
