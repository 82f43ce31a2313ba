"""Scripts whose following costs more than anybody wrote."""

import tracemalloc

import pytest

from scanner.probe.planned.commands.command_lines import find
from tests.counted import calls
from tests.rows import each_row

MANY = " ".join(map(str, range(50)))
VARIABLES = "".join(f"v{number}=1;" for number in range(1500))

COSTLY = [
    ". /opt/x.sh\ndocker run a\n" + "foo bar\n" * 100,
    f"for a in {MANY}; do for b in {MANY}; do case $X in {' '.join(f'p{at}) ;;' for at in range(400))} esac; done; done; docker run a",
    f"{VARIABLES}{'trap a S$X;' * 1500} docker run a",
    f"{'cat /opt/x.sh /opt/x.sh | cat; ' * 1000}docker run a",
    "".join(f"/srv/$(hostname)/r{number}\n" for number in range(65)) + "docker ps",
    f"X={'ab' * 2000}; for a in {MANY}; do for b in {MANY}; do echo ${{X##{'*a?' * 300}c}}; done; done; docker run a",
]


@pytest.mark.parametrize(
    "script",
    COSTLY,
    ids=[
        "sources itself",
        "patterns of case",
        "variables at traps",
        "files before pipes",
        "open names",
        "patterns of words",
    ],
)
def test_what_costs_more_than_it_says_is_a_gap(script):
    found = find(("bash", "/opt/x.sh"), {}, read={"/opt/x.sh": script.encode()}.get)

    assert any("deep" in gap or "steps" in gap or "names" in gap for gap in found.gaps)


WRITTEN = [
    f"X={'x' * 50_000}; echo {'$X ' * 600}| cat; docker run a",
    f"X={'x' * 50_000}; Y=$(echo {'$X ' * 600}); docker run a",
    f"# {'x' * 50_000}\n{{ {'cat /opt/x.sh; ' * 600}}} | cat; docker run a",
]


@each_row("script", WRITTEN)
def test_what_a_script_gives_itself_to_read_is_held_as_far_as_a_command_takes_it(script):
    tracemalloc.start()
    try:
        find(("bash", "/opt/x.sh"), {}, read={"/opt/x.sh": script.encode()}.get)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


LONG = [("env", "-i"), ("xargs", "/a"), ("find", "-exec", "/a"), ("sudo", "-u", "env")]


@each_row("line", LONG)
def test_what_a_long_command_costs_grows_with_its_words(line):
    short, long = (calls(lambda times=times: find((line[0], *line[1:] * times), {})) for times in (500, 1000))

    assert long < 3 * short


DOUBLED = [
    ("a=(x)", 'a=("${a[@]}" "${a[@]}")', "${a[0]}"), ("a=(x)", "a=(${a[@]} ${a[@]})", "${a[0]}"), ("set -- x", "set -- ${@:1} $@", "$1"),
]  # fmt: skip


@each_row("first, again, image", DOUBLED)
def test_a_list_that_is_doubled_again_and_again_is_a_gap(first, again, image):
    script = "; ".join((first, *[again] * 20, f"docker run {image}"))

    script_gaps: list[list[str]] = []

    assert calls(lambda: script_gaps.append(find(("bash", "-c", script), {}).gaps)) < 2_000_000
    assert script_gaps.pop()
