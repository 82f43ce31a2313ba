import json
from urllib.parse import parse_qs, urlsplit

import pytest

from scanner.trail import outside
from scanner.trail.audit import Outside, audit
from scanner.trail.cosignature import cosigned, verifier_of
from scanner.trail.note import Signer, parse
from scanner.trail.outside import OutsideError, Seen
from scanner.trail.tampering import FoundTampering, Tampering

ORIGIN = "fleet.example/archscan"


class APrometheus:
    """Answers query_range with what was scraped: (moment, size, root) of one instance."""

    def __init__(self, *scraped):
        self.scraped, self.asked = scraped, []

    def __call__(self, url):
        query = parse_qs(urlsplit(url).query)["query"][0]
        self.asked.append(query)
        if outside.SIZE_METRIC in query:
            series = [({}, [[at, str(size)] for at, size, _ in self.scraped])] if self.scraped else []
        else:
            series = [
                ({"word": str(word)}, [[at, str(float(outside.words(root)[word]))] for at, _, root in self.scraped])
                for word in range(outside.WORDS)
            ]
        labelled = [{"metric": {"instance": "a", "job": "archscan", **labels}, "values": v} for labels, v in series]
        return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": labelled}}).encode()


def scraped(*scraped):
    return outside.of_prometheus("http://p", ORIGIN, 1000.0, 900.0, APrometheus(*scraped))


async def looked(store, trail, **others):
    found = await store.trail(lambda rows: audit(rows, trail.verifier, Outside(**others)))
    return [one.kind for one in found.found]


async def test_prometheus_bears_witness_of_size_and_root(store, trail, filled):
    await filled(trail, 9)
    before = trail.head
    await filled(trail, 9)
    head = trail.head
    assert scraped((1, before.size, before.root), (2, head.size, head.root), (3, head.size, head.root)) == [
        Seen(9, before.root, "Prometheus"), Seen(18, head.root, "Prometheus"),
    ]  # fmt: skip
    assert await looked(store, trail, seen=scraped((1, 9, before.root), (2, 18, head.root))) == []
    assert await looked(store, trail, seen=scraped((1, 9, head.root))) == [Tampering.REWRITTEN]
    assert await looked(store, trail, seen=scraped((1, 19, head.root))) == [Tampering.ROLLED_BACK]


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"data": {"result": []}}', b'{"data": {"result": [1]}}'])
def test_a_prometheus_that_knows_nothing_is_an_error_never_an_answer(answer):
    with pytest.raises(OutsideError):
        outside.of_prometheus("http://p", ORIGIN, 1000.0, 900.0, lambda _: answer)


async def test_a_checkpoint_that_was_kept_shows_a_cut_or_another_log(store, trail, filled):
    await filled(trail, 9)
    kept = outside.of_checkpoint(trail.head.note, trail.verifier, "kept")
    assert kept == Seen(9, trail.head.root, "kept")
    await filled(trail, 3)
    assert await looked(store, trail, seen=[kept]) == []
    other = outside.of_checkpoint(trail.head.note, Signer.made("other.example").verifier, "kept")
    assert isinstance(other, FoundTampering)
    assert other.kind is Tampering.ANOTHER_LOG
    with pytest.raises(OutsideError):
        outside.of_checkpoint("hello", trail.verifier, "kept")


async def test_a_witness_that_is_asked_for_must_have_cosigned(store, trail, filled):
    await filled(trail, 9)
    witness = Signer.made("w.example")
    key = verifier_of(witness)
    assert await looked(store, trail, wanted=[key]) == [Tampering.NOT_WITNESSED]
    await trail.cosign(trail.head, [cosigned(parse(trail.head.note).text, witness, 1_780_000_000)], [key])
    assert await looked(store, trail, wanted=[key]) == []
    assert await looked(store, trail) == [Tampering.COSIGNATURE_FORGED], "nobody ever named this witness"
