"""The client of tlog-witness against a witness that keeps to the letter of it."""

import asyncio
import base64
import gzip

import httpx
import pytest

from scanner.trail import checkpoint, merkle, note, witness
from scanner.trail.cosignature import cosigned, verifier_of, witnessed
from scanner.trail.note import NoteError, Signer
from scanner.trail.witness import Witness, WitnessError, Witnessing, client, newest
from tests.real.certificate import self_signed
from tests.real.listener import Listener
from tests.trail.consistency import consistent

NOW = 1_780_000_000


class AWitness:
    """C2SP tlog-witness: add-checkpoint, then what monitors read."""

    def __init__(self, log):
        self.log, self.signer = log, Signer.made("witness.example/w")
        self.size, self.root, self.cosigned, self.broken = 0, merkle.EMPTY_ROOT, None, None
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.url.path)
        if self.broken:
            return self.broken(request)
        if request.method == "GET":
            return httpx.Response(200, text=self.cosigned) if self.cosigned else httpx.Response(404)
        head, _, text = request.content.decode().partition("\n\n")
        old, *proof = head.split("\n")
        size = int(old.removeprefix("old "))
        try:
            wanted, signed = checkpoint.opened(text, self.log)
        except NoteError:
            return httpx.Response(403)
        if size > wanted.size:
            return httpx.Response(400)
        if size != self.size:
            return httpx.Response(409, text=f"{self.size}\n", headers={"Content-Type": "text/x.tlog.size"})
        hashes = [base64.b64decode(one) for one in proof]
        if (size and not consistent(size, self.root, wanted.size, wanted.root, hashes)) or (not size and proof):
            return httpx.Response(422)
        self.size, self.root = wanted.size, wanted.root
        signature = cosigned(signed.text, self.signer, NOW)
        self.cosigned = str(note.Note(signed.text, (*signed.signatures, signature)))
        return httpx.Response(200, text=str(cosigned(signed.text, Signer.made("unknown"), NOW)) + str(signature))


class Watching:
    def __init__(self):
        self.seen = []

    def trail_witnessed(self, witness, size):
        self.seen.append((witness, size))


@pytest.fixture
def a_witness(signer):
    return AWitness(signer.verifier)


@pytest.fixture
async def witnessing(trail, a_witness):
    made = []

    def start():
        one = Witness("http://witness.example/w", verifier_of(a_witness.signer))
        observer = Watching()
        http = httpx.AsyncClient(transport=httpx.MockTransport(a_witness))
        made.append(Witnessing(trail, [one], observer, lambda: http, clock=lambda: NOW))
        made[-1].observer = observer
        return made[-1]

    yield start
    for one in made:
        await one.close()


async def test_a_head_is_cosigned_then_each_further_one_with_its_proof(trail, filled, a_witness, witnessing):
    asking, key = witnessing(), verifier_of(a_witness.signer)
    for count in (5, 300, 1):
        await filled(trail, count)
        assert await asking.witness()
        assert witnessed(note.parse(trail.head.note), key) == NOW
        assert a_witness.size == trail.head.size
    assert trail.best_head == trail.head
    assert (await trail.prove(3)).verified(trail.verifier, [key]).size == 306
    assert asking.observer.seen == [("witness.example/w", size) for size in (5, 305, 306)]
    assert set(a_witness.asked) == {"/w/add-checkpoint"}


async def test_after_a_restart_the_witness_says_what_it_has_seen(trail, filled, a_witness, witnessing):
    await filled(trail, 5)
    await witnessing().witness()
    await filled(trail, 5)
    assert await witnessing().witness()
    assert a_witness.size == 10


async def test_a_proof_prefers_the_head_that_was_witnessed(trail, filled, a_witness, witnessing):
    await filled(trail, 5)
    await witnessing().witness()
    await filled(trail, 5)
    key = verifier_of(a_witness.signer)
    assert (await trail.prove(4)).verified(trail.verifier, [key]).size == 5
    assert (await trail.prove(7)).verified(trail.verifier).size == 10


