"""What engines may refuse a config for; the ground truth has an image of each kind run by every engine."""

import json

import pytest

from scanner.domain.verdict.condition import Condition
from scanner.registry.documents.image_config import ImageConfig, read_config

WHOLE = {
    "os": "linux",
    "architecture": "amd64",
    "created": "2026-11-26T10:00:00.123456789Z",
    "author": None,
    "config": {"Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}, "8000-8010": {}}, "StopSignal": "SIGRTMIN+3"},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
    "history": [{"created": "0001-01-01T00:00:00Z", "created_by": "x"}, {"empty_layer": True}, {"comment": "c", "empty_layer": True}],
}  # fmt: skip


def conditions(**changes):
    config = read_config(json.dumps({**WHOLE, **changes}).encode())
    assert isinstance(config, ImageConfig), config
    return [each.condition for each in config.objections]


def test_nobody_objects_to_a_usual_config():
    assert conditions() == []
    assert conditions(created=None, history=None, config=None) == []


@pytest.mark.parametrize(
    "created",
    [
        "yesterday",
        "",
        "2026-11-26",
        "2026-11-26 10:00:00Z",
        "2026-13-26T10:00:00Z",
        "2026-11-26T10:00:00",
        1,
        [],
        False,
    ],
)
def test_a_moment_that_no_engine_reads_stands_in_the_way(created):
    assert conditions(created=created) == [Condition.CONFIG_UNREADABLE]
    assert conditions(history=[{"created": created}]) == [Condition.CONFIG_UNREADABLE]


@pytest.mark.parametrize("created", ["2026-11-26T10:00:00+01:00", "0001-01-01T00:00:00Z", "2026-11-26T10:00:00.5Z"])
def test_a_moment_as_rfc_3339_has_it_does_not(created):
    assert conditions(created=created) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"author": 1},
        {"history": {}},
        {"history": ["x"]},
        {"history": [{"created_by": 1}]},
        {"history": [{"empty_layer": "yes"}]},
        {"config": {"StopSignal": 9}},
        {"config": {"Labels": []}},
        {"config": {"Labels": {"a": 1}}},
        {"config": {"ExposedPorts": ["80/tcp"]}},
    ],
)
def test_a_field_of_another_type_than_its_own_is_read_by_no_engine(changes):
    assert conditions(**changes) == [Condition.CONFIG_UNREADABLE]


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"history": [{"created_by": "x"}] * 2}, Condition.HISTORY_TOO_LONG),
        ({"config": {"Labels": {"": "x"}}}, Condition.LABEL_NAMELESS),
        ({"config": {"ExposedPorts": {"no/tcp": {}}}}, Condition.PORT_ODD),
        ({"config": {"StopSignal": "SIGNONE"}}, Condition.STOP_SIGNAL_ODD),
    ],
)
def test_what_some_engines_refuse_is_told(changes, condition):
    assert conditions(**changes) == [condition]


@pytest.mark.parametrize("signal", ["", "9", "TERM", "sigint", "SIGRTMAX-1", "SIGQUIT", "37"])
def test_a_signal_that_there_is_does_no_harm(signal):
    assert conditions(config={"StopSignal": signal}) == []
