"""Where a connection may go, that TLS holds by name, and what each error becomes."""

import asyncio
import socket
import ssl
import time
from ipaddress import ip_network

import httpcore
import httpx
import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import RegistryConfig
from scanner.registry.http.exchange import WholeResponse, exchange
from scanner.registry.http.failures import classify
from scanner.registry.http.pinned_transport import MAX_ADDRESSES, host_of, make_transport, system_resolve, transport_for
from scanner.registry.http.tls import certificate_ends_at, tls_context
from tests.real.process import free_port


def names(**known):
    """A resolver that knows ``host=("address", ...)``; underscores stand for dots."""
    table = {host.replace("_", "."): found for host, found in known.items()}

    async def resolve(host, port):
        if host not in table:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return table[host]

    return resolve


async def get(transport, url, **options):
    return await exchange(transport, httpx.Request("GET", url), max_bytes=1000, deadline_s=10, **options)


@pytest.fixture
def ok(reply):
    return lambda _: reply(200, b"fine")


@pytest.fixture
async def transport(request):
    """``transport(**settings)``, closed at the end."""
    opened = []

    def make(**settings):
        opened.append(make_transport(**settings))
        return opened[-1]

    yield make
    for each in opened:
        await each.aclose()


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.1", "0", "0.0.0.0", "localhost", "LOCALHOST",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[::]",
    ],
)  # fmt: skip
async def test_no_spelling_of_loopback_is_connected_to(canary, transport, host):
    answer = await get(transport(plain_http=True), f"http://{host}:{canary.port}/v2/")
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_NOT_ALLOWED


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "10.0.0.1", "64:ff9b::a9fe:a9fe", "fe80::1%lo", "not-an-address"]
)
async def test_a_name_that_resolves_inside_is_refused(transport, address):
    answer = await get(
        transport(resolve=names(evil_test=(address,))), "https://evil.test/", refused=Reason.IMAGE_REALM_REFUSED
    )
    assert answer.reason is Reason.IMAGE_REALM_REFUSED


async def test_one_refused_address_among_public_ones_refuses_the_name(canary, transport):
    made = transport(plain_http=True, resolve=names(evil_test=("93.184.216.34", "127.0.0.1")))
    answer = await get(made, f"http://evil.test:{canary.port}/")
    assert answer == Failure(
        Reason.IMAGE_NOT_ALLOWED,
        "'evil.test' may not be connected to: 127.0.0.1 is a loopback address",
        host="evil.test",
        address="127.0.0.1",
        setting="allow_networks",
    )


async def test_a_name_that_changes_its_address_between_two_questions_is_screened_each_time(
    http_server, canary, transport, ok
):
    """DNS rebinding: the address that was screened is the one connected to; there is no second question."""
    answers = [("127.0.0.2",), ("127.0.0.1",)]

    async def rebinding(host, port):
        return answers.pop(0)

    server = await http_server(ok, host="127.0.0.2")
    made = transport(plain_http=True, allow_networks=[ip_network("127.0.0.2/32")], resolve=rebinding)
    assert (await get(made, f"http://rebind.test:{server.port}/")).status == 200
    assert len(answers) == 1
    assert (await get(made, f"http://rebind.test:{canary.port}/")).reason is Reason.IMAGE_NOT_ALLOWED


@pytest.mark.parametrize(
    "settings",
    [{"own_hosts": ("127.0.0.1",)}, {"allow_networks": True}, {"allow_networks": [ip_network("127.0.0.0/8")]}],
)
async def test_what_the_operator_listed_is_reached(http_server, transport, ok, settings):
    server = await http_server(ok)
    answer = await get(transport(plain_http=True, **settings), f"http://{server.address}/v2/")
    assert (answer.status, answer.body) == (200, b"fine")


async def test_localhost_is_reached_where_it_is_listed(http_server, transport, ok):
    server = await http_server(ok)
    answer = await get(transport(plain_http=True, own_hosts=("localhost",)), f"http://localhost:{server.port}/v2/")
    assert answer.status == 200


async def test_a_listed_address_opens_no_other(canary, transport):
    made = transport(plain_http=True, own_hosts=("127.0.0.2", "localhost"), resolve=names(other_test=("127.0.0.1",)))
    assert (await get(made, f"http://other.test:{canary.port}/")).reason is Reason.IMAGE_NOT_ALLOWED


async def test_a_dead_address_gives_way_to_the_next(http_server, transport, ok):
    server = await http_server(ok)
    made = transport(plain_http=True, allow_networks=True, resolve=names(two_test=("127.0.0.3", "127.0.0.1")))
    assert (await get(made, f"http://two.test:{server.port}/")).status == 200


