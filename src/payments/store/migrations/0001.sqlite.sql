CREATE TABLE payseal_orders (
  order_no TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  provider TEXT NOT NULL,
  method TEXT NOT NULL,
  merchant TEXT NOT NULL,
  sub_merchant TEXT,
  application TEXT,
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL,
  version INTEGER NOT NULL,
  transaction_id TEXT,
  refunding INTEGER NOT NULL,
  refunded INTEGER NOT NULL,
  request TEXT NOT NULL,
  client TEXT,
  refusal TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  paid_ms INTEGER,
  due_ms INTEGER,
  polls INTEGER NOT NULL
) STRICT;
CREATE INDEX payseal_orders_due ON payseal_orders (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX payseal_orders_created ON payseal_orders (created_ms, order_no);

CREATE TABLE payseal_refunds (
  refund_no TEXT NOT NULL PRIMARY KEY,
  order_no TEXT NOT NULL,
  amount INTEGER NOT NULL,
  state TEXT NOT NULL,
  version INTEGER NOT NULL,
  refund_id TEXT,
  request TEXT NOT NULL,
  refusal TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  due_ms INTEGER,
  polls INTEGER NOT NULL
) STRICT;
CREATE INDEX payseal_refunds_due ON payseal_refunds (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX payseal_refunds_order ON payseal_refunds (order_no);

CREATE TABLE payseal_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_no TEXT NOT NULL,
  refund_no TEXT,
  at_ms INTEGER NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  source TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX payseal_history_order ON payseal_history (order_no, id);

CREATE TABLE payseal_exceptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  evidence_key TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  order_no TEXT NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  resolved_ms INTEGER,
  resolution TEXT
) STRICT;
CREATE INDEX payseal_exceptions_order ON payseal_exceptions (order_no);
CREATE INDEX payseal_exceptions_open ON payseal_exceptions (id) WHERE resolved_ms IS NULL;

CREATE TABLE payseal_inbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_key BLOB NOT NULL,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  order_no TEXT NOT NULL,
  source TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  envelope TEXT NOT NULL,
  plaintext BLOB NOT NULL,
  fact TEXT,
  received_ms INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  budget INTEGER,
  ended_ms INTEGER,
  reason TEXT
) STRICT;
-- The key alone is unique; behind the order's number it is found near those that came just before, as most numbers are counted up. A hash alone would
-- change a page of its own for each event.
CREATE UNIQUE INDEX payseal_inbox_key ON payseal_inbox (order_no, event_key);
CREATE INDEX payseal_inbox_due ON payseal_inbox (due_ms, id) WHERE state = 0;
CREATE INDEX payseal_inbox_ended ON payseal_inbox (state, ended_ms) WHERE state <> 0;

CREATE TABLE payseal_outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  order_no TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  budget INTEGER,
  ended_ms INTEGER,
  reason TEXT
) STRICT;
CREATE INDEX payseal_outbox_due ON payseal_outbox (due_ms, id) WHERE state = 0;
CREATE INDEX payseal_outbox_ended ON payseal_outbox (state, ended_ms) WHERE state <> 0;
