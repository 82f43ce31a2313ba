"""What FastAPI makes of routes is made before anybody asks."""

from pydantic import TypeAdapter

from scanner.web.api.app import create_app, prepare
from scanner.web.http.access import Access


async def asked(app, client_of, monkeypatch):
    made = []
    own = TypeAdapter.__init__

    def counting(self, *arguments, **named):
        made.append(arguments)
        own(self, *arguments, **named)

    monkeypatch.setattr(TypeAdapter, "__init__", counting)
    await client_of(app).get("/-/healthy")
    await client_of(app).get("/nowhere")
    return len(made)


async def test_a_first_request_waits_for_nothing_that_is_made_of_routes(service, metrics, client_of, monkeypatch):
    app = create_app(service, metrics, Access())
    prepare(app)
    assert await asked(app, client_of, monkeypatch) == 0


async def test_otherwise_it_would(service, metrics, client_of, monkeypatch):
    assert await asked(create_app(service, metrics, Access()), client_of, monkeypatch) > 100
