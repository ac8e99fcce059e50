"""Settings: files read, layers merged, locks kept, origins known."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import SettingsError, UsageError
from sparkk8s_nb.model.layers import Layer, Source, read_layer
from sparkk8s_nb.model.options import OPTIONS, Applies
from sparkk8s_nb.model.quantities import GIB
from sparkk8s_nb.model.settings import HIDDEN, Settings, profile_names, resolve
from sparkk8s_nb.model.startline import parse_start

HOME = Path("/home/ada")


def read(text: str, source: Source = Source.USER, file: str = "config.toml") -> Layer:
    """Read a file's text."""
    return read_layer(text, source=source, file=file, directory=Path("/etc/dir"), home=HOME)


def admin(text: str) -> Layer:
    """Read the administrator's file."""
    return read(text, Source.ADMIN, "/etc/config.toml")


def project(text: str) -> Layer:
    """Read a project's file."""
    return read(text, Source.PROJECT, "sparkk8s.toml")


def settle(*layers: Layer, line: str = "") -> Settings:
    """Merge layers and a line without quotes."""
    return resolve(layers, parse_start(line.split()))


def test_without_files_everything_is_default():
    """Sizes that depend on the cluster are left to the start."""
    settings = settle()
    assert {setting.origin for setting in settings.values()} == {"default"}
    options = settings.options()
    assert options["executors"] == 2
    assert options["timeout"] == 300.0
    assert options["wait"] == 1
    assert options["memory"] is None
    assert options["event_log"] is True
    assert options["conf"] == {}
    assert options["pod_templates"] == ()


def test_later_layers_win_and_every_value_knows_its_origin():
    """Defaults, administrator, user, project, profile, line."""
    layers = (
        admin("[start]\nexecutors = 3\ncores = 1\ndisk = '1g'\nname = 'a'\ntimeout = 10"),
        read(
            "[start]\ncores = 2\ndisk = '2g'\nname = 'u'\ntimeout = 20\n[profiles.big]\nname = 'big'\ntimeout = 40"
        ),
        project("[start]\ndisk = '3g'\nname = 'p'\ntimeout = 30"),
    )
    settings = settle(*layers, line="--profile big --timeout 50")
    found = {
        key: (settings[key].value, settings[key].origin)
        for key in ("executors", "cores", "disk", "name", "timeout")
    }
    assert found == {
        "executors": (3, "/etc/config.toml:2"),
        "cores": (2, "config.toml:2"),
        "disk": (3 * GIB, "sparkk8s.toml:2"),
        "name": ("big", "config.toml:7"),
        "timeout": (50.0, "line"),
    }


def test_a_file_may_choose_the_profile_and_the_line_another():
    """The line's choice replaces the file's."""
    layer = read("[start]\nprofile = 'small'\n[profiles.small]\ncores = 1\n[profiles.big]\nexecutors = 9")
    assert settle(layer)["cores"].value == 1
    settings = settle(layer, line="--profile big")
    assert settings["cores"].value is None
    assert settings["executors"].value == 9
    assert settings["profile"].origin == "line"


def test_a_profile_of_several_files_is_merged():
    """The administrator's profile, with the user's own touch."""
    settings = settle(
        admin("[profiles.big]\nexecutors = 8\ncores = 4"),
        read("[profiles.big]\ncores = 2"),
        line="--profile big",
    )
    assert (settings["executors"].value, settings["cores"].value) == (8, 2)
    assert profile_names((admin("[profiles.a]\n[profiles.b]"), read("[profiles.b]\n[profiles.c]"))) == (
        "a",
        "b",
        "c",
    )


def test_an_unknown_profile_is_refused_where_it_was_named():
    """With the near one, or the list."""
    with pytest.raises(UsageError, match="no profile bgi") as on_line:
        settle(read("[profiles.big]\ncores = 1"), line="--profile bgi")
    assert on_line.value.fix == "Did you mean big?"
    with pytest.raises(SettingsError, match=r"config\.toml:2: there is no profile x") as in_file:
        settle(read("[start]\nprofile = 'x'\n[profiles.team]\n"))
    assert in_file.value.fix == "There are: team."
    with pytest.raises(UsageError) as nowhere:
        settle(line="--profile x")
    assert "[profiles.NAME]" in nowhere.value.fix


