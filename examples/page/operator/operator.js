// The operator's page, the same for all shops: it shows what payseal's payments know, as the shop's /api/operator hands it out, and changes nothing by
// itself. What comes from providers and payers is shown as text.
import { texts } from "./texts.js";

const REFRESH_MS = 2000;
const REASON = 80; // characters of a dead letter's reason that are shown at first

const element = (id) => document.getElementById(id);
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let orders = []; // those in the list, newest first
let opened; // the number of the order in the dialog

const text = () => texts[language];
const word = (group, name) => text()[group][name] ?? name;

/** An element with attributes (on… are listeners) and children; strings are text and nothing else. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

const money = (fen, currency = "CNY") =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(fen / 100);
const time = (ms) => (ms == null ? "" : new Date(ms).toLocaleString(document.documentElement.lang, { hourCycle: "h23", timeZoneName: "short" }));
const state = (name) => make("span", { class: `state ${name}` }, word("states", name));

/** What a person types as yuan, exactly: "0.01" is 1. */
function fen(yuan) {
  const parts = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(yuan.trim());
  return parts && Number(parts[1]) * 100 + Number((parts[2] ?? "").padEnd(2, "0"));
}

function table(heads, rows) {
  if (rows.length === 0) return make("p", { class: "none" }, text().none);
  const head = heads.map((name) => make("th", { class: name === "amount" ? "number" : null }, text().columns[name] ?? ""));
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

const row = (...cells) => make("tr", {}, ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : make("td", {}, cell ?? ""))));
const number = (shown) => make("td", { class: "number" }, shown);
const moment = (ms) => make("td", { class: "time" }, time(ms));
const json = (value) => make("pre", {}, JSON.stringify(value, null, 2));
const more = (summary, value) => make("details", {}, make("summary", {}, summary), json(value));

class Refused extends Error {
  constructor(status, { error, outcome }) {
    super(outcome ? `${error} (${outcome})` : error);
    this.status = status;
  }
}

async function ask(path, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`../api/operator/${path}`, { cache: "no-store", ...options });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

const why = (error) => (error instanceof TypeError ? text().unreachable : error.message);

function fail(error) {
  element("error").textContent = why(error);
}

/** Draws only what has changed, so that nothing disappears under who is writing. */
const drawn = new WeakMap();
function draw(target, data, drawing) {
  const seen = language + JSON.stringify(data);
  if (drawn.get(target) === seen) return;
  drawn.set(target, seen);
  target.replaceChildren(...[drawing(data)].flat());
}

/** A form whose button sends once; then all is looked at anew. */
function form(button, send, ...fields) {
  const press = make("button", { class: "primary" }, button);
  const said = make("p", { class: "error", role: "alert" });
  const made = make("form", {}, ...fields, press, said);
  made.onsubmit = async (event) => {
    event.preventDefault();
    press.disabled = true;
    said.textContent = "";
    try {
      await send(new FormData(made));
      await refresh();
    } catch (error) {
      said.textContent = why(error);
    } finally {
      press.disabled = false;
    }
  };
  return made;
}

function stats({ orders, inbox, exceptions }) {
  const count = (label, value, bad) => make("li", { class: bad && value > 0 ? "bad" : null }, make("strong", {}, String(value)), make("span", {}, label));
  return [
    ...Object.keys(text().states).filter((name) => name in orders).map((name) => count(text().stats.orders(word("states", name)), orders[name])),
    count(text().stats.waiting, inbox.waiting),
    count(text().stats.dead, inbox.dead, true),
    count(text().stats.exceptions, exceptions, true),
  ];
}

/** What was told, beside what was ordered. */
function comparison({ fact, order }) {
  const names = ["account", "merchant", "application", "amount", "currency", "transaction_id"];
  const shown = (name, value) => (value == null ? "—" : name === "amount" ? money(value) : String(value));
  const rows = names.filter((name) => fact?.[name] != null).map((name) => {
    const differs = order?.[name] != null && order[name] !== fact[name];
    return row(word("facts", name), shown(name, order?.[name]), make("td", { class: differs ? "differs" : null }, shown(name, fact[name])));
  });
  return rows.length === 0 ? null : make("div", { class: "wide compare" }, table(["what", "ordered", "told"], rows));
}

/** The open exceptions, and their orders by number as they are now; one that came for no order has none. */
let waiting = { exceptions: [], orders: {} };

/** Nothing but another exception, or the end of one, changes an order in doubt: its orders are asked for when the exceptions are others. */
async function openExceptions() {
  const { exceptions } = await ask("exceptions");
  if (JSON.stringify(exceptions) === JSON.stringify(waiting.exceptions)) return waiting;
  const numbers = new Set(exceptions.filter(({ kind }) => kind !== "unknown_order").map(({ order_no }) => order_no));
  const files = await Promise.all([...numbers].map((number) => ask(`orders/${encodeURIComponent(number)}`)));
  waiting = { exceptions, orders: Object.fromEntries(files.map(({ order }) => [order.order_no, order])) };
  return waiting;
}

