"""A network of our own: every address of it leads to one listener that counts who connects.

Only the calling thread moves into the network namespace. Sockets keep the namespace they were made
in and programs inherit their starter's, so servers, clients and the stack that are started between
enter and leave all live inside. The namespace goes with the last of them.
"""

import contextlib
import ctypes
import os
import selectors
import shutil
import socket
import struct
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from inside import HANG_S
from stack import BIN, Stack

CLONE_NEWNET = 0x40000000
OWN_NETWORK = "/proc/thread-self/ns/net"
HOSTS = Path("/etc/hosts")
# struct linger: on, for 0 seconds.
RESET_AT_CLOSE = struct.pack("ii", 1, 0)

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Namespace:
    """Raises OSError where the kernel does not let us have one."""

    def __init__(self):
        self.outside = os.open(OWN_NETWORK, os.O_RDONLY | os.O_CLOEXEC)
        try:
            check(libc.unshare(CLONE_NEWNET))
        except OSError:
            os.close(self.outside)
            raise

    def add(self, addresses):
        """The addresses become this host's own, so that a connection to one reaches a listener."""
        commands = ["link set lo up", *(
            f"addr add {address}/128 dev lo nodad" if ":" in address else f"addr add {address}/32 dev lo"
            for address in addresses)]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)

    def leave(self):
        check(libc.setns(self.outside, CLONE_NEWNET))
        os.close(self.outside)


def connections():
    """How many this network has seen, to whatever port."""
    names, values = (line.split() for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()
                     if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


def listen(host, port=0, backlog=512):
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener


class Inside:
    """What must not be reached: listens on every address, and remembers who connected where."""

    def __init__(self, ports):
        self.listeners = [listen(host, port) for host in ("0.0.0.0", "::") for port in ports]
        self.accepted = []  # (the caller's address, where it connected to)
        self.change = threading.Condition()
        self.selector = selectors.DefaultSelector()
        for listener in self.listeners:
            self.selector.register(listener, selectors.EVENT_READ)
        self.waker, waiter = socket.socketpair()
        self.selector.register(waiter, selectors.EVENT_READ)
        self.waiter = waiter
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.waiter:
                    return
                self.accept(key.fileobj)

    def accept(self, listener):
        connection, caller = listener.accept()
        with self.change:
            self.accepted.append((caller[:2], connection.getsockname()[:2]))
            self.change.notify_all()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(2)
            if connection.recv(4096):
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def seen(self):
        """Where others connected to so far. A queue is served in order: once calls of ours have
        come through every listener, whatever called before them has been counted."""
        ours = set()
        for listener in self.listeners:
            host, port = listener.getsockname()[:2]
            with socket.create_connection(("::1" if ":" in host else "127.0.0.1", port)) as call:
                mine = call.getsockname()[:2]
            with self.change:
                assert self.change.wait_for(lambda: mine in [who for who, _ in self.accepted], HANG_S)
            ours.add(mine)
        with self.change:
            self.accepted = [entry for entry in self.accepted if entry[0] not in ours]
            return [where for _, where in self.accepted]

    def forget(self):
        self.seen()
        self.accepted = []

    def close(self):
        self.waker.send(b"x")
        self.thread.join()
        self.selector.close()
        for each in (*self.listeners, self.waker, self.waiter):
            each.close()


class Turn(BaseHTTPRequestHandler):
    """/302?to=URL is answered by that status and that Location."""

    def do_GET(self):
        self.server.asked.append(self.path)
        asked = urlsplit(self.path)
        self.send_response(int(asked.path[1:]))
        self.send_header("Location", parse_qs(asked.query, encoding="latin-1")["to"][0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Redirector:
    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Turn)
        self.server.daemon_threads = True
        self.asked = self.server.asked = []
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def url(self, status, to):
        return f"http://127.0.0.1:{self.port}/{status}?to={quote(to, safe='')}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Quiet:
    """Ports of loopback that answer in every way but by HTTP."""

    def __init__(self):
        refused = listen("127.0.0.1")
        self.refused = refused.getsockname()[1]
        refused.close()
        self.full = listen("127.0.0.1", backlog=0)  # holds one call; later ones get no answer
        self.waiting = socket.create_connection(self.full.getsockname())
        self.rude, self.silent = listen("127.0.0.1"), listen("127.0.0.1")
        self.threads = [threading.Thread(target=self.hang_up, args=(self.rude, RESET_AT_CLOSE)),
                        threading.Thread(target=self.hang_up, args=(self.silent, None))]
        for thread in self.threads:
            thread.start()

    def hang_up(self, listener, linger):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                if linger:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def ports(self):
        at = {name: getattr(self, name).getsockname()[1] for name in ("full", "rude", "silent")}
        return {"refused": self.refused, "unanswered": at["full"], "reset": at["rude"],
                "hung up": at["silent"]}

    def close(self):
        for listener in (self.rude, self.silent):
            listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for each in (self.rude, self.silent, self.full, self.waiting):
            each.close()


class HiddenStack(Stack):
    """A stack whose programs find the names of a hosts file of ours, mounted over the machine's in
    a mount namespace of their own."""

    def __init__(self, names, *options):
        super().__init__(*options)
        self.environment["FETCHMEDIA_RETRY_BASE_MS"] = "50"
        self.hosts = self.folder / "hosts"
        self.hosts.write_text("".join(f"{address} {name}\n" for name, addresses in names.items()
                                      for address in addresses))
        self.hosts.chmod(0o644)
        # A bare root may have none to mount over.
        self.made = not HOSTS.exists()
        HOSTS.touch()

    def run(self, program, *arguments, **environment):
        return super().run(shutil.which("unshare"), "--mount", "sh", "-c",
                           f'mount --bind "$0" {HOSTS} && exec "$@"',
                           self.hosts, BIN / program, *arguments, **environment)

    def allow(self, *rules):
        """From the next POST and the next start of a job on, these and no others."""
        allowed = self.state / "allow"
        with allowed.open("w") as file:
            file.write("\n".join(rules) + "\n")

    def remove(self):
        super().remove()
        if self.made:
            HOSTS.unlink()