def test_confs_are_merged_key_by_key():
    """A user adds to the administrator's confs; each has its own origin."""
    settings = settle(
        admin('[start.conf]\n"spark.a" = 1\n"spark.b" = true'),
        read("[start]\nconf.spark.b = 'x'\n[start.conf.spark.sql]\nshuffle.partitions = 8"),
        line="--conf spark.c=3",
    )
    assert settings.conf == {
        "spark.a": "1",
        "spark.b": "x",
        "spark.sql.shuffle.partitions": "8",
        "spark.c": "3",
    }
    assert settings.options()["conf"] == settings.conf
    assert settings["conf.spark.a"].origin == "/etc/config.toml:2"
    assert settings["conf.spark.b"].origin == "config.toml:2"
    assert settings["conf.spark.sql.shuffle.partitions"].origin == "config.toml:4"
    assert settings["conf.spark.c"].origin == "line"


def test_confs_that_mean_an_option_do_so_in_files_too():
    """With the line of the conf as origin."""
    settings = settle(read('[start.conf]\n"spark.x" = 1\n"spark.executor.memory" = "2g"'))
    assert settings["executor_memory"].value == 2 * GIB
    assert settings["executor_memory"].origin == "config.toml:3"


def test_a_pods_memory_replaces_a_heap_of_an_earlier_layer():
    """The two say the same thing; the later one counts."""
    heap, pod = read("[start]\nexecutor_memory = '2g'"), read("[start]\nmemory = '4g'")
    assert settle(heap, line="--memory 4g")["executor_memory"].value is None
    assert settle(heap, line="--memory 4g")["memory"].value == 4 * GIB
    assert settle(pod, line="--executor-memory 2g")["memory"].value is None
    assert settle(pod, line="--executor-memory 2g")["executor_memory"].value == 2 * GIB


def test_waiting_for_more_than_there_will_be_is_waiting_for_all_of_them():
    """A file's ``wait`` must not make a smaller fleet hang."""
    assert settle(read("[start]\nwait = 4"), line="-n 2")["wait"].value == 2
    assert settle(read("[start]\nwait = 'all'"), line="-n 2")["wait"].value == "all"


def test_paths_in_a_file_are_meant_from_its_directory():
    """Not from wherever the notebook is; ``~`` is the user's home."""
    settings = settle(
        read(
            "[start]\npod_template = 'pod.yaml'\npy_files = ['lib.py', 's3a://b/x.zip', '~/own.py', '/abs.py']"
        )
    )
    assert settings["pod_template"].value == Path("/etc/dir/pod.yaml")
    assert settings["py_files"].value == ("/etc/dir/lib.py", "s3a://b/x.zip", "/home/ada/own.py", "/abs.py")


def test_the_administrators_pod_template_stays_under_the_users():
    """Both apply, the administrator's first."""
    below = admin("[start]\npod_template = '/a.yaml'")
    assert settle(below, line="--pod-template u.yaml").pod_templates == (Path("/a.yaml"), Path("u.yaml"))
    assert settle(below).pod_templates == (Path("/a.yaml"),)
    assert settle(line="--pod-template u.yaml").options()["pod_templates"] == (Path("u.yaml"),)


LOCKING = (
    'locked = ["image", "memory", "conf.spark.x", "cores"]\n[start]\nimage = "team/spark:1"\nmemory = "4g"\n'
)


@pytest.mark.parametrize("line", ["--image own", "--memory 8g", "--executor-memory 2g", "--cores 3",
                                  "--conf spark.x=1", "--conf spark.executor.memory=2g",
                                  "--conf spark.executor.memoryOverhead=1g"])  # fmt: skip
def test_a_line_that_sets_what_is_locked_is_told_who_locked_it(line):
    """A pod's size is locked however it is said, a default too."""
    with pytest.raises(UsageError, match=r"locked by the administrator \(/etc/config\.toml:1\)"):
        settle(admin(LOCKING), line=line)


