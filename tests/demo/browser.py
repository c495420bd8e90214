"""Buys something four times in headless Chromium, as a person would: with WeChat Pay by the QR code and by the JSAPI button, with Alipay by the
QR code and on Alipay's page. Then the operator looks at what was bought, gives money back and settles what does not fit or was given up.

Usage: browser.py --shop URL --sandbox URL --wechat CONFIG --screenshots FOLDER

DATABASE_URL names the shop's database.

Prints one line `check: …` for each promise kept, writes a screenshot of each stage, and ends with `demo: paid, callback verified, N ms`.
N is the time from the moment at which the sandbox had the shop's 2xx for its notification (the shop answers so only after payseal has
verified and decrypted it) to the moment at which the shop's page showed "paid" by itself; of the purchases, the slowest one.
Anything that does not go as it should ends with one line on standard error and status 1.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import zxingcpp
from operating import Operator
from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from visitor import WAIT_S, Broken, Visitor, browser, fail, kept

MOST_MS = 2000  # "within two seconds of the callback"


class Buyer(Visitor):
    """One person with a browser: the shop in one tab, the cashier in another."""

    def __init__(self, driver: Chrome, shop: str, sandbox: str, screenshots: Path) -> None:
        super().__init__(driver, shop, sandbox, screenshots)
        self.bought: dict[str, str] = {}  # the orders' numbers, by method

    def state(self, state: str) -> None:
        self.wait(f"document.querySelector('main').dataset.state === '{state}'", f"the state '{state}' of the shop's page")

    def enter_shop(self) -> None:
        self.driver.get(self.shop)
        self.state("ready")
        price = json.load(urllib.request.urlopen(f"{self.shop}/api/product", timeout=WAIT_S))["price_fen"]
        if not self.text("#name") or f"{price / 100:.2f}" not in self.text("#price"):
            fail(f"the page shows '{self.text('#name')}' for '{self.text('#price')}'")
        self.picture("shop")
        kept("the page shows the product and its price")

    def speak_english(self) -> None:
        chinese = self.text("#native")
        self.click("#language")
        if self.text("#native") == chinese or self.driver.execute_script("return document.documentElement.lang") != "en":
            fail("the page does not change its language")
        self.picture("english")
        self.click("#language")
        kept("the page speaks Chinese and English")

    def scan(self) -> str:
        """The address in the QR code, read off the screen as a phone would."""
        self.wait("document.getElementById('qr').complete && document.getElementById('qr').naturalWidth > 0", "the QR code")
        seen = Image.open(io.BytesIO(self.driver.find_element(By.ID, "qr").screenshot_as_png))
        codes = [code.text for code in zxingcpp.read_barcodes(seen)]
        if len(codes) != 1:
            fail(f"the page shows {len(codes)} readable QR codes")
        return str(codes[0])

    def pay_by_code(self, method: str) -> int:
        self.choose(method)
        self.state("paying")
        address = self.scan()
        self.picture(f"{method}-code")
        if address != self.driver.find_element(By.ID, "cashier").get_attribute("href"):
            fail("the QR code and the link beside it lead to different places")
        if not address.startswith(self.sandbox):
            fail(f"the QR code leads to {address}")
        kept(f"a QR code leads to the cashier ({method})")

        shop_tab = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.driver.get(address)
        self.press_pay(f"{method}-cashier")
        self.driver.close()
        self.driver.switch_to.window(shop_tab)
        took = self.turns_to_paid(method)
        self.picture(f"{method}-paid")
        return took

    def pay_by_button(self) -> int:
        self.choose("jsapi")
        self.state("paying")
        self.cashier_in_page()
        self.press_pay("jsapi-cashier")
        self.driver.switch_to.default_content()
        took = self.turns_to_paid("jsapi")
        self.wait("!document.querySelector('iframe')", "the end of the cashier")
        self.picture("jsapi-paid")
        return took

    def pay_on_page(self) -> None:
        """Alipay's page takes the place of the shop's, and sends the buyer back to it."""
        self.choose("page")
        self.press_pay("page-cashier")
        if not self.driver.current_url.startswith(self.sandbox):
            fail(f"the buyer pays at {self.driver.current_url}")
        self.wait("document.getElementById('return')", "the way back to the shop")
        self.click("#return")
        self.says_what_is_paid()
        address = self.driver.current_url
        if address != f"{self.shop}/?order={self.order()}":
            fail(f"the buyer comes back to {address}")
        self.callback_accepted(self.order())
        self.picture("page-paid")
        kept("Alipay's page sends the buyer back to the order, which is paid")
        self.click("#again")
        self.state("ready")
        if self.driver.current_url != f"{self.shop}/":
            fail("the page still names the order that is paid")

    def choose(self, method: str) -> None:
        if self.driver.execute_script("return document.querySelector('main').dataset.state") == "paid":
            self.click("#again")
        self.state("ready")
        self.click(f"#{method}")

    def cashier_in_page(self) -> None:
        """wx.requestPayment lays the cashier over the page."""
        self.wait("document.querySelector('iframe')", "the cashier over the shop's page")
        self.driver.switch_to.frame(self.driver.find_element(By.TAG_NAME, "iframe"))

    def press_pay(self, picture: str) -> None:
        self.wait("document.getElementById('pay') && !document.getElementById('pay').disabled", "the cashier's pay button")
        self.picture(picture)
        self.click("#pay")

    def turns_to_paid(self, method: str) -> int:
        """Without a touch: the callback arrives, the shop verifies it, the page shows it."""
        self.bought[method] = self.order()
        accepted = self.callback_accepted(self.order())
        self.says_what_is_paid()
        shown = int(self.driver.execute_script("return document.querySelector('main').dataset.paidAt"))
        took = max(0, shown - accepted)
        if took > MOST_MS:
            fail(f"the page has turned to paid {took} ms after the callback; {MOST_MS} are promised")
        kept(f"the page turns to paid by itself {took} ms after the callback ({method})")
        return took

    def order(self) -> str:
        return str(self.driver.execute_script("return document.querySelector('main').dataset.order"))

    def says_what_is_paid(self) -> None:
        self.state("paid")
        if self.order() not in self.text("#order") or not self.text("#transaction"):
            fail("the page says paid without order or transaction number")

    def callback_accepted(self, order: str) -> int:
        """When the shop had answered the notification with 2xx, in milliseconds since 1970."""
        deadline = time.monotonic() + WAIT_S
        attempts: list[Any] = []
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"{self.sandbox}/sandbox/notifications?out_trade_no={order}", timeout=WAIT_S) as answer:
                now, deliveries = time.time(), json.load(answer)
            if any(delivery["state"] == "delivered" for delivery in deliveries):
                return int(now * 1000)
            attempts = [attempt for delivery in deliveries for attempt in delivery["attempts"]]
            time.sleep(0.02)
        fail(f"the shop does not accept the notification of order {order}: {json.dumps(attempts[-1:], ensure_ascii=False)}")

    def look_behind(self) -> None:
        """The sandbox's debugging view: what happened is there, and what a caller sent is text and nothing else."""
        script = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
        body = json.dumps({"description": script, "out_trade_no": "<b>bold</b>"}).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", "X-Script": script}
        request = urllib.request.Request(f"{self.sandbox}/v3/pay/transactions/native", body, headers)
        try:
            urllib.request.urlopen(request, timeout=WAIT_S)
            fail("a request without Authorization is accepted")
        except urllib.error.HTTPError as error:
            if error.code != 401:
                fail(f"a request without Authorization is answered with {error.code}")
        with urllib.request.urlopen(f"{self.sandbox}/sandbox/exchanges?brief=true&number=bold", timeout=WAIT_S) as answer:
            refused = json.load(answer)[0]["id"]
        self.driver.get(f"{self.sandbox}/exchanges")
        self.wait(f"document.querySelector('#list a[href=\"#{refused}\"]')", "the refused request in the debugging view")
        title = self.driver.title
        # The list is drawn anew whenever something happens, so an element of it is not held on to.
        told = self.driver.execute_script("return document.getElementById('list').textContent")
        if "TRANSACTION.SUCCESS" not in told or "trade_status_sync.TRADE_SUCCESS" not in told:
            fail("the debugging view does not show the callbacks")
        self.driver.execute_script("document.querySelector(arguments[0]).click()", f'#list a[href="#{refused}"]')
        self.wait("document.querySelector('#detail .why')", "the reason of the refusal")
        self.picture("debugging-view")
        shown = self.driver.execute_script("return document.getElementById('detail').textContent")
        if script not in shown or script.replace('"', '\\"') not in shown or self.driver.title != title:
            fail("the debugging view does not show a script as text")
        if self.driver.find_elements(By.CSS_SELECTOR, "main script, main img, main b b, #list b"):
            fail("the debugging view makes elements of what a caller sent")
        kept("the debugging view shows what a caller sent as text")