async def test_a_witness_that_has_seen_more_says_that_the_log_was_rolled_back(
    trail, filled, a_witness, witnessing, caplog
):
    await filled(trail, 5)
    a_witness.size = 99
    asking = witnessing()
    assert not await asking.witness()
    assert asking.observer.seen == [("witness.example/w", None)]


def packed(_request):
    """A few bytes that unpack to a gigabyte, for whoever does so."""
    piece = gzip.compress(b"x" * (1 << 20)) * 1024
    return httpx.Response(200, stream=httpx.ByteStream(piece[: 60 << 10]), headers={"Content-Encoding": "gzip"})


class Dripping(httpx.AsyncByteStream):
    async def __aiter__(self):
        while True:
            yield b"x"
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "broken",
    [
        lambda _: httpx.Response(200, stream=Dripping()),
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(409, text="many\n"),
        lambda _: httpx.Response(200, text="\u2014 witness.example/w AAAAAAAA\n"),
        lambda _: httpx.Response(200, text="x" * (1 << 20)),
        lambda _: httpx.Response(302, headers={"Location": "http://elsewhere.example/"}),
        lambda _: (_ for _ in ()).throw(httpx.ConnectError("refused")),
        lambda _: httpx.Response(200, content=b"\xff\xfe"),
        packed,
    ],
)
async def test_a_witness_that_does_not_cosign_changes_nothing(
    trail, filled, a_witness, witnessing, broken, monkeypatch
):
    monkeypatch.setattr(witness, "ANSWER_S", 0.2)
    await filled(trail, 5)
    before = trail.head
    a_witness.broken = broken
    asking = witnessing()
    assert not await asking.witness()
    assert trail.head == before
    assert asking.observer.seen[-1] == ("witness.example/w", None)


async def test_what_a_witness_says_is_kept_while_another_takes_its_time(trail, filled, a_witness, monkeypatch):
    monkeypatch.setattr(witness, "ANSWER_S", 600)
    await filled(trail, 5)
    stored = asyncio.Event()
    keep = trail.cosign

    async def cosign(*words):
        await keep(*words)
        stored.set()

    async def answer(request):
        if request.url.host == "slow.example":
            await stored.wait()
            return httpx.Response(500)
        return a_witness(request)

    slow = Witness("http://slow.example/w", verifier_of(Signer.made("slow.example/w")))
    quick = Witness("http://witness.example/w", verifier_of(a_witness.signer))
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(trail, "cosign", cosign)
    asking = Witnessing(trail, [slow, quick], Watching(), lambda: http, clock=lambda: NOW)
    for _ in range(2):
        assert not await asyncio.wait_for(asking.witness(), 60)
        assert trail.head.note.count(a_witness.signer.name) == 1, (
            "who is asked again says it again, and stands there once"
        )
    await asking.close()


async def test_a_monitor_reads_the_newest_checkpoint_that_was_cosigned(trail, filled, a_witness, witnessing):
    one = Witness("http://witness.example/w", verifier_of(a_witness.signer))
    async with httpx.AsyncClient(transport=httpx.MockTransport(a_witness)) as http:
        with pytest.raises(WitnessError, match="404"):
            await newest(http, one, trail.verifier.name)
        await filled(trail, 5)
        await witnessing().witness()
        assert checkpoint.opened(await newest(http, one, trail.verifier.name), trail.verifier)[0].size == 5


async def test_the_authorities_of_the_system_vouch_for_a_witness(tmp_path, monkeypatch):
    class Silent(Listener):
        async def talk(self, reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    authority, context = self_signed(tmp_path)
    server = Silent()
    await server.start(context)
    witness = Witness(f"https://127.0.0.1:{server.port}", verifier_of(Signer.made("w")))
    try:
        for file, told in ((tmp_path / "none", "self-signed"), (authority, "answered 404")):
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            async with client() as http:
                with pytest.raises(WitnessError, match=told):
                    await newest(http, witness, "log")
    finally:
        await server.stop()
