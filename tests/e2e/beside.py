"""A broker beside a stack's own: on the same database and store, without a worker."""

import subprocess

import requests

from inside import HANG_S, wait_for
from stack import BIN, clean_environment, free_port


class Broker:
    def __init__(self, stack, **settings):
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.log = stack.state / "log" / f"broker-{port}.log"
        metrics = f"127.0.0.1:{free_port()}"
        self.metrics_url = f"http://{metrics}/metrics"
        environment = {
            "FETCHMEDIA_DATABASE_URL": f"host={stack.sockets()}/pg user=fetchmedia dbname=fetchmedia",
            "FETCHMEDIA_SECRETS_DIR": str(stack.state / "secrets"),
            "FETCHMEDIA_STORE_DIR": str(stack.state / "store"),
            "FETCHMEDIA_LISTEN": f"127.0.0.1:{port}",
            "FETCHMEDIA_LINK_LISTEN": f"127.0.0.1:{free_port()}",
            "FETCHMEDIA_METRICS_LISTEN": metrics}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BIN / "fetchmedia-broker"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(**environment, **settings))
        wait_for("the broker is ready", HANG_S, self.is_ready)

    def is_ready(self):
        try:
            return requests.get(self.base + "/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def has_logged(self, text):
        return text in self.log.read_text(errors="replace")

    def end(self):
        """Its exit code, after a SIGTERM if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(HANG_S)
