import pytest

from scanner.store.store import Store
from tests.service.environment import Environment


@pytest.fixture
async def environment():
    return Environment()


@pytest.fixture
async def store(environment):
    opened = await Store.open("sqlite://", clock=environment.clock)
    yield opened
    await opened.close()


@pytest.fixture
async def service(environment, store):
    made = environment.service(store)
    yield made
    environment.go.set()
    await made.stop()
