"""What the stories share: one stack for all, an origin to fetch from, a clip, a client."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from origin import Origin
from service import Service
from stack import BIN, Stack


@pytest.fixture(scope="session")
def origin():
    server = Origin()
    yield server
    server.close()


@pytest.fixture(scope="session")
def stack(origin):
    running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}")
    try:
        running.up()
        yield running
    finally:
        running.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed story reports what the processes logged."""
    report = (yield).get_result()
    running = item.funcargs.get("stack") if hasattr(item, "funcargs") else None
    if report.failed and running:
        report.sections.append(("the stack's logs", running.logs()))


@pytest.fixture
def service(stack):
    return Service(stack.base, stack.key)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Two seconds of moving pictures and a tone, as bytes."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    subprocess.run([BIN / "clip", path, "2", "320", "240", "25"], check=True)
    return path.read_bytes()


@pytest.fixture
def clip_url(origin, clip):
    return origin.serve("/clip.mp4", clip)


@pytest.fixture
def pool():
    """Threads for requests that wait."""
    with ThreadPoolExecutor(20) as threads:
        yield threads
