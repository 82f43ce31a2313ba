"""The docker-credential-helper protocol: a program on PATH that is asked for one server's credential.

https://github.com/docker/docker-credential-helpers: ``docker-credential-<x> get``, server on stdin, JSON on stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError
from scanner.registry.auth.credential import IDENTITY_USER, Credential, CredentialKind

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

    from scanner.registry.auth.auth_file import HelperCall

MAX_HELPER_OUTPUT_BYTES = 64 * 1024
"""A secret is at most this long, so is what carries it."""

HELPER_DEADLINE_S = 10.0
"""Helpers that ask a cloud answer within two seconds; one that asks a person never does."""

END_WITHIN_S = 1.0
"""Time for a killed helper to be reaped; the kernel needs a millisecond."""

MAX_HELPER_NAME_CHARS = 64
"""The longest in the field has 14."""

NOT_FOUND = "credentials not found in native keychain"
"""What every helper prints where it knows nothing, so that the registry is asked anonymously."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
"""A part of a file's name, such as ``desktop.exe``, as WSL has it; never a path."""

_SERVER = re.compile(r"[!-~]{1,512}", re.ASCII)


async def ask(
    call: HelperCall, environment: Mapping[str, str], *, deadline_s: float = HELPER_DEADLINE_S
) -> Credential | Failure | None:
    """Run the helper; ``None`` where it knows no credential. It gets ``environment`` and nothing else of ours."""
    program = _find(call.helper, environment)
    if isinstance(program, Failure):
        return program
    if not _SERVER.fullmatch(call.server):
        return _denied(call, "cannot be asked for this server")
    try:
        process = await asyncio.create_subprocess_exec(
            program, "get", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=dict(environment), start_new_session=True
        )
    except OSError as error:
        return _denied(call, f"cannot be run: {error.strerror}")
    try:
        async with asyncio.timeout(deadline_s):
            output = await _talk(process, call.server)
    except TimeoutError:
        return _denied(call, f"does not answer within {deadline_s:g} s")
    finally:
        await _end(process)
    if len(output) > MAX_HELPER_OUTPUT_BYTES:
        return _denied(call, f"says more than {MAX_HELPER_OUTPUT_BYTES} bytes")
    return _interpret(call, process.returncode, output)


def _find(helper: str, environment: Mapping[str, str]) -> str | Failure:
    """The helper on PATH; relative entries of PATH are left out, for they depend on where we were started."""
    if len(helper) > MAX_HELPER_NAME_CHARS or not _NAME.fullmatch(helper):
        return Failure(Reason.IMAGE_DENIED, f"{printable(helper, 60)!a} is not the name of a credential helper")
    path = os.pathsep.join(entry for entry in environment.get("PATH", "").split(os.pathsep) if os.path.isabs(entry))  # noqa: PTH117 -- PATH is text
    program = shutil.which(f"docker-credential-{helper}", path=path) if path else None
    return program or Failure(Reason.IMAGE_DENIED, f"docker-credential-{helper} is not on PATH")


async def _talk(process: Process, server: str) -> bytes:
    assert process.stdin is not None  # noqa: S101 -- both are pipes
    assert process.stdout is not None  # noqa: S101 -- the same
    with contextlib.suppress(ConnectionError):  # a helper may answer without reading
        process.stdin.write(server.encode())
        await process.stdin.drain()
    process.stdin.close()
    output = bytearray()
    while len(output) <= MAX_HELPER_OUTPUT_BYTES and (piece := await process.stdout.read(MAX_HELPER_OUTPUT_BYTES)):
        output += piece
    if len(output) <= MAX_HELPER_OUTPUT_BYTES:
        await process.wait()
    return bytes(output)


async def _end(process: Process) -> None:
    """Leave nothing running, nor anything it started in its own process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_WITHIN_S):
            while process.stdout is not None and await process.stdout.read(MAX_HELPER_OUTPUT_BYTES):
                pass  # a full pipe would keep the process from being reaped
            await process.wait()
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 -- a daemon it left may hold the pipe


def _interpret(call: HelperCall, status: int | None, output: bytes) -> Credential | Failure | None:
    said = output.decode("utf-8", "replace").strip()
    if status != 0:
        return None if said == NOT_FOUND else _denied(call, f"fails: {printable(said.partition(chr(10))[0], 200)}")
    try:
        answer = lenient_json.loads(said)
        username, secret = answer["Username"], answer["Secret"]
    except (JsonError, TypeError, KeyError):
        return _denied(call, "answers something else than JSON with Username and Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        return _denied(call, "answers a Username or Secret that is no text")
    if not secret:
        return None
    source = f"docker-credential-{call.helper}"
    try:
        if username == IDENTITY_USER:
            return Credential("", secret, CredentialKind.IDENTITY_TOKEN, source)
        return Credential(username, secret, source=source)
    except ValueError as error:
        return _denied(call, f"answers what cannot be used: {error}")


def _denied(call: HelperCall, what: str) -> Failure:
    return Failure(Reason.IMAGE_DENIED, f"docker-credential-{call.helper} {what}")
