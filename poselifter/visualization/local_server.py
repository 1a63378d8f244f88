"""A web server for browsers of this machine alone."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..errors import InputError

_LOCAL = '127.0.0.1'
_PATIENCE = 60.0  # seconds for a browser to send or take something
_HEADERS = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Resource-Policy': 'same-origin',
}
_KINDS = {
    '.css': 'text/css',
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.json': 'application/json',
    '.mjs': 'text/javascript',
    '.onnx': 'application/octet-stream',
    '.wasm': 'application/wasm',
}


class Request(BaseHTTPRequestHandler):
    """A request to a :class:`LocalServer`; nothing is taken but GET, so that nothing can be uploaded."""

    server: 'LocalServer'
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answers, if it is asked by the names of this machine: no web site can come by one of its own (rebinding)."""
        port = '' if self.server.port == 80 else f':{self.server.port}'  # which browsers leave out
        if self.headers.get('Host') not in (f'{_LOCAL}{port}', f'localhost{port}'):
            self.send_error(403, 'ask for 127.0.0.1')
        else:
            with suppress(ConnectionError, TimeoutError):  # of browsers that leave
                self.server.answer(self)

    def begin(self, kind: str, more: Mapping[str, str] | None = None) -> None:
        """Sends the head of an answer of a media type."""
        self.send_response(200)
        for name, value in {'Content-Type': kind, **_HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data: bytes) -> None:
        """Sends a part of the answer."""
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Keeps the terminal for the status."""


class LocalServer(ThreadingHTTPServer):
    """Answers requests for this machine by name or number, in threads, until it is closed.

    Args:
        answer: called with each request that is allowed.
        port: of 127.0.0.1; 0 takes a free one.

    Attributes:
        url: of the page.

    Raises:
        InputError: the port is taken or cannot be used.
    """

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], None], port: int = 0) -> None:
        try:
            super().__init__((_LOCAL, port), Request)
        except (OSError, OverflowError) as error:
            raise InputError(f'port {port} cannot be used ({error}); give another --port, or none') from error
        self.answer, self.port = answer, self.server_address[1]
        self.url = f'http://{_LOCAL}:{self.port}/'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Takes no more requests."""
        self.shutdown()
        self.server_close()


def serve_files(files: Mapping[str, bytes | Path], headers: Mapping[str, str], port: int = 0) -> LocalServer:
    """A server of files by name, ``index.html`` being the page, and of nothing else.

    Args:
        files: contents, or where they lie.
        headers: to send with each.
        port: see :class:`LocalServer`.

    Raises:
        InputError: see :class:`LocalServer`.
    """

    def answer(request: Request) -> None:
        name = request.path.removeprefix('/') or 'index.html'
        if name not in files:
            request.send_error(404)
            return
        content = files[name]
        data = content.read_bytes() if isinstance(content, Path) else content
        kind = _KINDS.get(Path(name).suffix, 'text/plain')
        kind += '; charset=utf-8' if kind.startswith('text/') else ''
        request.begin(kind, {'Content-Length': str(len(data)), **headers})
        request.write(data)

    return LocalServer(answer, port)
