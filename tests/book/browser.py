"""The browser that the tests of pages drive: one that is installed already."""

from contextlib import contextmanager

import print_site

#: Its program: what CHROME names, or what the PATH has; None where there is none.
PROGRAM = print_site.browser_program()
NONE_FOUND = "no browser: none on the PATH, and CHROME is not set"


@contextmanager
def launched():
    """Launch it, and close it in the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, as in most containers, Chromium starts without its sandbox only.
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
