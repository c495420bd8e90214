// The sandbox's stand-in for the WeChat client: `wx.requestPayment` as in a mini-program, and
// `WeixinJSBridge.invoke("getBrandWCPayRequest", …)` as in WeChat's browser. Load it from the sandbox;
// it has the parameters checked there, then opens the cashier over the page.
(() => {
  const sandbox = new URL(document.currentScript.src).origin;

  /** Shows the cashier; resolves to "paid", "cancelled", "closed" or "expired". */
  function openCashier(address) {
    return new Promise((resolve) => {
      const sheet = document.createElement("dialog");
      sheet.setAttribute("aria-label", "收银台 Cashier");
      sheet.style.cssText = "position:fixed;inset:auto 0 0;width:min(100%,27rem);height:min(100%,40rem);max-width:none;max-height:none;margin:0 auto;padding:0;border:0;background:transparent;overflow:hidden;color-scheme:light dark";
      const frame = document.createElement("iframe");
      frame.src = address;
      frame.title = "收银台 Cashier";
      frame.style.cssText = "display:block;width:100%;height:100%;border:0;background:transparent;color-scheme:light dark";
      sheet.append(frame);
      const close = (outcome) => {
        window.removeEventListener("message", heard);
        sheet.remove();
        resolve(outcome);
      };
      const heard = (event) => {
        if (event.origin === sandbox && event.source === frame.contentWindow && event.data?.cashier) close(event.data.cashier);
      };
      window.addEventListener("message", heard);
      sheet.addEventListener("cancel", (event) => { event.preventDefault(); close("cancelled"); });
      document.body.append(sheet);
      sheet.showModal();
    });
  }

  /** Resolves to "ok", "cancel", or the reason of a failure. */
  async function pay({ appId, timeStamp, nonceStr, package: prepay, signType, paySign }) {
    let checked;
    try {
      const answer = await fetch(`${sandbox}/sandbox/wx/request-payment`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ appId, timeStamp, nonceStr, package: prepay, signType, paySign }),
      });
      checked = await answer.json();
    } catch {
      return "the sandbox cannot be reached";
    }
    if (checked.error) return checked.error;
    const outcome = await openCashier(checked.cashier_url);
    return { paid: "ok", cancelled: "cancel" }[outcome] ?? outcome;
  }

  window.wx = Object.assign(window.wx ?? {}, {
    async requestPayment({ success, fail, complete, ...parameters }) {
      const result = await pay(parameters);
      const answer = { errMsg: result === "ok" ? "requestPayment:ok" : result === "cancel" ? "requestPayment:fail cancel" : `requestPayment:fail ${result}` };
      (result === "ok" ? success : fail)?.(answer);
      complete?.(answer);
    },
  });

  window.WeixinJSBridge = {
    async invoke(method, parameters, done) {
      if (method !== "getBrandWCPayRequest") return done?.({ err_msg: `${method}:fail not in the sandbox` });
      const result = await pay(parameters);
      const word = ["ok", "cancel"].includes(result) ? result : "fail";
      done?.({ err_msg: `get_brand_wcpay_request:${word}`, ...(word === "fail" && { err_desc: result }) });
    },
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