/** What an exception may make of its order. A person has to say where no payment of the order's own does. */
function choices(order, fact) {
  if (order?.state !== "exception" || order.transaction_id) return [];
  return fact?.of === "payment" && fact.state === "paid" ? ["paid", "closed"] : ["closed"];
}

function exception({ id, order_no, kind, source, at_ms, evidence }, order) {
  const offered = choices(order, evidence?.fact).map((name) => make("label", { class: "choice" },
    make("input", { type: "radio", name: "state", value: name, required: true }),
    make("span", {}, make("strong", {}, word("states", name)), " ", text().means[name])));
  return make("article", { class: "exception", "data-order": order_no, "data-kind": kind },
    make("h3", {}, word("kinds", kind)),
    make("p", { class: "muted" }, `${time(at_ms)} · ${word("sources", source)} · `, order ? link(order_no) : make("code", {}, order_no)),
    comparison(evidence),
    more(text().evidence, evidence),
    form(text().resolve,
      (given) => ask(`exceptions/${id}/resolve`, { note: given.get("note"), ...(given.get("state") && { state: given.get("state") }) }),
      offered.length > 0
        ? make("fieldset", {}, make("legend", {}, text().resolveAs), ...offered)
        : make("p", { class: "muted" }, !order ? text().means.noOrder : order.transaction_id ? text().means.asPaid : text().means.asItIs),
      make("label", { class: "grow" }, text().note, make("input", { name: "note", required: true, maxlength: 500, autocomplete: "off" }))));
}

/** A reason may be long; what does not fit a table is behind its beginning. */
function reasonOf(reason) {
  const characters = [...reason];
  if (characters.length <= REASON) return make("code", {}, reason);
  return make("details", { class: "reason" }, make("summary", {}, make("code", {}, `${characters.slice(0, REASON).join("")}…`)), make("pre", {}, reason));
}

function deadLetter({ id, kind, order_no, attempts, ended_ms, reason }) {
  const again = async () => {
    try {
      await ask(`dead-letters/${id}/redrive`, {});
      await refresh();
    } catch (error) {
      fail(error);
    }
  };
  return row(make("button", { type: "button", onclick: again }, text().redrive), moment(ended_ms), word("kinds", kind),
    order_no ? link(order_no) : "", number(String(attempts)), reasonOf(reason ?? ""));
}

const link = (order_no) => make("a", { href: `#${encodeURIComponent(order_no)}` }, make("code", {}, order_no));

function orderRow(order) {
  return row(link(order.order_no), `${word("accounts", order.account)} · ${order.method}`, number(money(order.amount, order.currency)),
    state(order.state), moment(order.created_ms));
}

function file({ order, client, refunds, history, exceptions }) {
  const fact = (name, shown) => make("div", {}, make("dt", {}, text().fields[name]), make("dd", {}, shown || "—"));
  const left = order.amount - order.refunded - order.refunding;
  const refundable = ["paid", "refunding", "partly_refunded"].includes(order.state) && left > 0;
  return [
    make("dl", { "data-state": order.state },
      fact("state", state(order.state)),
      fact("amount", money(order.amount, order.currency)),
      fact("subject", order.subject),
      fact("method", `${word("accounts", order.account)} · ${order.method}`),
      fact("transaction", order.transaction_id),
      fact("refunded", money(order.refunded, order.currency)),
      fact("created", time(order.created_ms)),
      fact("paid", time(order.paid_ms)),
      order.paid_ms == null ? fact("expires", time(order.expires_ms)) : null),
    order.refusal && make("p", { class: "error" }, order.refusal.message),
    make("h3", {}, text().history),
    make("div", { class: "wide", id: "history" }, table(["at", "from", "to", "source", "refund", ""], history.map((step) =>
      row(moment(step.at_ms), step.from ? state(step.from) : "", state(step.to), make("span", { "data-source": step.source }, word("sources", step.source)),
        step.refund_no && make("code", { class: "whole" }, step.refund_no), step.detail && more(text().detail, step.detail))))),
    make("h3", {}, text().refunds),
    make("div", { class: "wide", id: "refunds" }, table(["refund", "amount", "state", "at", ""], refunds.map((refund) =>
      row(make("code", { class: "whole" }, refund.refund_no), number(money(refund.amount, order.currency)), state(refund.state), moment(refund.updated_ms), refund.refusal?.message)))),
    refundable && form(text().giveBack,
      (given) => {
        const amount = fen(given.get("amount"));
        if (!amount) throw new Error(text().noAmount);
        if (amount > left) throw new Error(text().tooMuch(money(left, order.currency)));
        return ask(`orders/${encodeURIComponent(order.order_no)}/refund`, { amount });
      },
      make("label", {}, text().yuan(money(left, order.currency)), make("input", { name: "amount", inputmode: "decimal", required: true, value: (left / 100).toFixed(2), autocomplete: "off" }))),
    exceptions.length > 0 && make("h3", {}, text().itsExceptions),
    exceptions.length > 0 && make("div", { class: "wide" }, table(["at", "what", "resolution"], exceptions.map((each) =>
      row(moment(each.at_ms), word("kinds", each.kind), each.resolved_ms ? `${time(each.resolved_ms)} · ${each.resolution}` : text().open)))),
    client && more(text().client, client),
  ].filter(Boolean);
}

