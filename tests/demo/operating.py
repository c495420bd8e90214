"""The operator at his page: looks at orders, gives money back, settles what does not fit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from second_process import leave_a_dead_letter
from selenium.webdriver.common.by import By
from visitor import Visitor, fail, kept


class Operator(Visitor):
    """Works at /operator/."""

    def enter(self) -> None:
        self.driver.set_window_size(1100, 900)
        self.driver.get(f"{self.shop}/operator/")
        self.wait("document.querySelectorAll('#orders tbody tr').length >= 4", "the list of what was bought")

    def open_order(self, order: str) -> None:
        self.enter()
        # The list is drawn anew whenever something happens, so an element of it is not held on to.
        self.driver.execute_script("document.querySelector(arguments[0]).click()", f'#orders a[href="#{order}"]')
        self.wait("document.querySelector('#detail dl')", f"order {order}")

    def shown_state(self, state: str) -> str:
        return f"document.querySelector('#detail dl')?.dataset.state === '{state}'"

    def sees_who_told(self, order: str) -> None:
        self.enter()
        self.picture("operator")
        self.open_order(order)
        self.wait("document.querySelector('#history [data-source=notification]')", "the notification in the order's history")
        steps = [step.text for step in self.driver.find_elements(By.CSS_SELECTOR, "#history td .state")]
        if not steps or not self.driver.execute_script("return document.querySelector('#history tr:last-child .state.paid')"):
            fail(f"the history of a paid order is {steps}")
        self.picture("operator-history")
        kept("the operator sees in the order's history that a notification has paid it")

    def gives_back(self, order: str) -> None:
        self.open_order(order)
        self.wait(self.shown_state("paid"), "the paid order")
        self.click("#detail form button")
        self.wait(self.shown_state("refunded"), "the refund")
        self.picture("operator-refunded")
        if self.fetch(f"{self.sandbox}/sandbox/orders/{order}")["refunds"] == []:
            fail("the page says refunded, and the provider knows of no refund")
        kept("the operator gives the money back and sees it refunded")

    def settles_a_second_payment(self, order: str) -> None:
        """WeChat Pay tells of a second payment of a paid order, which has to stay as its own payment says."""
        self.enter()
        paid = self.fetch(f"{self.shop}/api/operator/orders/{order}")["order"]
        self.tell_of_a_payment(paid, "4200000000000000000000000002", paid["amount"])
        raised = self.raised(order)
        if self.driver.find_elements(By.CSS_SELECTOR, f"{raised} input[name=state]"):
            fail("the page asks what an order is that has a payment")
        self.resolve(order, "operator-exception", "重复的一笔已在商户平台退回")
        file = self.fetch(f"{self.shop}/api/operator/orders/{order}")
        if file["order"]["state"] != "paid" or file["exceptions"][0]["kind"] != "second_transaction" or not file["exceptions"][0]["resolution"]:
            fail(f"a resolved exception leaves {file['order']['state']}, {file['exceptions']}")
        kept("a second payment waits for the operator, who settles it")

    def says_what_an_order_is(self, state: str) -> None:
        """Another amount is paid than was ordered: the order has no payment to go by, and only a person can say what it is."""
        self.enter()
        order = self.order_paid_with_another_amount()
        raised = self.raised(order)
        choices = self.driver.find_elements(By.CSS_SELECTOR, f"{raised} input[name=state]")
        if [choice.get_attribute("value") for choice in choices] != ["paid", "closed"] or any(choice.is_selected() for choice in choices):
            fail("the page does not leave it to the operator whether the order is paid or closed")
        self.driver.find_element(By.CSS_SELECTOR, f"{raised} input[name=note]").send_keys("已与买家联系")
        self.click(f"{raised} form button")
        if self.driver.execute_script(f'return document.querySelector("{raised} form").checkValidity()'):
            fail("the page lets an exception be resolved without a choice")
        self.click(f"{raised} input[value={state}]")
        self.resolve(order, f"operator-{state}", "")
        now = self.fetch(f"{self.shop}/api/operator/orders/{order}")["order"]["state"]
        if now != state:
            fail(f"the operator has said {state}, and the order is {now}")
        kept(f"the operator has to say what an order is that another amount was paid of, and it is ({state})")

    def goes_on_writing(self) -> None:
        """Another exception comes while the operator writes about one."""
        self.enter()
        first = self.order_paid_with_another_amount()
        raised = self.raised(first)
        self.click(f"{raised} input[value=closed]")
        self.driver.find_element(By.CSS_SELECTOR, f"{raised} input[name=note]").send_keys("已在商户")
        second = self.order_paid_with_another_amount()
        self.raised(second)
        self.driver.switch_to.active_element.send_keys("平台退回")
        if self.driver.execute_script(f'return document.querySelector("{raised} input[name=note]").value') != "已在商户平台退回":
            fail("what the operator writes is lost when another exception comes")
        self.resolve(first, "operator-writing", "")
        self.click(f"{self.raised(second)} input[value=closed]")
        self.resolve(second, "operator-second", "同上")
        kept("the operator goes on writing while another exception comes")

    def looks_into_a_dead_letter(self, database: str, config: Path) -> None:
        """Money came for an order that is not here, and the event about it could not be handled, for a reason that is long."""
        reason = "库存服务没有应答 the stock does not answer; " * 25
        self.enter()
        missing = "NOBODYS0"
        self.driver.execute_script("location.hash = arguments[0]", missing)
        self.wait(f"document.querySelector('#file[open] #file-error')?.textContent.includes('{missing}')", "what is wrong, in the dialog")
        self.picture("operator-no-such-order")
        order = leave_a_dead_letter(database, config, reason)
        self.wait("document.querySelector('#dead-list tbody tr')", "the dead letter, behind the dialog")
        if self.text("#error"):
            fail("an order that is not there keeps the page from being fresh")
        self.enter()
        complaints = [complaint for complaint in self.complaints() if f"/orders/{missing}" not in complaint]
        if complaints:
            fail(f"the browser complains: {complaints[0]}")
        kept("an address of an order that is not there says so, and the page goes on")

        raised = self.raised(order)
        if self.driver.find_elements(By.CSS_SELECTOR, f"{raised} input[name=state], {raised} a"):
            fail("the page offers what cannot be done with an order that is not there")
        self.resolve(order, "operator-nobodys", "不是本店的款项")
        kept("the operator writes a note to money for an order that is not there")

        self.wait("document.querySelector('#dead-list details')", "the dead letter")
        tall = self.driver.execute_script("return document.querySelector('#dead-list tbody tr').clientHeight")
        if tall > 150 or self.driver.execute_script("return document.querySelector('#dead-list pre').textContent") != reason[:1000]:
            fail(f"a long reason makes a row of {tall} pixels, or is not there")
        self.fits_a_phone()
        self.driver.execute_script("document.querySelector('#dead-list summary').click()")
        self.picture("operator-dead-letter")
        self.fits_a_phone()
        self.click("#dead-list button")
        self.wait("document.getElementById('dead').hidden", "the end of the dead letter")
        kept("the operator reads why a letter is dead, and redrives it")

    def order_paid_with_another_amount(self) -> str:
        """The number of a new order, of whose payment WeChat Pay tells an amount that was not ordered."""
        placed = self.fetch(f"{self.shop}/api/orders", {"method": "native"})["order"]
        self.tell_of_a_payment(placed, f"42{time.time_ns():026}", placed["amount"] + 150)
        return str(placed["order_no"])

    def tell_of_a_payment(self, order: Any, transaction: str, total: int) -> None:
        """WeChat Pay tells the shop that so much has been paid of an order."""
        fact = {
            "mchid": order["merchant"],
            "appid": order["application"],
            "out_trade_no": order["order_no"],
            "transaction_id": transaction,
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": "2025-06-08T10:34:56+08:00",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
        }
        event = {"event_type": "TRANSACTION.SUCCESS", "original_type": "transaction", "notify_url": f"{self.shop}/notify/wechat", "resource": fact}
        self.fetch(f"{self.sandbox}/sandbox/notifications", event)

    def raised(self, order: str) -> str:
        """The selector of the exception of an order, which is on the page."""
        raised = f"#exception-list [data-order='{order}']"
        self.wait(f'document.querySelector("{raised}")', "the exception on the operator's page")
        return raised

    def resolve(self, order: str, picture: str, note: str) -> None:
        raised = self.raised(order)
        self.driver.find_element(By.CSS_SELECTOR, f"{raised} input[name=note]").send_keys(note)
        self.picture(picture)
        self.click(f"{raised} form button")
        self.wait(f'!document.querySelector("{raised}")', "the end of the exception")
