"""One broker for all stories of the link; each story has nodes of its own, and leaves nothing behind."""

import pytest

from broker import Broker
from service import Service


@pytest.fixture(scope="session")
def broker():
    running = Broker()
    try:
        running.open()
        yield running
    finally:
        running.close()


@pytest.fixture
def other_broker(broker):
    """A second one, on the same database."""
    running = Broker(broker)
    running.key = broker.key
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    running = item.funcargs.get("broker") if hasattr(item, "funcargs") else None
    if report.failed and running:
        report.sections.append(("the broker's log", running.log()))


@pytest.fixture
def service(broker):
    return Service(broker.base, broker.key)


@pytest.fixture
def nodes(broker):
    """Makes enrolled nodes that are not attached yet; all their leases are gone afterwards."""
    made = []

    def make(**slots):
        made.append(broker.node(**slots))
        return made[-1]

    yield make
    for node in made:
        node.detach()
    broker.sql("DELETE FROM live")


@pytest.fixture
def stranger(broker):
    """A worker whose key is not enrolled."""
    made = broker.stranger()
    yield made
    made.detach()


@pytest.fixture
def node(nodes):
    """An attached node with one free slot of class net."""
    return nodes().attach()


@pytest.fixture
def submit(service):
    """Makes a job that nothing fetches: its worker is a script."""
    return lambda **body: service.submit("https://example.com/film.mp4", **body)
