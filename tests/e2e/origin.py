"""A small web server the stories fetch from: files by path, and files that wait halfway until released."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 4096


class Slow:
    """A file of which half is sent, and the rest once released."""

    def __init__(self, content):
        self.content = content
        self.half_is_sent = threading.Event()
        self.released = threading.Event()
        self.left = threading.Event()  # the client closed its connection before the end

    def send(self, write, connection):
        half = len(self.content) // 2
        write(self.content[:half])
        self.half_is_sent.set()
        connection.settimeout(0.05)
        while not self.released.is_set():
            try:
                if connection.recv(1) == b"":
                    self.left.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.left.set()
                return
        connection.settimeout(30)
        write(self.content[half:])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        held = self.server.files.get(self.path.split("?")[0])
        self.server.asked.append(self.path)
        if held is None:
            self.send_error(404)
            return
        content = held.content if isinstance(held, Slow) else held
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if isinstance(held, Slow):
            held.send(self.wfile.write, self.connection)
        else:
            self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Origin:
    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.files, self.server.asked = {}, []
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def serve(self, path, content):
        """The URL under which `content` (bytes or a Slow) is found from now on."""
        self.server.files[path] = content
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def asked(self):
        return self.server.asked

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