def metrics_are_served(shop: str, provider: str) -> None:
    with urllib.request.urlopen(f"{shop}/metrics/{provider}", timeout=WAIT_S) as answer:
        text = answer.read().decode()
    if f'payseal_requests_total{{provider="{provider}"' not in text:
        fail(f"the shop's /metrics/{provider} does not count requests")
    kept(f"the shop's metrics count the requests ({provider})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("--wechat", type=Path, required=True)
    parser.add_argument("--screenshots", type=Path, required=True)
    given = parser.parse_args()
    for old in given.screenshots.glob("*.png"):
        old.unlink()
    try:
        with browser(given.screenshots) as driver:
            buyer = Buyer(driver, given.shop, given.sandbox, given.screenshots)
            buyer.enter_shop()
            buyer.speak_english()
            took = max(buyer.pay_by_code("native"), buyer.pay_by_button(), buyer.pay_by_code("precreate"))
            buyer.pay_on_page()
            buyer.fits_a_phone()
            operator = Operator(driver, given.shop, given.sandbox, given.screenshots)
            operator.sees_who_told(buyer.bought["precreate"])
            operator.gives_back(buyer.bought["native"])
            operator.settles_a_second_payment(buyer.bought["jsapi"])
            operator.says_what_an_order_is("paid")
            operator.says_what_an_order_is("closed")
            operator.goes_on_writing()
            operator.looks_into_a_dead_letter(os.environ["DATABASE_URL"], given.wechat)
            operator.fits_a_phone()
            buyer.look_behind()
            buyer.fits_a_phone()
            buyer.no_complaints()
        for provider in ("wechat", "alipay"):
            metrics_are_served(given.shop, provider)
    except (Broken, WebDriverException, OSError) as error:
        print(f"demo: failed: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return 1
    print(f"demo: paid, callback verified, {took} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