@pytest.mark.parametrize("line", ["--image team/spark:1", "--memory 4096m", "-n 5", "--conf spark.y=1"])
def test_a_line_that_agrees_with_the_lock_passes(line):
    """Only what would change something is refused."""
    assert settle(admin(LOCKING), line=line)["image"].value == "team/spark:1"


def test_a_lock_overrules_files_and_profiles_and_says_so():
    """Their owners may not be able to change them; the values they set are listed as ignored."""
    settings = settle(
        admin(LOCKING + '[profiles.big]\nmemory = "16g"\n'),
        read('[start]\nimage = "own"\nexecutor_memory = "1g"\n[start.conf]\n"spark.x" = 1'),
        line="--profile big",
    )
    assert settings["image"].value == "team/spark:1"
    assert settings["image"].origin == "/etc/config.toml:3"
    assert settings["image"].locked == "/etc/config.toml:1"
    assert settings["image"].ignored == ("config.toml:2",)
    assert settings["memory"].value == 4 * GIB
    assert settings["memory"].ignored == ("/etc/config.toml:6",)
    assert settings["executor_memory"].value is None
    assert "spark.x" not in settings.conf


def test_all_confs_can_be_locked_at_once():
    """``locked = ["conf"]``: the administrator's confs and no others."""
    settings = settle(
        admin('locked = ["conf"]\n[start.conf]\n"spark.a" = 1'), read('[start.conf]\n"spark.b" = 2')
    )
    assert settings.conf == {"spark.a": "1"}
    with pytest.raises(UsageError, match=r"spark\.c is locked"):
        settle(admin('locked = ["conf"]'), line="--conf spark.c=1")


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        ("[start]\n\nmemorry = '4g'", "config.toml:3: There is no option memorry", "Did you mean memory?"),
        ("[start]\nmemory = '2x'", "config.toml:2: memory = 2x is not an amount", 'memory = "8g"'),
        ("[start]\nmemory = 8", "config.toml:2: memory = 8 (8 MiB) is too small", 'memory = "8g"'),
        ("[start]\nmemory = true", "config.toml:2: memory = True", 'memory = "8g"'),
        ("[start]\nexecutors = [1]", "config.toml:2", "executors = 4"),
        ("[start]\nexecutors = 0", "config.toml:2: executors = 0", "executors = 4"),
        ("[start]\nevent_log = 3", "config.toml:2", 'event_log = "on"'),
        ("[start]\nimage = 'quay.io/Team/x'", "config.toml:2: image =", 'image = "quay.io/team/x"'),
        ("[start]\nrestart = true", "config.toml:2: restart cannot be set in a file", "line"),
        ("[start]\nmin = 2", "config.toml:2: min cannot be set", "executors = N"),
        ("[profiles.big]\nprofile = 'x'", "config.toml:2: profile cannot be set in a profile", "line"),
        ("[profiles.big]\ncoers = 2", "config.toml:2: There is no option coers", "Did you mean cores?"),
        (
            "[start]\ncores = 2\n'executor-cores' = 3",
            "config.toml:3: cores = and executor-cores = contradict",
            "Keep one",
        ),
        ("[start]\nmemory = '4g'\nexecutor_memory = '2g'", "config.toml:1", "Keep memory ="),
        (
            "[start.conf]\n'spark.driver.host' = 'x'",
            "config.toml:2: The conf spark.driver.host",
            "--driver-address",
        ),
        ("[start]\nconf.spark.executor.memory = '2x'", 'config.toml:2: "spark.executor.memory" = 2x', "4g"),
        ("[start]\nconf = 'spark.x=1'", "config.toml:2: conf = is not a table", "shuffle.partitions"),
        ("[start.conf]\n'spark.x' = [1]", "config.toml:2: The conf spark.x", "shuffle.partitions"),
        ("[start]\nspark.sql.x = 1", "config.toml:2: There is no option spark", "[start.conf]"),
        ("[startt]\ncores = 1", "config.toml:1: startt is not a table", "Did you mean start?"),
        ("memory = '4g'", "config.toml:1: memory is not a table", "[start]"),
        ("start = 3", "config.toml:1: start is not a table", "[start]"),
        ("profiles.big = 3", "config.toml:1: profiles.big is not a table", "[profiles.big]"),
        ("locked = ['image']", "config.toml:1: only the administrator's", "Remove"),
        ("[start]\ncores = = 1", "config.toml:2: this is not TOML", "KEY = VALUE"),
        ("[start]\ncores = 1\ncores = 2", "config.toml:3: this is not TOML", "KEY = VALUE"),
        ("[start]\nname = 'x\n", "config.toml:2: this is not TOML", "KEY = VALUE"),
        ("a = [1,\n\n", "config.toml:1: this is not TOML", "KEY = VALUE"),
    ],
)
def test_what_is_wrong_in_a_file_has_its_line_and_its_remedy(text, where, fix):
    """Two lines, as every error."""
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert where in caught.value.problem
    assert fix in caught.value.fix
    assert "\n" not in caught.value.problem


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("locked = ['imgae']", "Did you mean image?"),
        ("locked = 'image'", "locked ="),
        ("locked = ['restart']", ""),
    ],
)
def test_a_lock_that_locks_nothing_is_refused(text, fix):
    """An administrator's typo must not leave a door open."""
    with pytest.raises(SettingsError, match=r"/etc/config\.toml:1") as caught:
        admin(text)
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    "text",
    ["[start]\ncontext = 'prod'", "[start]\nimage = 'evil.example.com/x'", "[profiles.p]\ncontext = 'prod'",
     "[start]\nprofile = 'p'",
     "[start.conf]\n'spark.hadoop.fs.s3a.secret.key' = 'abc'", "[start.conf]\n'spark.jars.repositories' = 'https://x'"],
)  # fmt: skip
def test_a_projects_file_names_no_context_registry_or_credential(text):
    """It comes with somebody else's repository."""
    with pytest.raises(
        SettingsError, match=r"sparkk8s\.toml:2: .* cannot be set in a project's file"
    ) as caught:
        project(text)
    assert "config.toml" in caught.value.fix
    assert "abc" not in str(caught.value)
    assert read(text)