async def test_a_silent_address_leaves_time_for_the_next(http_server, transport, ok):
    server = await http_server(ok)
    with socket.socket() as silent:  # its queue is full, so that it answers nobody
        silent.bind(("127.0.0.4", server.port))
        silent.listen(0)
        blockers = [socket.socket() for _ in range(2)]
        for blocker in blockers:
            blocker.setblocking(False)
            blocker.connect_ex(("127.0.0.4", server.port))
        made = transport(plain_http=True, allow_networks=True, resolve=names(two_test=("127.0.0.4", "127.0.0.1")))
        request = httpx.Request("GET", f"http://two.test:{server.port}/", extensions={"timeout": {"connect": 1.0}})
        answer = await exchange(made, request, max_bytes=10, deadline_s=5)
        for blocker in blockers:
            blocker.close()
    assert answer.status == 200


async def test_a_name_with_too_many_addresses_is_refused(transport):
    many = tuple(f"93.184.216.{i}" for i in range(MAX_ADDRESSES + 1))
    assert (
        await get(transport(resolve=names(many_test=many)), "https://many.test/")
    ).reason is Reason.IMAGE_NOT_ALLOWED


async def test_a_name_without_address_is_unreachable(transport):
    assert (await get(transport(resolve=names(none_test=())), "https://none.test/")).reason is Reason.IMAGE_UNREACHABLE


async def test_a_resolver_that_never_answers_is_a_timeout(transport):
    async def never(host, port):
        await asyncio.Event().wait()

    request = httpx.Request("GET", "https://slow.test/", extensions={"timeout": {"connect": 0.05}})
    answer = await exchange(transport(resolve=never), request, max_bytes=10, deadline_s=10)
    assert answer == Failure(Reason.IMAGE_TIMEOUT, "no answer in time")


async def test_a_label_too_long_for_dns_is_no_name():
    with pytest.raises(socket.gaierror):
        await system_resolve("a" * 64 + ".test", 443)


# ---------------------------------------------------------------- schemes and proxies


async def test_plain_http_is_refused_where_it_is_not_configured(canary, transport):
    answer = await get(transport(own_hosts=("127.0.0.1",)), f"http://{canary.address}/")
    assert answer == Failure(Reason.IMAGE_NOT_ALLOWED, "http to '127.0.0.1' is not configured")


async def test_a_port_beyond_tcp_is_refused(transport):
    answer = await get(transport(allow_networks=True), "https://127.0.0.1:99999/")
    assert answer == Failure(Reason.IMAGE_NOT_ALLOWED, "99999 is no port")


@pytest.mark.parametrize("host", ["127.1", "169.254.169.254", "2852039166", "[::ffff:10.0.0.1]", "localhost", "0"])
async def test_a_proxy_is_not_asked_for_an_inside_address(canary, transport, host):
    made = transport(plain_http=True, proxy=f"http://{canary.address}")
    assert (await get(made, f"http://{host}/")).reason is Reason.IMAGE_NOT_ALLOWED


