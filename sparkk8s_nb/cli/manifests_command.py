"""``sparkk8s-nb manifests``: what an administrator applies, as YAML on standard output."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sparkk8s_nb.cli.output import JSON_FLAG, Output
from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.names import check_image, check_namespace, check_object_name
from sparkk8s_nb.model.quantities import parse_cores, parse_memory
from sparkk8s_nb.model.spec import MIB
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.recipes import network, policy, rbac, reaper
from sparkk8s_nb.recipes.policy_rules import Shared
from sparkk8s_nb.recipes.rendering import Json, as_yaml

NAMESPACE = "--namespace"
ACCOUNT = "--service-account"
IMAGE = "--image"
NOTEBOOKS = "--notebook-namespace"
SCHEDULE = "--schedule"
REGISTRY = "--registry"
PREFIX = "--account-prefix"
EXECUTORS = "--executor-account"
PULL_SECRETS = "--pull-secrets"
ADMINISTRATORS = "--admin-groups"
MAX_CORES = "--max-cores"
MAX_MEMORY = "--max-memory"
DRIVERS = "--drivers"
NOTEBOOK_LABELS = "--notebook-labels"
DEFAULT_NAMESPACE = "default"

IMAGE_BEGINNING = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*")
NAME_BEGINNING = re.compile(r"[a-z0-9][a-z0-9.-]*")
OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
LABEL = re.compile(r"(?:[a-z0-9.-]+/)?[A-Za-z0-9._-]+=[A-Za-z0-9._-]*")
GROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:@/_-]*")
EXAMPLES = {
    REGISTRY: "registry.example/team/",
    PREFIX: "jupyter-",
    PULL_SECRETS: "regcred",
    ADMINISTRATORS: "platform",
    NOTEBOOK_LABELS: "component=singleuser-server",
}

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of manifests: its options with their placeholders, and how opening comment and manifests are made."""

    options: Mapping[str, str]
    required: frozenset[str] = frozenset()
    make: Callable[[Given], tuple[str, list[Json]]]


def _rbac(given: Given) -> tuple[str, list[Json]]:
    return rbac.HEAD, rbac.rbac(_namespace(given), _account(given.get(ACCOUNT, "")))


def _reaper(given: Given) -> tuple[str, list[Json]]:
    return reaper.HEAD, reaper.reaper(
        _namespace(given),
        check_image(given[IMAGE]),
        schedule=given.get(SCHEDULE, reaper.SCHEDULE),
        notebook_namespace=_notebooks(given),
    )


def _policy(given: Given) -> tuple[str, list[Json]]:
    limits: dict[str, int] = {}
    if MAX_CORES in given:
        limits["max_cores"] = parse_cores(given[MAX_CORES], option=MAX_CORES)
    if MAX_MEMORY in given:
        limits["max_memory"] = parse_memory(given[MAX_MEMORY], option=MAX_MEMORY) // MIB
    return policy.HEAD, policy.policy(
        Shared(
            namespace=_namespace(given),
            notebook_namespace=_notebooks(given),
            registries=tuple(f"{text.rstrip('/')}/" for text in _words(given, REGISTRY, IMAGE_BEGINNING)),
            account_prefix=_checked(given.get(PREFIX, ""), PREFIX, NAME_BEGINNING),
            executor_account=check_object_name(
                given.get(EXECUTORS, "default"), option=EXECUTORS, what="a service account"
            ),
            pull_secrets=tuple(_words(given, PULL_SECRETS, OBJECT_NAME)),
            administrators=tuple(_words(given, ADMINISTRATORS, GROUP_NAME)),
            **limits,
        )
    )


def _network(given: Given) -> tuple[str, list[Json]]:
    namespace, notebooks, labels = _namespace(given), _notebooks(given), _labels(given)
    drivers = _cidr(given.get(DRIVERS, ""))
    made = network.network(namespace, notebooks, notebook_labels=labels, drivers=drivers)
    return network.head(namespace, notebooks, notebook_labels=labels), made