def test_the_table_shows_every_setting_once_with_its_origin():
    """Secrets hidden, computed values filled in, clusters marked private."""
    settings = settle(
        read(
            '[start]\ncores = 2\ncontext = "prod"\n[start.conf]\n'
            '"spark.hadoop.fs.s3a.secret.key" = "abc"\n"spark.x" = 1'
        ),
        line="-n 4 --progress off --py-files a.py,b.py",
    )
    rows = {row.key: row for row in settings.table({"memory": 2 * GIB, "cores": 9})}
    assert list(rows)[:3] == ["executors", "cores", "memory"]
    assert set(rows) == {o.key for o in OPTIONS if o.in_files and o.key != "conf"} | {
        "spark.x",
        "spark.hadoop.fs.s3a.secret.key",
    }
    assert (rows["executors"].value, rows["executors"].origin, rows["executors"].applies) == (
        "4",
        "line",
        Applies.NOW,
    )
    assert (rows["cores"].value, rows["cores"].origin, rows["cores"].applies) == (
        "2",
        "config.toml:2",
        Applies.RESTART,
    )
    assert (rows["memory"].value, rows["memory"].origin) == ("2 GiB", "computed")
    assert (rows["disk"].value, rows["disk"].origin) == ("", "default")
    assert rows["timeout"].value == "5 min"
    assert rows["progress"].value == "off"
    assert rows["py_files"].value == "a.py,b.py"
    assert rows["context"].private
    assert not rows["cores"].private
    assert rows["spark.hadoop.fs.s3a.secret.key"].value == HIDDEN
    assert rows["spark.x"].origin == "config.toml:6"


def test_one_setting_is_found_under_every_name_it_has():
    """An option's key, its flag's name, a conf's."""
    settings = settle(line="-n 4 --conf spark.x=1")
    assert settings.row("num-executors").value == "4"
    assert settings.row("spark.x").value == "1"
    with pytest.raises(UsageError, match="no setting memorry") as typo:
        settings.row("memorry")
    assert typo.value.fix == "Did you mean memory?"
    with pytest.raises(UsageError, match=r"spark\.y is not set"):
        settings.row("spark.y")
