// The shop's page. It asks its own server for everything, and calls an order paid only when the server does:
// what the browser, the cashier or wx.requestPayment say about money proves nothing. The server knows from the verified callback.

const POLL_MS = 400;

const texts = {
  zh: {
    shop: "小店", other: "English", price: "价格", how: "付款方式",
    native: "微信支付 · 扫码", nativeHint: "Native：用微信扫一扫二维码",
    jsapi: "微信内支付", jsapiHint: "JSAPI：和小程序一样调起收银台",
    scan: "请用微信扫一扫付款。", cashier: "手边没有手机？打开收银台", qr: "付款二维码",
    waiting: "等待付款…", back: "换一种方式", thanks: "付款成功，谢谢惠顾。",
    amount: "实付", order: "订单号", transaction: "微信支付单号", again: "再买一份",
    note: "本页连接的是本机的模拟微信支付，不会产生真实扣款。", unreachable: "无法连接商店，请稍后再试。", dismissed: "收银台已关闭，尚未付款。",
  },
  en: {
    shop: "shop", other: "中文", price: "Price", how: "How would you like to pay?",
    native: "WeChat Pay · QR code", nativeHint: "Native: scan the code with WeChat",
    jsapi: "Pay inside WeChat", jsapiHint: "JSAPI: calls up the cashier like a mini-program",
    scan: "Scan with WeChat to pay.", cashier: "No phone at hand? Open the cashier", qr: "Payment QR code",
    waiting: "Waiting for the payment…", back: "Pay another way", thanks: "Paid. Thank you!",
    amount: "Paid", order: "Order", transaction: "WeChat Pay transaction", again: "Buy another",
    note: "This page talks to a simulated WeChat Pay on this machine. No real money moves.",
    unreachable: "The shop cannot be reached. Please try again.", dismissed: "The cashier was closed; nothing has been paid.",
  },
};

const element = (id) => document.getElementById(id);
const main = document.querySelector("main");
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let product;
let order; // the one on the page; a poll that belongs to another one stops

function say() {
  const text = texts[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `payseal · ${text.shop}`;
  for (const part of document.querySelectorAll("[data-text]")) part.textContent = text[part.dataset.text];
  element("language").textContent = text.other;
  element("language").lang = language === "zh" ? "en" : "zh-CN";
  element("qr").alt = text.qr;
  if (product) show(product);
}

const yuan = (fen) => new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" }).format(fen / 100);

function show({ name, description, price_fen }) {
  element("name").textContent = name;
  element("description").textContent = description;
  element("price").textContent = yuan(price_fen);
}

function enter(state) {
  main.dataset.state = state;
  element("native").disabled = element("jsapi").disabled = state !== "ready";
  element("status").textContent = { paying: texts[language].waiting, paid: texts[language].thanks }[state] ?? "";
}

function fail(error) {
  element("error").textContent = error instanceof TypeError ? texts[language].unreachable : error.message;
}

async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.outcome ? `${body.error} (${body.outcome})` : body.error);
  return body;
}

async function buy(method) {
  element("error").textContent = "";
  enter("loading");
  try {
    order = await ask("/api/orders", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ method }) });
    document.querySelector(".code").hidden = method !== "native";
    if (method === "native") {
      element("qr").src = `/api/orders/${order.id}/qr`;
      element("cashier").href = order.code_url;
    }
    main.dataset.order = order.id;
    enter("paying");
    follow(order);
    if (method === "jsapi") await callCashier(order.invoke);
  } catch (error) {
    fail(error);
    if (main.dataset.state !== "paid") enter("ready");
  }
}

/** Asks for the order until it is paid or another one has taken its place. */
async function follow(mine) {
  while (order === mine) {
    try {
      const now = await ask(`/api/orders/${mine.id}`);
      if (order !== mine) return;
      element("error").textContent = "";
      if (now.state === "paid") return paid(now);
    } catch (error) {
      fail(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function paid({ id, amount_fen, transaction_id }) {
  order = undefined;
  element("amount").textContent = yuan(amount_fen);
  element("order").textContent = id;
  element("transaction").textContent = transaction_id;
  main.dataset.paidAt = Date.now();
  enter("paid");
  element("again").focus();
}

/** Inside WeChat `wx` is there already; here the sandbox's script defines it. */
async function callCashier(invoke) {
  if (!window.wx) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${product.sandbox}/sandbox/wx.js`;
      script.onload = resolve;
      script.onerror = () => reject(new TypeError("wx.js"));
      document.head.append(script);
    });
  }
  window.wx.requestPayment({
    ...invoke,
    fail: ({ errMsg }) => {
      if (main.dataset.state !== "paying") return;
      element("error").textContent = errMsg.includes("cancel") ? texts[language].dismissed : errMsg;
    },
  });
}

function leave() {
  order = undefined;
  element("error").textContent = "";
  enter("ready");
}

element("language").onclick = () => { language = language === "zh" ? "en" : "zh"; say(); };
element("native").onclick = () => buy("native");
element("jsapi").onclick = () => buy("jsapi");
element("cancel").onclick = leave;
element("again").onclick = leave;

say();
try {
  product = await ask("/api/product");
  say();
  enter("ready");
} catch (error) {
  fail(error);
}
