"""Write docs/options.md from the table of options, so that the two cannot disagree.

Run as ``python scripts/options_table.py > docs/options.md`` (``make docs``).
"""

from __future__ import annotations

from sparkk8s_nb.model.options import OPTIONS, Group, Option

HEAD = """\
# Options of `start`

<!-- Written by scripts/options_table.py (make docs): change sparkk8s_nb/model/options.py instead. -->

The same options work on the line (`%sparkk8s start -n 4`), in a cell (`%%sparkk8s start`, one option a line
without the dashes: `executors = 4`), on the command line (`sparkk8s-nb run -n 4 script.py`), in Python
(`sparkk8s_nb.start(executors=4)`) and in the settings files.

Later wins over earlier: defaults, `/etc/sparkk8s/config.toml` (the administrator's), your
`~/.config/sparkk8s/config.toml`, the project's `sparkk8s.toml`, a profile, the line. What an administrator
locks wins over all. `%sparkk8s conf` shows every value and where it comes from.
"""

FOOT = """\
## Only in files and confs

Spark's confs of the same meaning (`spark.executor.cores`, `spark.executor.memory`, ...) are accepted with
`--conf` and set the option. These have no flag:

"""


def table(options: list[Option], *, flags: bool) -> str:
    """Return options as a Markdown table."""
    heading = "| option | in files and Python | what it does |" if flags else "| key | what it does |"
    lines = [heading, "|---" * (3 if flags else 2) + "|"]
    for option in options:
        spelled = ", ".join(f"`{flag}`" for flag in option.flags)
        value = f" `{_cell(option.metavar)}`" if option.metavar else ""
        # A switch on the line may have no meaning in a file.
        key = f"`{option.key}`" + ("" if option.in_files else " (Python only)")
        cells = [spelled + value, key] if flags else [key]
        lines.append(f"| {' | '.join([*cells, _cell(option.help)])} |")
    return "\n".join(lines) + "\n"


def document() -> str:
    """Return the whole page."""
    shown = [option for option in OPTIONS if option.available]
    parts = [HEAD]
    for group in Group:
        options = [option for option in shown if option.group is group and option.flags]
        parts.append(f"## {group}\n\n{table(options, flags=True)}")
    parts.append(FOOT + table([option for option in shown if not option.flags], flags=False))
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    print(document(), end="")