/** Each part for itself, so that one that fails does not keep the others from being fresh. */
async function refresh() {
  const parts = await Promise.allSettled([showOrders(), showExceptions(), showDead(), showFile()]);
  const failed = parts.find(({ status }) => status === "rejected");
  if (failed) fail(failed.reason);
  else element("error").textContent = "";
}

async function showOrders() {
  const filter = element("filter").value;
  const [counts, found] = await Promise.all([ask("stats"), ask(`orders${filter && `?state=${filter}`}`)]);
  draw(element("stats"), counts, stats);
  if (filter !== element("filter").value) return;
  // Those that were paged in stay below the newest.
  const oldest = found.orders.at(-1)?.created_ms ?? 0;
  orders = [...found.orders, ...orders.filter((order) => order.created_ms < oldest)];
  const all = filter ? (counts.orders[filter] ?? 0) : Object.values(counts.orders).reduce((sum, each) => sum + each, 0);
  element("more").hidden = orders.length >= all || element("more").dataset.ended === filter;
  drawOrders();
}

async function showExceptions() {
  const { exceptions, orders } = await openExceptions();
  const list = element("exception-list");
  element("all-fits").hidden = exceptions.length > 0;
  // Each has a place of its own that is not moved, so that one that comes or goes leaves the others to who is writing.
  const ids = new Set(exceptions.map(({ id }) => String(id)));
  for (const place of [...list.children]) if (!ids.has(place.dataset.id)) place.remove();
  exceptions.forEach((each, index) => {
    const next = list.children[index];
    const place = next?.dataset.id === String(each.id) ? next : make("div", { "data-id": each.id });
    if (place !== next) list.insertBefore(place, next ?? null);
    draw(place, [each, orders[each.order_no]], ([raised, order]) => exception(raised, order));
  });
}

async function showDead() {
  const { dead } = await ask("dead-letters");
  element("dead").hidden = dead.length === 0;
  draw(element("dead-list"), dead, (all) => table(["", "at", "what", "order", "attempts", "reason"], all.map(deadLetter)));
}

/** The order in the dialog. What is wrong with it is said there, for the page behind cannot be read. */
async function showFile() {
  const number = opened;
  if (!number) return;
  let wrong = "";
  try {
    const found = await ask(`orders/${encodeURIComponent(number)}`);
    if (number === opened) draw(element("detail"), found, file);
  } catch (error) {
    wrong = error.status === 404 ? text().noSuchOrder(number) : why(error);
  }
  if (number === opened) element("file-error").textContent = wrong;
}

function drawOrders() {
  draw(element("orders"), orders, (all) => table(["order", "method", "amount", "state", "created"], all.map(orderRow)));
}

element("more").onclick = async () => {
  const filter = element("filter").value;
  try {
    const { orders: older } = await ask(`orders?before_ms=${orders.at(-1).created_ms}${filter && `&state=${filter}`}`);
    orders = [...orders, ...older];
    if (older.length === 0) {
      element("more").dataset.ended = filter;
      element("more").hidden = true;
    }
    drawOrders();
  } catch (error) {
    fail(error);
  }
};

element("filter").onchange = () => {
  orders = [];
  delete element("more").dataset.ended;
  refresh();
};

function follow() {
  opened = decodeURIComponent(location.hash.slice(1)) || undefined;
  const dialog = element("file");
  if (!opened) return dialog.close();
  element("file-title").replaceChildren(`${text().order} `, make("code", {}, opened));
  element("file-error").textContent = "";
  element("detail").replaceChildren();
  drawn.delete(element("detail"));
  if (!dialog.open) dialog.showModal();
  refresh();
}

function say() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `payseal · ${text().title}`;
  for (const part of document.querySelectorAll("[data-text]")) part.textContent = text()[part.dataset.text];
  element("language").textContent = text().other;
  element("language").lang = language === "zh" ? "en" : "zh-CN";
  const chosen = element("filter").value;
  element("filter").replaceChildren(make("option", { value: "" }, text().all),
    ...Object.entries(text().states).filter(([name]) => !text().ofRefunds.includes(name)).map(([name, shown]) => make("option", { value: name }, shown)));
  element("filter").value = chosen;
}

element("language").onclick = () => {
  language = language === "zh" ? "en" : "zh";
  say();
  refresh();
};
element("close").onclick = () => element("file").close();
element("file").onclose = () => {
  if (location.hash) history.replaceState(null, "", location.pathname);
  opened = undefined;
};
addEventListener("hashchange", follow);

say();
await refresh();
if (location.hash) follow();
setInterval(() => document.hidden || refresh(), REFRESH_MS);
