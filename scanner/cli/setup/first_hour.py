"""``archscan setup``: the first hour, from hosts that are there to the first scan."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import idle_options, options
from scanner.cli.command import ArchscanCommand
from scanner.cli.setup import push_setup, trust
from scanner.domain.host import is_login
from scanner.errors import UsageError
from scanner.formats import whose
from scanner.formats.files import is_folder, is_there, real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.cli.operations import Common, Operations
    from scanner.domain.host import Host
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.service.preparing import Preparation
    from scanner.service.trusting import Shown
    from scanner.settings.ssh_section import Ssh

DEFAULT_ACCOUNT = "archscan"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("setup", cls=ArchscanCommand)(setup)


@dataclass(frozen=True, slots=True)
class _Talk:
    """Asks on a terminal; elsewhere, or with --yes, what is asked is taken as said by the flags."""

    yes: bool

    @property
    def is_conversation(self) -> bool:
        return not self.yes and sys.stdin.isatty()

    def confirm(self, question: str, *, default: bool, otherwise: bool | None = None) -> bool:
        if otherwise:
            return True  # a flag has answered already
        if self.is_conversation:
            return typer.confirm(question, default=default, err=True)
        return default if otherwise is None else otherwise

    def say(self, text: str = "") -> None:
        typer.echo(text, err=True)


def setup(
    context: typer.Context,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST...]",
            help="Hosts as [login@]host[:port], beside what is found; the login is who prepares it.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", help="The account that archscan logs in as, where no inventory names one; archscan."),
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="LOGIN",
            help="Who prepares the hosts: a login that may sudo; the inventory's own, else root.",
        ),
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Run the preparation on every host with your own ssh, without asking.")
    ] = False,
    accept_new: Annotated[
        bool,
        typer.Option(
            "--accept-new-host-keys", help="Believe the keys of new hosts unseen: only on a network that you trust."
        ),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="For setup push: archscan's address as the host reaches it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take every source that is found.")] = False,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """The first hour: find hosts, make a key, compare host keys, write archscan.yml, prepare hosts, scan.

    On a terminal it asks before each step; elsewhere the flags say what is wanted. It can be run again: what is there stays.

    archscan setup push HOST --server URL prints what has a host push its answers by itself, where nobody can log in.

    Example: archscan setup web-1 admin@db-1:2222
    """
    operations: Operations = context.obj()
    if hosts and hosts[0] == push_setup.WORD:
        idle_options.refuse_all_but(context, "--server", "setup push, which reads and writes nothing here")
        push_setup.setup_push(hosts[1:], server)
        return
    if push_setup.WORD in (hosts or ()):
        raise UsageError(f"write push first: archscan setup push {(hosts or [''])[0]} --server URL")
    if server is not None:
        raise UsageError("--server is for hosts that push: archscan setup push HOST --server URL")
    for option, account in (("--user", user), ("--as", login)):
        if account is not None and not is_login(account):
            raise UsageError(f"{option} {account}: must be a login name, such as {DEFAULT_ACCOUNT}")
    talk = _Talk(yes)
    file = config or Path("archscan.yml")
    common = options.common(file, log_format, log_level)
    logins, hosts = _logins(hosts or ())
    _written(talk, file, hosts, user or DEFAULT_ACCOUNT)
    own = operations.login(common)
    if user is not None and user != own.user:
        raise UsageError(
            f"{file} was there already and has archscan log in as {own.user}: write ssh.user: {user} there"
        )
    found = operations.hosts(common, ())
    _refuse_left_out(file, logins, hosts, found)
    _make_key(talk, own)
    preparer = _Preparer(talk, file, own, logins, login, prepare)
    preparer.bastions(found)
    left = _trusted(operations, talk, common, found, accept_new=accept_new)
    preparer.hosts(found)
    _tested(operations, talk, common, file, found, left)


def _logins(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Who prepares each host that was named as login@host, by its name; then the hosts without their logins."""
    from scanner.domain.host import parse_endpoint

    found = [parse_endpoint(word) for word in words]
    named = {one.address: one.user for one in found if one is not None and one.user}
    return named, [word.rpartition("@")[2] for word in words]


def _refuse_left_out(file: Path, logins: dict[str, str], words: Sequence[str], found: Sequence[Host]) -> None:
    """A host that was named, of which the file that was there already knows nothing, must not be passed over."""
    from scanner.domain.host import parse_endpoint

    known = {name for host in found for name in (host.name, host.address, *host.aliases)}
    named = {one.address for one in map(parse_endpoint, words) if one is not None}
    if left := sorted((named | logins.keys()) - known):
        raise UsageError(
            f"{file} was there already and has no {', '.join(left)}: write it there, then archscan setup again"
        )


def _written(talk: _Talk, file: Path, hosts: Sequence[str], user: str) -> None:
    """Write the configuration; one that is there already is used as it is."""
    from scanner.service import first_hour as tools

    folder = real(file).parent
    if is_there(file):
        if not is_folder(file):  # which whoever reads it says
            talk.say(f"{file} is there already, and is used as it is.")
        return
    home = whose.home()
    there = tools.found_sources(Path.cwd(), home)
    sources = [source for source in there if talk.confirm(f"Watch {source.says}?", default=True)]
    sources += tools.named_sources(hosts, sources, home)
    if not sources:
        raise UsageError(
            "no hosts were found (ssh_config, Ansible inventory, Docker contexts): name some, archscan setup HOST..."
        )
    key, known = folder / "archscan_ed25519", folder / "known_hosts"
    tools.write_configuration(file, tools.configuration(sources, key, known, user))
    talk.say(f"Wrote {file}: " + "; ".join(source.says for source in sources) + ".")


