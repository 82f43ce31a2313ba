import pytest

from scanner.settings.load import load
from scanner.settings.problem import SettingsError

FILES = "ca_file: ca.pem, cert_file: c.pem, key_file: c.key"
GRAMMAR = "must be local:N (N from 1 to 64) or tls://HOST:PORT"
NEEDS_SSH = "inventory: [{kind: static, hosts: {web-1: {}}}]\n"


def loaded(tmp_path, text, **environ):
    path = tmp_path / "archscan.yml"
    path.write_text(text)
    return load(path, environ, need_hosts=False).cluster


@pytest.mark.parametrize(
    ("text", "local", "is_remote"),
    [
        ("cluster: local:1", 1, False),
        ("cluster: local:64", 64, False),
        ("cluster: {scheduler: local:2, silent_after: 5s}", 2, False),
        (f"cluster: {{scheduler: 'tls://scheduler.example:8786', {FILES}}}", 0, True),
        (f"cluster: {{scheduler: 'tls://[2001:db8::1]:8786', {FILES}}}", 0, True),
        ("cluster: tcp://127.0.0.1:8786", 0, True),
        ("cluster: tcp://[::1]:8786", 0, True),
        ("cluster: tcp://localhost:8786", 0, True),
        (f"cluster: {{{FILES}}}", 0, False),
        ("{}", 0, False),
    ],
)
def test_a_cluster_is_on_this_machine_or_elsewhere(tmp_path, text, local, is_remote):
    cluster = loaded(tmp_path, text)
    assert (cluster.local, cluster.is_remote) == (local, is_remote)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("cluster: local:0", "cluster", GRAMMAR),
        ("cluster: local:65", "cluster", GRAMMAR),
        ("cluster: local", "cluster", GRAMMAR),
        ("cluster: 'local:'", "cluster", GRAMMAR),
        ("cluster: local:2x", "cluster", GRAMMAR),
        ("cluster: scheduler.example:8786", "cluster", GRAMMAR),
        ("cluster: tls://scheduler.example", "cluster", GRAMMAR),
        ("cluster: tls://scheduler.example:0", "cluster", GRAMMAR),
        ("cluster: tls://scheduler.example:99999", "cluster", GRAMMAR),
        ("cluster: tls://me:secret@scheduler.example:8786", "cluster", GRAMMAR),
        ("cluster: tls://scheduler.example:8786/x", "cluster", GRAMMAR),
        ("cluster: ucx://scheduler.example:8786", "cluster", GRAMMAR),
        ("cluster: tcp://10.0.0.1:8786", "cluster", "needs tls:// beyond this machine"),
        ("cluster: tcp://localhost.example:8786", "cluster", "needs tls:// beyond this machine"),
        ("cluster: tls://s:8786", "cluster", "is required for tls://"),
        (
            "cluster: {scheduler: 'tls://s:8786', ca_file: a, cert_file: b}",
            "cluster.key_file",
            "is required for tls://",
        ),
        (f"cluster: {{scheduler: local:2, {FILES}}}", "cluster.ca_file", "is for tls:// alone"),
        (f"cluster: {{scheduler: 'tcp://[::1]:1', {FILES}}}", "cluster.ca_file", "leaves no use for tcp://"),
        ("cluster: {silent_after: 10ms}", "cluster.silent_after", "must be at least 1s"),
        ("cluster: 2", "cluster", "must be a mapping"),
        ("cluster: {workers: 2}", "cluster.workers", "unknown key"),
    ],
)
def test_anything_else_is_refused_where_it_stands(tmp_path, text, place, message):
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)
    first = refused.value.problems[0]
    assert first.path.startswith(place)
    assert message in first.message
    assert first.line == 1


def test_who_has_workers_elsewhere_needs_no_key_for_hosts(tmp_path):
    with pytest.raises(SettingsError):
        loaded(tmp_path, NEEDS_SSH)
    with pytest.raises(SettingsError):
        loaded(tmp_path, f"{NEEDS_SSH}cluster: local:2")
    assert loaded(tmp_path, f"{NEEDS_SSH}cluster: {{scheduler: 'tls://s:8786', {FILES}}}").is_remote


def test_the_environment_may_name_the_scheduler(tmp_path):
    assert loaded(tmp_path, "{}", ARCHSCAN_CLUSTER__SCHEDULER="local:3").local == 3
