"""What ``archscan trust`` asks, whom it leaves out; the hosts are made up."""

from pathlib import Path

from scanner.cli.setup.trust import believe, choose
from scanner.domain.host import Host
from scanner.hosts.ssh.host_keys import ShownKey
from scanner.service.trusting import Shown

GATE, INNER = Host("gate", "10.0.0.1"), Host("inner", "10.9.9.9", 2222)
NEW = (ShownKey("ssh-ed25519", "SHA256:new", "ssh-ed25519 NEW"), ShownKey("ssh-rsa", "SHA256:rsa", "ssh-rsa R"))


class Asked:
    """Operations that show the bastion first, then the host behind it; they note what was asked."""

    def __init__(self, known=()):
        self.words, self.believed, self.known = [], [], frozenset(known)

    async def shown_keys(self, _common, words):
        self.words.append(list(words))
        gate = Shown(GATE, NEW, self.known, (INNER,), is_wanted=False)
        return Path("known_hosts"), [gate] if len(self.words) == 1 else [Shown(INNER, NEW, frozenset())]

    def believe(self, _file, chosen):
        self.believed += [host.name for host, _ in chosen]


def everyone(found):
    return choose(found, lambda _one: True)


def test_a_host_behind_a_bastion_is_asked_again_by_the_word_that_was_written():
    for words in (["inner:2222"], ["10.9.9.9:2222", "other"], ["inner"]):
        asked = Asked()
        assert believe(asked, None, words, everyone) == []
        assert asked.words == [words, words[:1]]
        assert asked.believed == ["gate", "inner"]


def test_hosts_of_a_pattern_are_asked_again_by_their_names():
    asked = Asked()
    believe(asked, None, ["in*"], everyone)
    assert asked.words == [["in*"], ["inner"]]


def test_a_bastion_with_one_right_key_that_was_refused_for_another_is_left_with_those_behind_it(capsys):
    asked = Asked(known={"ssh-ed25519 OLD", "ssh-rsa R"})
    assert believe(asked, None, ["inner"], everyone) == [INNER]
    assert (asked.believed, asked.words) == ([], [["inner"]])
    said = capsys.readouterr().err
    assert "ANOTHER key" in said
    assert "believed already" not in said
