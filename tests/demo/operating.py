"""The operator at his page: looks at orders, gives money back, settles what does not fit."""

from __future__ import annotations

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
        """WeChat Pay tells of a second payment of a paid order."""
        self.enter()
        paid = self.fetch(f"{self.shop}/api/operator/orders/{order}")["order"]
        second = {
            "mchid": paid["merchant"],
            "appid": paid["application"],
            "out_trade_no": order,
            "transaction_id": "4200000000000000000000000002",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": "2025-06-08T10:34:56+08:00",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": {"total": paid["amount"], "payer_total": paid["amount"], "currency": "CNY", "payer_currency": "CNY"},
        }
        event = {"event_type": "TRANSACTION.SUCCESS", "original_type": "transaction", "notify_url": f"{self.shop}/notify/wechat", "resource": second}
        self.fetch(f"{self.sandbox}/sandbox/notifications", event)
        raised = f"#exception-list [data-order='{order}']"
        self.wait(f'document.querySelector("{raised}")', "the exception on the operator's page")
        self.driver.find_element(By.CSS_SELECTOR, f"{raised} input[name=note]").send_keys("重复的一笔已在商户平台退回")
        self.picture("operator-exception")
        self.click(f"{raised} form button")
        self.wait(f'!document.querySelector("{raised}")', "the end of the exception")
        file = self.fetch(f"{self.shop}/api/operator/orders/{order}")
        if file["order"]["state"] != "paid" or file["exceptions"][0]["kind"] != "second_transaction" or not file["exceptions"][0]["resolution"]:
            fail(f"a resolved exception leaves {file['order']['state']}, {file['exceptions']}")
        kept("a second payment waits for the operator, who settles it")
