"""Feeds any bytes to everything that interprets a registry: ``python tests/fuzz/fuzz_registry.py`` with atheris."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from scanner.domain.failure import Failure
from scanner.domain.image import reference
from scanner.registry.auth import auth_file, bearer, challenge, realm
from scanner.registry.auth.bearer import MAX_LIFE_S, BearerToken, TokenRequest
from scanner.registry.config import RegistryConfig
from scanner.registry.documents.image_config import read_config
from scanner.registry.documents.manifest import read_manifest
from scanner.registry.documents.media_types import OCI_INDEX, OCI_MANIFEST
from scanner.registry.http.exchange import WholeResponse
from scanner.registry.http.redirects import Trust, next_hop
from scanner.registry.mirrors import hosts_toml, registries_conf

OWN = RegistryConfig("r.example")
HERE = httpx.URL("https://r.example/v2/app/manifests/1")
ASKED = reference.parse("r.example/app:1")
DIGEST = b"sha256:" + b"a" * 64


def one_input(raw: bytes) -> None:
    """Nothing may raise; what is understood keeps its promises."""
    for interpret in (_manifest, _config, _challenge, _token, _reference, _redirect, _mirrors):
        interpret(raw)


def _manifest(raw: bytes) -> None:
    """The bytes alone, then where a whole document has each of its parts."""
    descriptor = b'{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2}' % DIGEST
    for body in (
        raw,
        b'{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' % (OCI_INDEX.encode(), raw),
        b'{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' % (OCI_MANIFEST.encode(), descriptor, raw),
        b'{"schemaVersion":2,"mediaType":"%s","config":{%s},"layers":[]}' % (OCI_MANIFEST.encode(), raw),
    ):
        for announced in ("", OCI_INDEX, OCI_MANIFEST):
            read_manifest(body, announced, announced)
    read_manifest(b"{}", _text(raw), _text(raw))


def _config(raw: bytes) -> None:
    for body in (raw, b'{"os":"linux","architecture":"amd64",%s}' % raw, b'{"config":{%s}}' % raw):
        found = read_config(body)
        if not isinstance(found, Failure):
            hash((found.platform, found.process))  # a value to its depth


def _challenge(raw: bytes) -> None:
    for headers in ([_text(raw)], _text(raw).split("\n"), [f"Bearer realm={_text(raw)}"], [f'Basic x="{_text(raw)}"']):
        found = challenge.parse(headers)
        for one in () if isinstance(found, Failure) else found:
            if one.scheme != one.scheme.lower() or any(name != name.lower() for name in one.params):
                raise AssertionError("a scheme or a name is not in lower case")
            url = realm.permitted(one.param("realm"), OWN)
            if not isinstance(url, Failure) and (url.scheme, url.host) != ("https", "r.example"):
                raise AssertionError("a login would go elsewhere")


def _token(raw: bytes) -> None:
    for body in (raw, b'{"token":"%s"}' % raw, b'{"token":"t","expires_in":%s}' % raw):
        found = _answered(body)
        if isinstance(found, BearerToken) and not 0 < found.life_s <= MAX_LIFE_S:
            raise AssertionError("a token lives for ever")
        if isinstance(found, BearerToken) and not (found.value.isascii() and found.value.isprintable()):
            raise AssertionError("a token breaks out of its header")


def _answered(body: bytes) -> BearerToken | Failure:
    """What is made of a token server's answer; nothing waits, so no loop is needed."""

    async def send(_request: httpx.Request) -> WholeResponse:
        return WholeResponse(200, httpx.Headers(), body)

    asking = bearer.fetch(send, TokenRequest(httpx.URL("https://r.example/token"), "", ()), None)
    try:
        asking.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def _reference(raw: bytes) -> None:
    for text in (_text(raw), f"r.example/{_text(raw)}", f"r.example/app@{_text(raw)}", f"r.example/app:{_text(raw)}"):
        try:
            found = reference.parse(text)
        except ValueError:
            continue
        if reference.parse(str(found)) != found:
            raise AssertionError("a normal form is not its own")


def _redirect(raw: bytes) -> None:
    for location in (_text(raw), f"//{_text(raw)}", f"https://{_text(raw)}"):
        hop = next_hop(OWN, HERE, location, blob=False)
        if not isinstance(hop, Failure) and (hop.trust is not Trust.OWN or hop.url.host != "r.example"):
            raise AssertionError("a manifest would come from elsewhere")


def _mirrors(raw: bytes) -> None:
    auth_file.parse(raw, "fuzz")
    for conf in (
        registries_conf.parse(_text(raw)),
        registries_conf.parse(f'[[registry]]\nprefix="r.example"\n{_text(raw)}'),
    ):
        if not isinstance(conf, Failure):
            conf.endpoints(ASKED)
    hosts = hosts_toml.parse(_text(raw), Path("/certs"))
    if not isinstance(hosts, Failure):
        hosts.endpoints(ASKED)


def _text(raw: bytes) -> str:
    """As header bytes are read: every byte is a character."""
    return raw.decode("latin-1")


def main() -> None:
    """Run until stopped."""
    import atheris  # noqa: PLC0415 - the tests import this module where atheris is not installed

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
