"""Ten jobs run while PostgreSQL stands still for ninety seconds, then ten while the broker does for
sixty, at the default settings: not one of them starts again, whether it ends meanwhile or later."""

import os
import signal
import time

from inside import audit, number, pids, processes, wait_for
from origin import Slow
from service import Service
from struck import make_clip

FETCHES, ENCODES = 8, 2
FILM = [{"name": "film", "format": "mp4", "video": {"codec": "h264", "preset": "medium"},
         "audio": {"codec": "aac"}}]
END_SECONDS = 120


class Dripping(Slow):
    """Comes a little at a time, so that it does not count as stalled; the rest once released."""

    def send(self, write, connection):
        at = 0
        while not self.released.is_set() and at < len(self.content) // 2:
            write(self.content[at:at + 64])
            at += 64
            self.half_is_sent.set()
            self.released.wait(0.5)
        self.released.wait()
        write(self.content[at:])


class Story:
    """Ten jobs that run: fetches from sources that last until released, and two encodes."""

    def __init__(self, stack, origin, content, film_url, name):
        self.stack, self.service = stack, Service(stack.base, stack.key)
        self.sources = [Dripping(content) for _ in range(FETCHES)]
        self.jobs = [self.service.submit(origin.serve(f"/{name}{i}.mp4", source))
                     for i, source in enumerate(self.sources)]
        self.jobs += [self.service.submit(film_url, outputs=FILM) for _ in range(ENCODES)]
        for job in self.jobs:
            self.service.until(job, lambda job: job["status"] in ("running", "succeeded"))
        assert number(stack, "SELECT count(*) FROM live WHERE lease_id IS NOT NULL") >= FETCHES

    def pass_silence(self, stopped, seconds):
        """The stopped processes go on after `seconds`; half the fetches end meanwhile."""
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds / 3)
            for source in self.sources[::2]:
                source.released.set()
            time.sleep(seconds * 2 / 3)
        finally:
            # The server last: one that had ended is there until it is reaped.
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def end(self):
        """All succeed, at their first start, in the session that they started in."""
        for source in self.sources:
            source.released.set()
        ended = [self.service.follow(job, END_SECONDS) for job in self.jobs]
        assert [(job["status"], job["attempt"]) for job in ended] == [("succeeded", 1)] * len(ended), ended
        assert audit(self.stack) == []
        assert "session_expired" not in (self.stack.state / "log" / "broker.log").read_text()
        print(f"\n{len(ended)} jobs, 0 started again")


def test_a_database_that_is_away_and_a_broker_that_stands_still(stacks, origin, tmp_path):
    stack = stacks("--workers", "2", "--net-slots", str(FETCHES // 2), "--cpu-slots", str(ENCODES // 2))
    stack.up()
    content = make_clip(tmp_path, "clip.mp4", "2", "320", "240", "25").content
    film_url = origin.serve("/film.mp4", make_clip(tmp_path, "film.mp4", "40", "640", "360", "25").content)
    wait_for("a session for each node", 15, lambda: number(stack, "SELECT count(*) FROM session") == 2)

    story = Story(stack, origin, content, film_url, "database")
    server = pids(stack)["postgres"]
    backends = [pid for pid, (above, _) in processes().items() if above == server]
    story.pass_silence([server, *backends], 90)
    story.end()

    story = Story(stack, origin, content, film_url, "broker")
    story.pass_silence([pids(stack)["broker"]], 60)
    story.end()
    assert len(pids(stack)["workers"]) == 2
