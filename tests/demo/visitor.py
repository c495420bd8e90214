"""A person with a headless Chromium: looks, clicks, and says in one line what was promised and not kept."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

WAIT_S = 20

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --no-default-browser-check "
    "--disable-background-networking --disable-component-update --disable-sync --disable-extensions --window-size=1100,820"
)


# The elements that text runs out of, or that have to be scrolled sideways. A wide table may be: it stands in a box of its own for that.
TOO_WIDE = """
return [...document.querySelectorAll("html, body *")]
  .filter((each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1 && !each.closest(".wide, svg, input, select"))
  .map((each) => each.outerHTML.slice(0, 120)).reverse()
"""


class Broken(Exception):
    """A promise that was not kept, in one line."""


def fail(message: str) -> NoReturn:
    raise Broken(message)


def kept(promise: str) -> None:
    print(f"check: {promise}", flush=True)


@contextmanager
def browser(folder: Path) -> Iterator[Chrome]:
    with tempfile.TemporaryDirectory(prefix="browser-", dir=folder, ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        for flag in [*FLAGS.split(), f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": "zh-CN,zh,en"})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options, Service(shutil.which("chromedriver")))
        try:
            driver.set_page_load_timeout(WAIT_S)
            yield driver
        finally:
            driver.quit()


class Visitor:
    """Whoever looks at the shop's pages."""

    def __init__(self, driver: Chrome, shop: str, sandbox: str, screenshots: Path) -> None:
        self.driver, self.shop, self.sandbox, self.screenshots = driver, shop, sandbox, screenshots

    def wait(self, condition: str, what: str) -> Any:
        """Until the JavaScript expression is true; its value."""
        try:
            return WebDriverWait(self.driver, WAIT_S, 0.02).until(lambda driver: driver.execute_script(f"return {condition}"))
        except TimeoutException:
            error = self.driver.execute_script("return document.getElementById('error')?.textContent")
            self.picture("failed")
            fail(f"{what} does not happen within {WAIT_S} s" + (f"; the page says: {error}" if error else ""))

    def click(self, selector: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def picture(self, name: str) -> None:
        self.driver.save_screenshot(str(self.screenshots / f"{len(list(self.screenshots.glob('*.png'))) + 1}-{name}.png"))

    def complaints(self) -> list[str]:
        """What the browser has complained about since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call]

    def no_complaints(self) -> None:
        complaints = self.complaints()
        if complaints:
            fail(f"the browser complains: {complaints[0]}")
        kept("the browser has nothing to complain about")

    def fits_a_phone(self) -> None:
        self.driver.set_window_size(500, 900)
        wide = self.driver.execute_script(TOO_WIDE)
        self.picture("narrow")
        if wide:
            fail(f"in a narrow window more is in {wide[0]} than it is wide")
        kept("the page fits a narrow window")

    def fetch(self, address: str, body: Any = None) -> Any:
        """The JSON at an address; with a body it is posted."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(address, data, {"Content-Type": "application/json"}), timeout=WAIT_S) as answer:
            return json.load(answer)
