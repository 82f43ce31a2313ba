"""What may be wrong where archscan meets a fleet for the first time: each defect is planted by some test, named, cured."""

from __future__ import annotations

from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from tests.faults import named_tests
from tests.rows import each_row

_ACCOUNTS = (
    "tests/system/test_fixes_of_hosts.py::test_each_way_in_works_or_has_its_own_reason_and_a_cure_that_works_when_typed"
)
_FIRST = "tests/cli/test_first_contact.py"
_WAYS = f"{_FIRST}::test_each_way_in_that_fails_has_its_own_words_and_cure_in_every_format"
_REAL = "tests/hosts/ssh/test_real_server.py"
_SSH = "tests/hosts/ssh/test_faults.py"
_KEYS = "tests/hosts/ssh/test_keyring.py"
_REMEDY = "tests/domain/verdict/test_remedy.py"
_REGISTRY = "tests/registry/auth/test_auth_system.py"
_HINT = "tests/service/test_config_hint.py"

READ = None
"""No defect after all: what is asked is read all the same."""

DEFECTS: list[tuple[str, Reason | None, tuple[str, ...]]] = [
    # the login
    ("no key of the scanner's in the account", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("an account that is not there", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("a key for other addresses", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("authorized_keys that others may write", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("an account that sshd lets nobody into", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("no key here, or one with a passphrase", Reason.HOST_AUTH_REJECTED, (f"{_KEYS}::test_a_person_without_a_key_is_told_how_to_get_one", f"{_KEYS}::test_a_person_is_told_why_the_key_that_is_there_cannot_be_used")),
    ("a second factor that sshd asks for", Reason.HOST_AUTH_REJECTED, (_ACCOUNTS,)),
    ("a mail server at the port", Reason.HOST_PROTOCOL, (f"{_SSH}::test_before_the_login",)),
    ("an account that expired", Reason.HOST_ACCOUNT_LOCKED, (_ACCOUNTS,)),
    ("a password that must be changed first", Reason.HOST_ACCOUNT_LOCKED, (_ACCOUNTS,)),
    ("a login shell that is none", Reason.HOST_SHELL_REFUSED, (_ACCOUNTS, _WAYS)),
    ("a command that sshd forces", Reason.HOST_SHELL_REFUSED, (_ACCOUNTS, _WAYS)),
    ("no session for the login", Reason.HOST_SHELL_REFUSED, (_ACCOUNTS,)),
    ("a profile that prints", Reason.HOST_MALFORMED, (_ACCOUNTS,)),
    ("a profile that ends the shell", Reason.HOST_INCOMPLETE, (_ACCOUNTS,)),
    ("bash, dash, zsh, fish, csh", READ, (_ACCOUNTS,)),
    ("one session a connection", READ, (_ACCOUNTS,)),
    # the way to it
    ("a host key that nobody knows", Reason.HOST_KEY_UNKNOWN, (f"{_FIRST}::test_a_host_of_no_file_is_scanned_once_its_key_was_compared",)),
    ("a host key that changed", Reason.HOST_KEY_CHANGED, (f"{_FIRST}::test_another_key_than_the_known_one_is_never_replaced_unasked",)),
    ("a bastion that may not forward", Reason.HOST_BASTION, (f"{_REAL}::test_s11_a_bastion_that_may_not_forward_is_at_fault_itself",)),
    ("a bastion that is not believed", READ, (f"{_FIRST}::test_a_bastion_is_believed_before_the_hosts_behind_it",)),
    ("a bastion that takes few logins at once", READ, (f"{_REAL}::test_a_bastion_that_takes_two_logins_at_once_lets_a_fleet_through",)),
    ("an IPv6 address alone", READ, (f"{_FIRST}::test_a_host_is_reached_by_an_ipv6_address_in_brackets",)),
    ("an address that this machine has no way to", Reason.HOST_UNREACHABLE, (f"{_REMEDY}::test_what_leads_nowhere_is_mended_where_it_ends",)),
    ("a name that leads nowhere", Reason.HOST_NAME, (f"{_SSH}::test_s01_a_name_that_does_not_resolve_is_told",)),
    ("a closed port", Reason.HOST_REFUSED, (f"{_SSH}::test_s01_a_closed_port_is_refused",)),
    ("a web server at the port", Reason.HOST_PROTOCOL, (f"{_REAL}::test_a_web_server_at_the_port_is_called_one",)),
    ("Dropbear", Reason.HOST_PROTOCOL, ("tests/hosts/ssh/test_dropbear.py::test_without_a_profile_it_is_refused_with_how_to_name_one",)),
    ("an OpenSSH of ten years ago", Reason.HOST_PROTOCOL, (f"{_SSH}::test_a_named_profile_speaks_with_hosts_of_its_time_and_with_no_other",)),
    ("a line of two seconds", Reason.HOST_TIMEOUT, (f"{_SSH}::test_s02_swallowed_packets_end_at_the_deadline",)),
    # what the login may do there
    ("no sudo rule", Reason.HOST_SUDO_REFUSED, (_ACCOUNTS, _WAYS)),
    ("no sudo", Reason.HOST_PROBE_MISSING, ("tests/hosts/test_refusal.py::test_each_refusal_has_its_own_reason_with_the_last_words", "tests/domain/verdict/test_rare_cases.py::test_sudo_that_is_not_there_is_installed")),
    ("no probe", Reason.HOST_PROBE_MISSING, (_ACCOUNTS, _WAYS)),
    ("no right to ask the engine", Reason.ENGINE_DENIED, (_ACCOUNTS,)),
    ("an engine that is down", Reason.ENGINE_DOWN, (_ACCOUNTS, f"{_REMEDY}::test_an_engine_that_does_not_answer_is_started_by_its_own_name")),
    ("a /tmp that is full, and noexec", READ, (_ACCOUNTS,)),
    ("BusyBox for a shell", READ, ("tests/probe/test_script.py::test_every_shell_gives_a_whole_answer_without_a_word_of_complaint",)),
    ("a clock that steps back", READ, ("tests/faults/test_clock.py::test_t05_a_clock_that_steps_back_makes_no_negative_duration",)),
    # the registry
    ("a registry that wants a login", Reason.IMAGE_DENIED, (f"{_REGISTRY}::test_nginx_with_a_password_before_a_registry", f"{_HINT}::test_a_registry_that_answers_nobody_without_a_login_is_given_one")),
    ("an authority of one's own", Reason.IMAGE_TLS_REJECTED, (f"{_REGISTRY}::test_a_certificate_of_nginx_that_nobody_vouches_for_is_rejected", f"{_HINT}::test_a_registry_without_tls_is_told_from_one_with_a_wrong_certificate")),
    ("a registry without TLS", Reason.IMAGE_TLS_REJECTED, (f"{_REGISTRY}::test_nginx_that_speaks_no_tls_is_rejected_without_a_second_try", f"{_HINT}::test_a_registry_without_tls_is_told_from_one_with_a_wrong_certificate")),
    ("a limit of requests", Reason.IMAGE_RATE_LIMITED, ("tests/registry/http/test_budget.py::test_a_long_pause_refuses_and_is_bounded", f"{_HINT}::test_a_fix_names_where_its_setting_stands")),
    ("a proxy that refuses", Reason.IMAGE_UNREACHABLE, ("tests/registry/http/test_pinned_transport.py::test_a_proxy_that_refuses_is_unreachable", f"{_HINT}::test_a_fix_names_where_its_setting_stands")),
    ("a proxy in front of the registry", READ, (f"{_REGISTRY}::test_nginx_as_a_proxy_for_plain_http",)),
]  # fmt: skip
"""What is wrong, the reason that it is told by, the tests that plant it and look at its name and its cure."""


@each_row("what, reason, tests", DEFECTS)
def test_each_defect_of_a_first_contact_is_planted_named_and_cured(what, reason, tests):
    assert [test for test in tests if not named_tests.exists(test)] == [], what
    if reason is not READ:
        files = {test.partition("::")[0] for test in tests}
        text = "\n".join((named_tests.ROOT / file).read_text() for file in files)
        assert f"Reason.{reason.name}" in text or f'"{reason}"' in text, what
        assert remedy.fix(reason, remedy.Trouble("web-1", "registry.example/app:1")).summary, what