def _make_key(talk: _Talk, own: Ssh) -> None:
    """Make the key that the configuration names, in a folder that is there, where there is none yet."""
    from scanner.service import first_hour as tools

    key = own.identity_file
    if key is not None and is_folder(key.parent) and tools.make_key(key):
        talk.say(f"Made the key {key}: it will be able to run one read-only script on each host, nothing else.")


def _trusted(
    operations: Operations, talk: _Talk, common: Common, hosts: Sequence[Host], *, accept_new: bool
) -> Sequence[Host]:
    """Have the keys of bastions and hosts compared; who is left untrusted."""
    names = [host.name for host in hosts if not (host.local or host.pushed)]

    def choice(found: Sequence[Shown]) -> Sequence[tuple[Host, Sequence[ShownKey]]]:
        if any(not one.is_trusted for one in found):
            talk.say(f"\nCompare each fingerprint with what the host's own console prints:\n  {trust.CONSOLE}\n")
        return trust.choose(
            found,
            lambda one: talk.confirm(f"  Are these the keys of {one.host.name}?", default=False, otherwise=accept_new),
        )

    left = trust.believe(operations, common, names, choice)
    if left:
        shown = ", ".join(host.name for host in left)
        talk.say(f"Not trusted yet, so not asked: {shown}. Later: archscan trust {left[0].name}")
    return left


@dataclass(frozen=True, slots=True)
class _Preparer:
    """Writes the scripts that prepare machines, shows how they are run; runs them where that is wanted."""

    talk: _Talk
    file: Path
    own: Ssh
    named: Mapping[str, str]
    usual: str | None
    is_wanted: bool

    def bastions(self, hosts: Sequence[Host]) -> None:
        """Before anything behind them can be asked for its key."""
        from scanner.service import preparing

        if remote := self._remote(hosts):
            who = preparing.Preparers(self.named, self.usual)
            todo = preparing.of_bastions(remote, self.own, who, real(self.file).parent)
            self._prepare(
                todo, "bastion (a line for archscan's key, which runs nothing there; a host, too: all of a host)", None
            )

    def hosts(self, hosts: Sequence[Host]) -> None:
        """Once it is known whose keys are believed."""
        from scanner.service import preparing

        remote = self._remote(hosts)
        if remote:
            who = preparing.Preparers(self.named, self.usual)
            todo = preparing.of_hosts(remote, self.own, who, real(self.file).parent)
            for line in preparing.left_out(remote, self.own):
                self.talk.say(line)
            self._prepare(todo, "host (account, probe, sudo rule, key line)", self.own.known_hosts_file)
        elif any(not (host.local or host.pushed) for host in hosts):
            self.talk.say(f"{self.file} names no key that is there (ssh.identity_file), so no host is prepared.")

    def _remote(self, hosts: Sequence[Host]) -> list[Host]:
        """The hosts that archscan's own key would log in to."""
        if self.own.identity_file is None or not is_there(self.own.identity_file):
            return []
        return [host for host in hosts if not (host.local or host.pushed or host.problem)]

    def _prepare(self, todo: Sequence[Preparation], what: str, known_hosts: Path | None) -> None:
        from scanner.service import first_hour as tools

        if not todo:
            return
        for path, script in {one.file: one.script for one in todo}.items():
            tools.write_beside(path, script, 0o755)
        self.talk.say(f"\nWhat prepares each {what}; read it, then:")
        for one in todo:
            self.talk.say(f"  {one.shown}")
        if not self.is_wanted and not self.talk.confirm("Run it now, with your own ssh?", default=False):
            return
        for one in todo:
            if code := one.run(known_hosts):
                self.talk.say(
                    f"{one.host.name} was not prepared: ssh ended with {code}; run its line above by hand, or name who may "
                    "log in there and sudo: archscan setup --prepare --as LOGIN"
                )


def _tested(
    operations: Operations, talk: _Talk, common: Common, file: Path, hosts: Sequence[Host], left: Sequence[Host]
) -> None:
    from scanner.cli.outcome import Exit, FailOn, exit_code
    from scanner.cli.output import output, progress
    from scanner.cli.setup import host_check
    from scanner.domain.failure import Failure
    from scanner.hosts import names

    if left and len(left) == len(hosts):
        talk.say("No host is trusted yet, so none was asked.")
        raise typer.Exit(Exit.INCOMPLETE)
    talk.say("\nTesting every login:")
    with progress.shown() as listen:
        report = names.run(operations.check_hosts(common, (), listen))
    host_check.show(report)
    if all(isinstance(host.reading, Failure) for host in report.hosts):
        talk.say(f"No host was read yet. When they are prepared: archscan inventory --check --config {file}")
        raise typer.Exit(exit_code(report, FailOn.MISMATCH))
    talk.say("\nThe first scan:")
    with progress.shown() as listen:
        report = names.run(operations.scan(common, (), None, listen))
    output.write(report, options.Format.TABLE)
    talk.say(f"\nNext: archscan serve --config {file} scans on schedule; docs/alerting.md has Prometheus page you.")
    raise typer.Exit(exit_code(report, FailOn.MISMATCH))
