import pytest

from scanner.hosts.least_privilege import authorized_key_line, sudoers_rule

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMkeyr5IzKrj3wUZQDsFWEIyPvXxKWrwvaWoQ7xSIBYd"


def test_the_key_may_run_the_probe_and_nothing_else():
    line = authorized_key_line(f"{KEY} kim@desk\n", ["10.0.0.5", "10.1.0.0/16", "2001:db8::1"])
    assert line == (
        'restrict,from="10.0.0.5/32,10.1.0.0/16,2001:db8::1/128",'
        f'command="sudo -n /usr/local/libexec/archscan-probe" {KEY} kim@desk\n'
    )


def test_without_addresses_the_key_works_from_anywhere():
    assert authorized_key_line(KEY, [], "/opt/probe").startswith('restrict,command="sudo -n /opt/probe" ssh-ed25519 ')


def test_sudo_allows_one_program_without_arguments():
    assert sudoers_rule("scan", "/opt/probe") == (
        'Defaults!/opt/probe !requiretty\nscan ALL=(root) NOPASSWD: /opt/probe ""\n'
    )


@pytest.mark.parametrize(
    "path", ["probe", "/opt/a b", '/opt/"x"', "/opt/../etc/passwd", "/opt/x\n", "/opt/*", "", "/a,b"]
)
def test_a_path_that_somebody_could_read_otherwise_is_refused(path):
    with pytest.raises(ValueError, match="not a plain absolute path"):
        sudoers_rule("scan", path)
    with pytest.raises(ValueError, match="not a plain absolute path"):
        authorized_key_line(KEY, [], path)


@pytest.mark.parametrize("user", ["", "Root", "a b", "%wheel", "ALL\n", "#0", "a" * 33])
def test_a_user_that_sudoers_could_read_otherwise_is_refused(user):
    with pytest.raises(ValueError, match="not a login name"):
        sudoers_rule(user)


@pytest.mark.parametrize("address", ["example.com", "10.0.0.5,*", '"', "10.0.0.0/33"])
def test_only_addresses_may_restrict_a_key(address):
    with pytest.raises(ValueError, match="write an address or a network"):
        authorized_key_line(KEY, [address])


@pytest.mark.parametrize("key", ["", "nothing", 'command="id" ssh-ed25519 AAAA', "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_only_a_public_key_is_accepted(key):
    with pytest.raises(ValueError, match="not a public key"):
        authorized_key_line(key)
