import pytest
import structlog

from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail

ORIGIN = "fleet.example/archscan"
NOW = 1_780_000_000.0


def entry(number=0, **about):
    return Entry(Event.GATE_DECIDED, NOW + number, "ci", {"number": number, **about})


@pytest.fixture(autouse=True)
def quiet():
    """A line for each head is for operators."""
    structlog.configure(processors=[structlog.dev.ConsoleRenderer()], logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def signer():
    return Signer.made(ORIGIN)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(f"sqlite:///{tmp_path}/archscan.db")
    yield opened
    await opened.close()


@pytest.fixture
async def trail(store, signer):
    """An empty log in a store on disk."""
    made = Trail(store, signer, clock=lambda: NOW)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def filled():
    """Append so many entries, in batches of 1, 2, 3, 4, 1 …."""

    async def fill(trail, count):
        done, batch = 0, 0
        while done < count:
            batch = batch % 4 + 1
            new = [entry(done + more) for more in range(min(batch, count - done))]
            await trail.append(*new)
            done += len(new)

    return fill


@pytest.fixture
def made_entry():
    return entry
