"""What the tests of pages share: a browser, and the built site as a server gives it."""

import functools
import http.server
import threading

import browser as installed
import pytest
from site_reader import SITE


@pytest.fixture(scope="module")
def browser():
    with installed.launched() as browser:
        yield browser


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served():
    """Serve the site on this machine, and return its address."""
    handler = functools.partial(QuietHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
