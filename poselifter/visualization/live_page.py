"""A page on this machine alone that shows events as they come."""

import json
import threading
from typing import Any

from .html import make_page
from .local_server import LocalServer, Request

_WAIT = 1.0  # seconds for pages to take the last events; then to say that somebody is there still


class LivePage:
    """Serves a page and server-sent events to browsers of this machine.

    Of each kind of event a browser gets the newest; what comes while it is busy replaces what it has not got yet. Only
    the page and its events are served, and only to this machine (:class:`LocalServer`).

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
        self.server = LocalServer(self.answer, port)
        self.port, self.url = self.server.port, self.server.url

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
        self.server.close()

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

    def answer(self, request: Request) -> None:
        """Serves the page and its events."""
        if request.path == '/':
            request.begin('text/html; charset=utf-8', {'Content-Length': str(len(self.page))})
            request.write(self.page)
        elif request.path == '/events':
            request.begin('text/event-stream')
            self.events(request.write)
        else:
            request.send_error(404)
