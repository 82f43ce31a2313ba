"""An image of the host's own store: which commands there are, what ends the stream."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import EngineKind
from scanner.domain.host import Host
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh.image_export import export_command

ID = "a" * 64
MIB = 1 << 20


@pytest.mark.parametrize("image_id", [ID, f"sha256:{ID}"])
def test_a_command_is_made_of_ours_and_hexadecimal_digits(image_id):
    assert export_command(EngineKind.DOCKER, image_id) == f"docker save sha256:{ID}"
    assert export_command(EngineKind.PODMAN, image_id) == f"podman save --format docker-archive sha256:{ID}"


@pytest.mark.parametrize(
    "image_id", ["", "web:1", ID[:-1], f"{ID}; reboot", f"{ID}\n", f"sha512:{ID}", ID.upper(), f"-{ID}"]
)
def test_what_is_no_id_is_never_in_a_command(image_id):
    with pytest.raises(ValueError, match="cannot export"):
        export_command(EngineKind.DOCKER, image_id)


@given(st.text(max_size=80))
def test_no_text_of_a_host_but_an_id_becomes_a_command(text):
    with pytest.raises(ValueError, match="cannot export"):
        export_command(EngineKind.DOCKER, text)


@pytest.mark.parametrize("kind", [EngineKind.CONTAINERD, EngineKind.CRI])
def test_other_engines_export_nothing_by_id(kind):
    with pytest.raises(ValueError, match="cannot export"):
        export_command(kind, ID)


@pytest.fixture
def exported(fake_host, pool_of, config_for, keys):
    """The stream of one exported image, read to its end: what came, and the failure that ended it."""

    async def read(answer, *, max_bytes=MIB, stop_after=None, **patience):
        fake = await fake_host(answer)
        public = keys["host"].export_public_key().decode().strip()
        pool = pool_of(config_for(f"[127.0.0.1]:{fake.port} {public}", **patience))
        came = bytearray()
        try:
            host = Host("h", "127.0.0.1", fake.port)
            async with pool.export_image(host, EngineKind.DOCKER, ID, max_bytes) as stream:
                async for piece in stream:
                    came += piece
                    if stop_after is not None and len(came) >= stop_after:
                        break
        except StreamBroken as broken:
            return fake, bytes(came), broken.failure
        return fake, bytes(came), None

    return read


def says(*pieces, status=0):
    async def answer(process):
        for piece in pieces:
            process.stdout.write(piece)
            await process.stdout.drain()
        process.exit(status)

    return answer


async def test_the_stream_is_what_the_engine_prints(exported):
    fake, came, failure = await exported(says(b"a" * 1000, b"b" * 1000))
    assert (came, failure) == (b"a" * 1000 + b"b" * 1000, None)
    assert fake.commands == [f"docker save sha256:{ID}"]


async def test_a_forced_command_is_no_image(exported):
    _, came, failure = await exported(says(b"archscan-probe 1\n@end\n"))
    assert (came, failure.reason) == (b"", Reason.IMAGE_LOCAL_ONLY)
    assert "forced command" in failure.detail


async def test_an_engine_that_refuses_is_unknown(exported):
    _, _, failure = await exported(says(status=1))
    assert failure.reason is Reason.IMAGE_LOCAL_ONLY
    assert "`docker save` ended with 1" in failure.detail


async def test_an_image_beyond_the_limit_is_an_error_and_the_rest_is_not_read(exported):
    ended = asyncio.Event()

    async def endless(process):
        try:
            while True:
                process.stdout.write(b"x" * 65536)
                await process.stdout.drain()
        finally:
            ended.set()

    _, came, failure = await exported(endless, max_bytes=MIB)
    assert failure.reason is Reason.LAYER_LIMIT
    assert len(came) <= MIB
    await asyncio.wait_for(ended.wait(), 60)


async def test_a_reader_that_stops_ends_the_command(exported):
    ended = asyncio.Event()

    async def endless(process):
        try:
            while True:
                process.stdout.write(b"x" * 65536)
                await process.stdout.drain()
        finally:
            ended.set()

    _, came, failure = await exported(endless, max_bytes=1000 * MIB, stop_after=1)
    assert came
    assert failure is None
    await asyncio.wait_for(ended.wait(), 60)


async def test_a_silent_engine_is_given_up(exported):
    async def hangs(process):
        await process.channel.wait_closed()

    _, _, failure = await exported(hangs, probe_timeout_s=1.0)
    assert failure.reason is Reason.HOST_TIMEOUT


async def test_a_connection_that_ends_is_no_end_of_the_image(exported):
    async def cut(process):
        process.stdout.write(b"half")
        await process.stdout.drain()
        process.channel.get_connection().abort()

    *_, failure = await exported(cut)
    assert failure is not None
    assert failure.reason is not Reason.IMAGE_LOCAL_ONLY
