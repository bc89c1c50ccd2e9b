"""Stories that take long: they use the helpers of the short ones."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from origin import Origin  # noqa: E402
from stack import Stack  # noqa: E402


@pytest.fixture(scope="session")
def origin():
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def seed():
    """FM_SEED chooses other strikes."""
    return int(os.environ.get("FM_SEED", "1"))


@pytest.fixture
def stacks(origin):
    """Makes stacks, and takes them down again."""
    made = []

    def make(*options, **settings):
        running = Stack("--allow-private", f"127.0.0.1/32:{origin.port}", *options)
        running.environment |= settings
        made.append(running)
        return running

    make.made = made
    yield make
    for running in made:
        running.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed story reports what the processes logged."""
    report = (yield).get_result()
    stacks = getattr(item, "funcargs", {}).get("stacks")
    for running in stacks.made if report.failed and stacks else []:
        report.sections.append(("the stack's logs", running.logs()))
