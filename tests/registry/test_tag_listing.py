"""Which tags of a repository are listed: page by page, within bounds, wherever the registry's links point."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.http.exchange import WholeResponse
from scanner.registry.http.messages import Headers
from scanner.registry.mirror_chain import MirrorChain, PullRoute
from scanner.registry.tag_listing import MAX_PAGES, tags_of


@dataclass
class Endpoint:
    """Answers with pages: tags, then a Link header."""

    pages: list
    asked: list = field(default_factory=list)

    async def ask(self, call):
        self.asked.append(call.path)
        page = self.pages[min(len(self.asked), len(self.pages)) - 1]
        if isinstance(page, Failure):
            return page
        status, tags, link = page
        body = tags if isinstance(tags, bytes) else json.dumps({"name": "shop/api", "tags": tags}).encode()
        return WholeResponse(status, Headers({"link": link} if link else {}), body)


async def listed(*pages):
    endpoint = Endpoint(list(pages))
    pull = SimpleNamespace(path="/v2/shop/api", repository="shop/api", failure=None)
    return await tags_of(MirrorChain((Failure(Reason.IMAGE_NOT_ALLOWED), PullRoute(pull, endpoint)))), endpoint.asked


async def test_pages_are_followed_to_their_end():
    link = '</v2/shop/api/tags/list?last=1.1&n=2>; rel="next"'
    tags, asked = await listed((200, ["1.0", "1.1"], link), (200, ["1.2"], ""))
    assert tags == ("1.0", "1.1", "1.2")
    assert asked == ["/v2/shop/api/tags/list?n=1000", "/v2/shop/api/tags/list?n=1000&last=1.1"]


@pytest.mark.parametrize(
    "link",
    [
        "<https://elsewhere.example/v2/x/tags/list?last=..%2F..%2Fsecret>; rel=next",
        "<http://[::1>; rel=next",
        "</x?last=a%20b>; rel=next",
        "</x>; rel=next",
        "garbage",
        "<" * 5000,
    ],
)
async def test_of_a_link_only_a_tag_is_believed(link):
    tags, asked = await listed((200, ["1.0"], link), (200, ["never"], ""))
    assert (tags, len(asked)) == (("1.0",), 1)


async def test_a_list_without_end_is_left():
    tags, asked = await listed((200, ["1.0"], "</x?last=1.0>; rel=next"))
    assert (tags, len(asked)) == (("1.0",), MAX_PAGES)


async def test_what_is_no_tag_is_left_out():
    assert (await listed((200, ["ok", "a b", "../x", 7, None, "x" * 200, "-x"], "")))[0] == ("ok",)
    assert (await listed((200, None, "")))[0] == ()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((200, b"[", ""), Reason.IMAGE_MALFORMED),
        ((200, {"a": 1}, ""), Reason.IMAGE_MALFORMED),
        ((401, b"{}", ""), Reason.IMAGE_DENIED),
        (Failure(Reason.IMAGE_TIMEOUT), Reason.IMAGE_TIMEOUT),
    ],
)
async def test_a_registry_that_lists_nothing_says_why(page, reason):
    assert (await listed(page))[0].reason is reason
