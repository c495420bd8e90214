// The sandbox's stand-in for the WeChat client: `wx.requestPayment` and `wx.requestMerchantTransfer` as in a
// mini-program, `WeixinJSBridge.invoke` of "getBrandWCPayRequest" and "requestMerchantTransfer" as in WeChat's
// browser. Load it from the sandbox; it has the parameters checked there, then opens the page over yours.
(() => {
  const sandbox = new URL(document.currentScript.src).origin;

  /** Shows a page of the sandbox; resolves to what it tells: "paid", "cancelled", "SUCCESS" and so on. */
  function openSheet(address, title) {
    return new Promise((resolve) => {
      const sheet = document.createElement("dialog");
      sheet.setAttribute("aria-label", title);
      sheet.style.cssText = "position:fixed;inset:auto 0 0;width:min(100%,27rem);height:min(100%,40rem);max-width:none;max-height:none;margin:0 auto;padding:0;border:0;background:transparent;overflow:hidden;color-scheme:light dark";
      const frame = document.createElement("iframe");
      frame.src = address;
      frame.title = title;
      frame.style.cssText = "display:block;width:100%;height:100%;border:0;background:transparent;color-scheme:light dark";
      sheet.append(frame);
      const close = (outcome) => {
        window.removeEventListener("message", heard);
        sheet.remove();
        resolve(outcome);
      };
      const heard = (event) => {
        const outcome = event.data?.cashier ?? event.data?.transfer;
        if (event.origin === sandbox && event.source === frame.contentWindow && outcome) close(outcome);
      };
      window.addEventListener("message", heard);
      sheet.addEventListener("cancel", (event) => { event.preventDefault(); close("cancelled"); });
      document.body.append(sheet);
      sheet.showModal();
    });
  }

  /** Has parameters checked; resolves to the sandbox's answer, or to an error as it would tell it. */
  async function check(path, parameters) {
    try {
      const answer = await fetch(`${sandbox}/sandbox/wx/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(parameters),
      });
      return await answer.json();
    } catch {
      return { error: "the sandbox cannot be reached" };
    }
  }

  /** Resolves to "ok", "cancel", or the reason of a failure. */
  async function pay({ appId, timeStamp, nonceStr, package: prepay, signType, paySign }) {
    const checked = await check("request-payment", { appId, timeStamp, nonceStr, package: prepay, signType, paySign });
    if (checked.error) return checked.error;
    const outcome = await openSheet(checked.cashier_url, "收银台 Cashier");
    return { paid: "ok", cancelled: "cancel" }[outcome] ?? outcome;
  }

  /** The same for money that a merchant gives. */
  async function receive({ mchId, appId, package: packageInfo }) {
    const checked = await check("request-merchant-transfer", { mchId, appId, package: packageInfo });
    if (checked.error) return checked.error;
    const outcome = await openSheet(checked.transfer_url, "收款 Receive");
    return { SUCCESS: "ok", TAKING_EFFECT: "ok", TRANSFERING: "ok", cancelled: "cancel" }[outcome] ?? outcome;
  }

  const answered = (method, result) => ({ errMsg: result === "ok" ? `${method}:ok` : result === "cancel" ? `${method}:fail cancel` : `${method}:fail ${result}` });
  const asked = (method, act) => async ({ success, fail, complete, ...parameters }) => {
    const result = await act(parameters);
    const answer = answered(method, result);
    (result === "ok" ? success : fail)?.(answer);
    complete?.(answer);
  };

  window.wx = Object.assign(window.wx ?? {}, {
    requestPayment: asked("requestPayment", pay),
    requestMerchantTransfer: asked("requestMerchantTransfer", receive),
  });

  const BRIDGED = { getBrandWCPayRequest: ["get_brand_wcpay_request", pay], requestMerchantTransfer: ["requestMerchantTransfer", receive] };
  window.WeixinJSBridge = {
    async invoke(method, parameters, done) {
      const [name, act] = BRIDGED[method] ?? [];
      if (!act) return done?.({ err_msg: `${method}:fail not in the sandbox` });
      const result = await act(parameters);
      const word = ["ok", "cancel"].includes(result) ? result : "fail";
      done?.({ err_msg: `${name}:${word}`, ...(word === "fail" && { err_desc: result }) });
    },
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