async def test_a_proxy_is_asked_for_a_name(http_server, transport, ok):
    proxy = await http_server(ok)
    made = transport(plain_http=True, proxy=f"http://user:pass@{proxy.address}")
    assert (await get(made, "http://registry.test/v2/")).status == 200
    assert proxy.seen[0].target == "http://registry.test/v2/"
    assert proxy.seen[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


async def test_a_proxy_that_refuses_is_unreachable(http_server, transport, reply):
    proxy = await http_server(lambda _: reply(407))
    made = transport(proxy=f"http://{proxy.address}")
    assert await get(made, "https://registry.test/v2/") == Failure(Reason.IMAGE_UNREACHABLE, "the proxy refuses")


def test_there_is_no_transport_without_verification():
    with pytest.raises(ValueError, match="no mode without verification"):
        make_transport(verify=False)


async def test_the_environment_is_not_asked_for_proxies(http_server, canary, transport, ok, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://{canary.address}")
    monkeypatch.setenv("ALL_PROXY", f"http://{canary.address}")
    server = await http_server(ok)
    assert (await get(transport(plain_http=True, allow_networks=True), f"http://{server.address}/")).status == 200


# ---------------------------------------------------------------- TLS


@pytest.fixture
def trusting(authority, transport):
    context = tls_context(authority.ca_file)
    assert isinstance(context, ssl.SSLContext)
    return lambda **known: transport(verify=context, allow_networks=True, resolve=names(**known))


async def test_a_certificate_of_the_configured_authority_is_accepted(http_server, authority, trusting, ok):
    server = await http_server(ok, authority.server("registry.test"))
    assert (await get(trusting(registry_test=("127.0.0.1",)), f"https://registry.test:{server.port}/")).body == b"fine"


@pytest.mark.parametrize(
    ("certificate", "says"),
    [
        ({"names": ("registry.test",), "trusted": False}, "self-signed"),
        ({"names": ("registry.test",), "days": -1}, "expired"),
        ({"names": ("other.test",)}, "Hostname mismatch"),
        ({"names": ("127.0.0.1",)}, "Hostname mismatch"),
    ],
)
async def test_a_wrong_certificate_is_rejected_before_anything_is_said(
    http_server, authority, trusting, ok, certificate, says
):
    context = authority.server(*certificate.pop("names"), **certificate)
    server = await http_server(ok, context)
    answer = await get(trusting(registry_test=("127.0.0.1",)), f"https://registry.test:{server.port}/")
    assert answer.reason is Reason.IMAGE_TLS_REJECTED
    assert says in answer.detail
    assert server.seen == []


async def test_an_authority_that_is_not_configured_is_rejected(http_server, authority, transport, ok):
    server = await http_server(ok, authority.server("127.0.0.1"))
    answer = await get(transport(own_hosts=("127.0.0.1",)), f"https://{server.address}/")
    assert answer.reason is Reason.IMAGE_TLS_REJECTED


async def test_two_names_on_one_address_are_two_verified_connections(http_server, authority, trusting, ok):
    """A kept connection that was verified for one name never serves another name on the same address."""
    server = await http_server(ok, authority.server("pinned.test"))
    made = trusting(pinned_test=("127.0.0.1",), evil_test=("127.0.0.1",))
    assert (await get(made, f"https://pinned.test:{server.port}/")).status == 200
    assert (await get(made, f"https://evil.test:{server.port}/")).reason is Reason.IMAGE_TLS_REJECTED
    assert (await get(made, f"https://pinned.test:{server.port}/")).status == 200
    assert [seen.headers["host"] for seen in server.seen] == [f"pinned.test:{server.port}"] * 2


async def test_a_server_without_tls_is_rejected_and_there_is_no_fall_back(trusting):
    received = []

    async def plain(reader, writer):
        received.append(await reader.read(5))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await get(trusting(registry_test=("127.0.0.1",)), f"https://registry.test:{port}/")
    assert answer.reason is Reason.IMAGE_TLS_REJECTED
    assert [data[0] for data in received] == [0x16]  # one TLS record, no second try


async def test_a_client_certificate_is_shown_where_it_is_configured(http_server, authority, ok):
    server = await http_server(ok, authority.server("127.0.0.1", ask_client=True))
    client = authority.issue("client")
    config = RegistryConfig(server.address, ca_file=authority.ca_file, cert_file=client)
    made = transport_for(config, listed=True)
    answer = await get(made, f"https://{server.address}/")
    await made.aclose()
    assert answer.status == 200


async def test_a_missing_client_certificate_is_a_tls_failure(http_server, authority, ok):
    server = await http_server(ok, authority.server("127.0.0.1", ask_client=True))
    made = transport_for(RegistryConfig(server.address, ca_file=authority.ca_file), listed=True)
    answer = await get(made, f"https://{server.address}/")
    await made.aclose()
    assert isinstance(answer, Failure)
    assert answer.reason in {Reason.IMAGE_TLS_REJECTED, Reason.IMAGE_UNREACHABLE, Reason.IMAGE_MALFORMED}
    assert server.seen == []


def test_a_context_is_built_once_for_the_same_files(authority, tmp_path):
    assert tls_context() is tls_context()
    assert tls_context(authority.ca_file) is tls_context(authority.ca_file)
    assert tls_context((authority.ca_file,)) is tls_context(authority.ca_file)
    assert tls_context(authority.ca_file) is not tls_context()


def test_a_changed_authority_is_another_context(authority, tmp_path):
    mine = tmp_path / "ca.pem"
    mine.write_bytes((authority.folder / "ca.pem").read_bytes())
    first = tls_context(str(mine))
    mine.write_bytes((authority.folder / "ca.pem").read_bytes() * 2)
    assert tls_context(str(mine)) is not first


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_an_unusable_authority_is_a_failure_that_names_no_content(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    answer = tls_context(str(path))
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_TLS_REJECTED


def test_transport_for_reports_a_missing_authority():
    answer = transport_for(RegistryConfig("registry.test", ca_file="/nonexistent/ca.pem"), listed=True)
    assert answer == Failure(
        Reason.IMAGE_TLS_REJECTED, "/nonexistent/ca.pem: No such file or directory", path="/nonexistent/ca.pem"
    )


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://proxy", "proxy:3128", "http://[::1", ""])
def test_transport_for_reports_an_unusable_proxy(proxy):
    answer = transport_for(RegistryConfig("registry.test", proxy=proxy), listed=True)
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_UNREACHABLE


async def test_a_loopback_registry_that_nobody_listed_is_refused(canary):
    made = transport_for(RegistryConfig(canary.address, plain_http=True), listed=False)
    assert (await get(made, f"http://{canary.address}/")).reason is Reason.IMAGE_NOT_ALLOWED
    await made.aclose()


@pytest.mark.parametrize(
    ("authority_text", "host"),
    [
        ("127.0.0.1:5000", "127.0.0.1"),
        ("[::1]:5000", "::1"),
        ("Registry.Test", "registry.test"),
        ("[fd00::5]", "fd00::5"),
    ],
)
def test_host_of_leaves_the_port_out(authority_text, host):
    assert host_of(authority_text) == host


# ---------------------------------------------------------------- bounded exchange


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n" + b"x" * 1001, Reason.IMAGE_TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort", Reason.IMAGE_MALFORMED),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b",
            Reason.IMAGE_ENCODING_REFUSED,
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.IMAGE_MALFORMED),
        (b"", Reason.IMAGE_MALFORMED),
    ],
)
async def test_an_answer_that_lies_becomes_its_reason(http_server, transport, reply, raw, reason):
    server = await http_server(lambda _: reply(raw=raw))
    answer = await get(transport(plain_http=True, allow_networks=True), f"http://{server.address}/")
    assert answer.reason is reason


