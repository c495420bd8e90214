// The shop's page. It asks its own server for everything, and calls an order paid only when the server does: what the browser, the cashier,
// wx.requestPayment or Alipay's return say about money proves nothing. The server knows from the verified callback, or because it has asked.

const POLL_MS = 400;

// A way to pay, by its provider's name, and whose it is.
const METHODS = { native: "wechat", jsapi: "wechat", precreate: "alipay", page: "alipay" };

// The states of an order whose money has come, whatever became of it since.
const PAID = ["paid", "refunding", "partly_refunded", "refunded"];

const texts = {
  zh: {
    shop: "小店", other: "English", price: "价格", how: "付款方式",
    wechat: "微信支付", native: "扫码支付", nativeHint: "Native：用微信扫一扫", jsapi: "微信内支付", jsapiHint: "JSAPI：同小程序一样调起收银台",
    alipay: "支付宝", precreate: "当面付扫码", precreateHint: "precreate：用支付宝扫一扫", page: "电脑网站支付", pageHint: "page.pay：跳转到支付宝",
    scan: { wechat: "请用微信扫一扫付款。", alipay: "请用支付宝扫一扫付款。" }, cashier: "手边没有手机？打开收银台", qr: "付款二维码",
    waiting: "等待付款…", back: "换一种方式", thanks: "付款成功，谢谢惠顾。",
    amount: "实付", order: "订单号", transaction: "交易号", again: "再买一份",
    note: "本页连接的是本机的模拟微信支付和支付宝，不会产生真实扣款。", unreachable: "无法连接商店，请稍后再试。", failed: "没有成功，请稍后再试。", dismissed: "收银台已关闭，尚未付款。",
  },
  en: {
    shop: "shop", other: "中文", price: "Price", how: "How would you like to pay?",
    wechat: "WeChat Pay", native: "QR code", nativeHint: "Native: scan with WeChat", jsapi: "Inside WeChat", jsapiHint: "JSAPI: as in a mini-program",
    alipay: "Alipay", precreate: "QR code", precreateHint: "precreate: scan with Alipay", page: "On Alipay's page", pageHint: "page.pay: there and back",
    scan: { wechat: "Scan with WeChat to pay.", alipay: "Scan with Alipay to pay." }, cashier: "No phone at hand? Open the cashier", qr: "Payment QR code",
    waiting: "Waiting for the payment…", back: "Pay another way", thanks: "Paid. Thank you!",
    amount: "Paid", order: "Order", transaction: "Transaction", again: "Buy another",
    note: "This page talks to a simulated WeChat Pay and Alipay on this machine. No real money moves.",
    unreachable: "The shop cannot be reached. Please try again.", failed: "That did not work. Please try again.", dismissed: "The cashier was closed; nothing has been paid.",
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
  element("scan").textContent = text.scan[main.dataset.provider];
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
  for (const method of Object.keys(METHODS)) element(method).disabled = state !== "ready";
  element("status").textContent = { paying: texts[language].waiting, paid: texts[language].thanks }[state] ?? "";
}

/** To the buyer in his language; what the shop itself said is for whoever helps him. */
function fail(error) {
  if (error instanceof TypeError) element("error").textContent = texts[language].unreachable;
  else complain(texts[language].failed, error.message);
}

function complain(said, technical) {
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = technical;
  element("error").replaceChildren(said, small);
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
    const { order: created, client } = await ask("/api/orders", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ method }) });
    if (client.kind === "qr") {
      element("qr").src = `/api/orders/${created.order_no}/qr`;
      element("cashier").href = client.code_url;
    }
    wait(created, client);
    if (client.kind === "invoke") await callCashier(client.params);
    if (client.kind === "redirect") location.assign(client.url);
  } catch (error) {
    fail(error);
    if (main.dataset.state !== "paid") enter("ready");
  }
}

/** The buyer is back from Alipay's page. That proves nothing, so the order is looked at like any other. */
async function comeBack(id) {
  try {
    const { order: mine } = await ask(`/api/orders/${encodeURIComponent(id)}`);
    wait(mine);
  } catch (error) {
    fail(error);
    enter("ready");
  }
}

function wait(mine, client) {
  order = mine;
  main.dataset.order = mine.order_no;
  main.dataset.provider = METHODS[mine.method];
  document.querySelector(".code").hidden = client?.kind !== "qr";
  say();
  enter("paying");
  follow(mine);
}

/** Asks for the order until it is paid or another one has taken its place. */
async function follow(mine) {
  while (order === mine) {
    try {
      const { order: now } = await ask(`/api/orders/${mine.order_no}`);
      if (order !== mine) return;
      element("error").textContent = "";
      if (PAID.includes(now.state)) return paid(now);
    } catch (error) {
      fail(error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function paid({ order_no, amount, transaction_id }) {
  order = undefined;
  element("amount").textContent = yuan(amount);
  element("order").textContent = order_no;
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
      if (errMsg.includes("cancel")) element("error").textContent = texts[language].dismissed;
      else complain(texts[language].failed, errMsg);
    },
  });
}

function leave() {
  order = undefined;
  history.replaceState(null, "", location.pathname);
  element("error").textContent = "";
  enter("ready");
}

element("language").onclick = () => { language = language === "zh" ? "en" : "zh"; say(); };
for (const method of Object.keys(METHODS)) element(method).onclick = () => buy(method);
element("cancel").onclick = leave;
element("again").onclick = leave;

say();
try {
  product = await ask("/api/product");
  say();
  const returned = new URLSearchParams(location.search).get("order");
  if (returned) await comeBack(returned);
  else enter("ready");
} catch (error) {
  fail(error);
}
