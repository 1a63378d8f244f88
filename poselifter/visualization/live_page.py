"""A page on this machine alone that shows events as they come."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import InputError
from .html import make_page

_LOCAL = '127.0.0.1'
_WAIT = 1.0  # seconds for pages to take the last events; then to say that somebody is there still
_HEADERS = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


class LivePage:
    """Serves a page and server-sent events to browsers of this machine.

    Of each kind of event a browser gets the newest; what comes while it is busy replaces what it has not got yet. Only
    the page and its events are served, and only to requests for this machine by name or number, so that no web site
    can read them by a name of its own (DNS rebinding).

    Args:
        title: of the page.
        port: of 127.0.0.1; 0 takes a free one.

    Attributes:
        url: of the page.

    Raises:
        InputError: the port is taken or cannot be used.
    """

    def __init__(self, title: str, port: int = 0) -> None:
        self.page = make_page({}, title, 'live').encode()
        self.changed = threading.Condition()
        self.newest: dict[str, tuple[int, bytes]] = {}
        self.count, self.viewers, self.seen, self.over = 0, 0, False, False
        try:
            self.server = ThreadingHTTPServer((_LOCAL, port), _handler(self))
        except (OSError, OverflowError) as error:
            raise InputError(f'port {port} cannot be used ({error}); give another --port, or none') from error
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f'http://{_LOCAL}:{self.port}/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, kind: str, content: Any) -> None:
        """Sends an event, JSON, to everybody who looks, and to those who come later unless a newer replaces it."""
        text = json.dumps(content, separators=(',', ':'))
        with self.changed:
            self.count += 1
            self.newest[kind] = self.count, f'event: {kind}\ndata: {text}\n\n'.encode()
            self.changed.notify_all()

    def wait_for_viewer(self, seconds: float) -> bool:
        """Whether somebody looks, or comes within some seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.seen, seconds)

    def close(self) -> None:
        """Ends: pages get what was sent, and no more."""
        with self.changed:
            self.over = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.viewers, _WAIT)
        self.server.shutdown()
        self.server.server_close()

    def events(self, write: Any) -> None:
        """Writes events as they come, until the end or until nobody listens."""
        sent = 0
        with self.changed:
            self.viewers, self.seen = self.viewers + 1, True
            self.changed.notify_all()
        try:
            while True:
                with self.changed:
                    self.changed.wait_for(lambda after=sent: self.over or self.count > after, _WAIT)
                    over, latest = self.over, self.count
                    new = [text for number, text in sorted(self.newest.values()) if number > sent]
                write(b''.join(new) or b': still here\n\n')
                sent = latest
                if over:
                    return
        finally:
            with self.changed:
                self.viewers -= 1
                self.changed.notify_all()


def _handler(live: LivePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get('Host') not in (f'{_LOCAL}:{live.port}', f'localhost:{live.port}'):
                self.send_error(403, 'ask for 127.0.0.1')
            elif self.path == '/':
                self.begin('text/html; charset=utf-8', {'Content-Length': str(len(live.page))})
                self.write(live.page)
            elif self.path == '/events':
                self.begin('text/event-stream')
                with suppress(ConnectionError):
                    live.events(self.write)
            else:
                self.send_error(404)

        def begin(self, kind: str, more: dict[str, str] | None = None) -> None:
            self.send_response(200)
            for name, value in {'Content-Type': kind, **_HEADERS, **(more or {})}.items():
                self.send_header(name, value)
            self.end_headers()

        def write(self, data: bytes) -> None:
            self.wfile.write(data)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Keeps the terminal for the status."""

    return Handler
