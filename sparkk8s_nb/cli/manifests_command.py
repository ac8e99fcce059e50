"""``sparkk8s-nb manifests``: what an administrator applies, as YAML on standard output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sparkk8s_nb.cli.output import JSON_FLAG, Output
from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.names import check_image, check_namespace, check_object_name
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.recipes import rbac, reaper
from sparkk8s_nb.recipes.rendering import Json, as_yaml

NAMESPACE = "--namespace"
ACCOUNT = "--service-account"
IMAGE = "--image"
NOTEBOOKS = "--notebook-namespace"
SCHEDULE = "--schedule"
DEFAULT_NAMESPACE = "default"

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of manifests: its options with their placeholders, its opening comment, and how it is made."""

    options: Mapping[str, str]
    required: frozenset[str] = frozenset()
    head: str
    make: Callable[[Given], list[Json]]


def _rbac(given: Given) -> list[Json]:
    return rbac.rbac(_namespace(given), _account(given.get(ACCOUNT, "")))


def _reaper(given: Given) -> list[Json]:
    notebooks = given.get(NOTEBOOKS, "")
    return reaper.reaper(
        _namespace(given),
        check_image(given[IMAGE]),
        schedule=given.get(SCHEDULE, reaper.SCHEDULE),
        notebook_namespace=check_namespace(notebooks, option=NOTEBOOKS) if notebooks else "",
    )


RECIPES: Mapping[str, Recipe] = {
    "rbac": Recipe(options={NAMESPACE: "NS", ACCOUNT: "SA"}, head=rbac.HEAD, make=_rbac),
    "reaper": Recipe(
        options={IMAGE: "I", NAMESPACE: "NS", NOTEBOOKS: "NS", SCHEDULE: "CRON"},
        required=frozenset({IMAGE}),
        head=reaper.HEAD,
        make=_reaper,
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
    made = recipe.make(_options(rest, recipe, _usage(name)))
    output.show(made, as_yaml(made, head=recipe.head).rstrip("\n"))
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


def _account(text: str) -> str:
    """``NAME`` or ``NAMESPACE:NAME``, both checked."""
    home, colon, name = text.rpartition(":")
    if colon:
        check_namespace(home, option=ACCOUNT)
    if text:
        check_object_name(name, option=ACCOUNT, what="a service account")
    return text