async def test_identity_is_what_is_asked_for(http_server, transport, ok):
    server = await http_server(ok)
    await get(transport(plain_http=True, allow_networks=True), f"http://{server.address}/")
    assert server.seen[0].headers["accept-encoding"] == "identity"


async def test_a_slow_answer_ends_at_its_deadline(http_server, transport, reply):
    async def never(_):
        await asyncio.Event().wait()

    server = await http_server(never)
    request = httpx.Request("GET", f"http://{server.address}/")
    answer = await exchange(transport(plain_http=True, allow_networks=True), request, max_bytes=10, deadline_s=0.2)
    assert answer == Failure(Reason.IMAGE_TIMEOUT, "no answer in time")


def test_an_answer_never_shows_its_body():
    assert "secret" not in repr(WholeResponse(200, httpx.Headers({"x": "secret"}), b"secret"))


# ---------------------------------------------------------------- classify


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (httpx.ConnectTimeout("x"), Reason.IMAGE_TIMEOUT, "no answer in time"),
        (httpx.PoolTimeout("x"), Reason.IMAGE_TIMEOUT, "no answer in time"),
        (TimeoutError(), Reason.IMAGE_TIMEOUT, "no answer in time"),
        (caused(httpx.ConnectError("x"), socket.gaierror(-2, "x")), Reason.IMAGE_UNREACHABLE, "the name does not resolve"),
        (caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "x")), Reason.IMAGE_UNREACHABLE, "connection refused"),
        (caused(httpx.ConnectError("x"), OSError(113, "Connect call failed ('10.0.0.1', 443)")), Reason.IMAGE_UNREACHABLE, "no route to host"),
        (caused(httpx.ConnectError("x"), OSError(24, "Too many open files")), Reason.INTERNAL_EXHAUSTED, "no connection can be made: too many open files"),
        (httpx.ReadError("https://secret"), Reason.IMAGE_UNREACHABLE, "connection broken"),
        (httpx.RemoteProtocolError("x"), Reason.IMAGE_MALFORMED, "the answer is not whole, or not HTTP"),
        (httpx.InvalidURL("x"), Reason.IMAGE_MALFORMED, "the answer is not whole, or not HTTP"),
        (httpx.DecodingError("x"), Reason.IMAGE_ENCODING_REFUSED, "the answer is encoded, which was not asked for"),
        (caused(httpx.ConnectError("x"), caused(httpcore.ConnectError("x"), ssl.SSLError(1, "x"))), Reason.IMAGE_TLS_REJECTED, "TLS fails: handshake broken"),
        (KeyError("secret"), Reason.INTERNAL_BUG, "KeyError in an exchange with a registry"),
    ],
)  # fmt: skip
def test_every_foreign_error_has_its_reason(error, reason, detail):
    assert classify(error) == Failure(reason, detail)


def test_a_chain_of_causes_that_bites_its_tail_ends():
    error = httpx.ReadError("x")
    error.__cause__ = error
    assert classify(error).reason is Reason.IMAGE_UNREACHABLE


async def test_a_refused_connection_is_unreachable(transport):
    answer = await get(transport(plain_http=True, allow_networks=True), f"http://127.0.0.1:{free_port()}/")
    assert answer == Failure(Reason.IMAGE_UNREACHABLE, "connection refused")


# ---------------------------------------------------------------- the end of certificates


def test_the_end_of_a_certificate_is_known(authority, tmp_path):
    left_s = certificate_ends_at(authority.issue("scanner.example", days=3)) - time.time()
    assert 2 * 86400 < left_s < 4 * 86400
    assert certificate_ends_at(authority.issue("scanner.example", days=-3)) < time.time()
    (tmp_path / "key.pem").write_text("no certificate")
    for none in (tmp_path / "key.pem", tmp_path / "gone.pem", tmp_path):
        assert certificate_ends_at(str(none)) is None