RECIPES: Mapping[str, Recipe] = {
    "rbac": Recipe(options={NAMESPACE: "NS", ACCOUNT: "SA"}, make=_rbac),
    "reaper": Recipe(
        options={IMAGE: "I", NAMESPACE: "NS", NOTEBOOKS: "NS", SCHEDULE: "CRON"},
        required=frozenset({IMAGE}),
        make=_reaper,
    ),
    "policy": Recipe(
        options={
            NOTEBOOKS: "NS",
            REGISTRY: "PREFIX,...",
            NAMESPACE: "NS",
            PREFIX: "PREFIX",
            EXECUTORS: "SA",
            PULL_SECRETS: "NAME,...",
            ADMINISTRATORS: "GROUP,...",
            MAX_CORES: "N",
            MAX_MEMORY: "M",
        },
        required=frozenset({NOTEBOOKS, REGISTRY}),
        make=_policy,
    ),
    "network": Recipe(
        options={NAMESPACE: "NS", NOTEBOOKS: "NS", NOTEBOOK_LABELS: "KEY=VALUE,...", DRIVERS: "CIDR"},
        make=_network,
    ),
}


def manifests(words: Sequence[str], output: Output) -> int:
    """Print the manifests of one recipe."""
    plain = [word for word in words if word != JSON_FLAG]
    if not plain or plain[0] in {"-h", "--help"}:
        print("\n".join(f"usage: {_usage(name)}" for name in RECIPES))
        return 0
    name, rest = plain[0], plain[1:]
    if name not in RECIPES:
        raise UsageError(
            f"manifests does not know {name}.",
            fix=did_you_mean(name, RECIPES, otherwise=f"There are: {', '.join(RECIPES)}."),
        )
    recipe = RECIPES[name]
    given = _options(rest, recipe, _usage(name))
    head, made = recipe.make(given)
    output.show(made, as_yaml(made, head=head).rstrip("\n"))
    return 0


def _usage(name: str) -> str:
    recipe = RECIPES[name]
    options = [
        f"{option} {value}" if option in recipe.required else f"[{option} {value}]"
        for option, value in recipe.options.items()
    ]
    return f"sparkk8s-nb manifests {name} {' '.join(options)}"


def _options(words: Sequence[str], recipe: Recipe, usage: str) -> dict[str, str]:
    """Values by option; ``--name value`` and ``--name=value`` alike."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in recipe.options:
            raise UsageError(
                f"manifests does not take {option}.",
                fix=did_you_mean(option, recipe.options, otherwise=f"usage: {usage}"),
            )
        value = value if equals else next(rest, "")
        if not value or value.startswith("--"):
            raise UsageError(f"{option} takes a value.", fix=f"usage: {usage}")
        found[option] = value
    for option in recipe.options:
        if option in recipe.required and option not in found:
            raise UsageError(f"manifests needs {option}.", fix=f"usage: {usage}")
    return found


def _namespace(given: Given) -> str:
    return check_namespace(given.get(NAMESPACE, DEFAULT_NAMESPACE))


def _notebooks(given: Given) -> str:
    """The notebooks' namespace; empty where they run beside their executors."""
    named = given.get(NOTEBOOKS, "")
    return check_namespace(named, option=NOTEBOOKS) if named else ""


def _labels(given: Given) -> dict[str, str]:
    """Labels by name; none where every pod there counts as a notebook."""
    pairs = (word.partition("=") for word in _words(given, NOTEBOOK_LABELS, LABEL))
    return {key: value for key, _, value in pairs}


def _words(given: Given, option: str, pattern: re.Pattern[str]) -> list[str]:
    """Words with commas between them, each of a form that needs no quoting anywhere."""
    return [_checked(word, option, pattern) for word in given.get(option, "").split(",") if word]


def _checked(word: str, option: str, pattern: re.Pattern[str]) -> str:
    """A word of that form, or none."""
    if word and not pattern.fullmatch(word):
        raise UsageError(f"{option} does not take {word}.", fix=f"Write it like {option} {EXAMPLES[option]}")
    return word


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text)) if text else ""
    except ValueError as error:
        raise UsageError(
            f"{DRIVERS} {text} is not a network.", fix=f"Write it like {DRIVERS} 192.0.2.0/24"
        ) from error


def _account(text: str) -> str:
    """``NAME`` or ``NAMESPACE:NAME``, both checked."""
    home, colon, name = text.rpartition(":")
    if colon:
        check_namespace(home, option=ACCOUNT)
    if text:
        check_object_name(name, option=ACCOUNT, what="a service account")
    return text
