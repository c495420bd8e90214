CREATE TABLE IF NOT EXISTS payseal_orders (
  order_no VARCHAR(128) NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  provider TEXT NOT NULL,
  method TEXT NOT NULL,
  merchant TEXT NOT NULL,
  sub_merchant TEXT,
  application TEXT,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  transaction_id TEXT,
  refunding BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  request MEDIUMTEXT NOT NULL,
  client MEDIUMTEXT,
  refusal MEDIUMTEXT,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  paid_ms BIGINT,
  due_ms BIGINT,
  polls BIGINT NOT NULL,
  INDEX payseal_orders_due (due_ms),
  INDEX payseal_orders_created (created_ms, order_no)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payseal_refunds (
  refund_no VARCHAR(128) NOT NULL PRIMARY KEY,
  order_no VARCHAR(128) NOT NULL,
  amount BIGINT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  refund_id TEXT,
  request MEDIUMTEXT NOT NULL,
  refusal MEDIUMTEXT,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  due_ms BIGINT,
  polls BIGINT NOT NULL,
  INDEX payseal_refunds_due (due_ms),
  INDEX payseal_refunds_order (order_no)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payseal_history (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_no VARCHAR(128) NOT NULL,
  refund_no VARCHAR(128),
  at_ms BIGINT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  source TEXT NOT NULL,
  detail MEDIUMTEXT NOT NULL,
  INDEX payseal_history_order (order_no, id)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payseal_exceptions (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  evidence_key VARCHAR(128) NOT NULL,
  account TEXT NOT NULL,
  order_no VARCHAR(128) NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  evidence MEDIUMTEXT NOT NULL,
  resolved_ms BIGINT,
  resolution MEDIUMTEXT,
  UNIQUE INDEX payseal_exceptions_key (evidence_key),
  INDEX payseal_exceptions_order (order_no),
  INDEX payseal_exceptions_open (resolved_ms, id)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payseal_inbox (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_key VARBINARY(32) NOT NULL,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  order_no TEXT NOT NULL,
  source TEXT NOT NULL,
  headers MEDIUMTEXT NOT NULL,
  body MEDIUMBLOB NOT NULL,
  envelope MEDIUMTEXT NOT NULL,
  plaintext MEDIUMBLOB NOT NULL,
  fact MEDIUMTEXT,
  received_ms BIGINT NOT NULL,
  state BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  budget BIGINT,
  ended_ms BIGINT,
  reason MEDIUMTEXT,
  claim VARBINARY(16),
  was_due_ms BIGINT,
  UNIQUE INDEX payseal_inbox_key (event_key),
  INDEX payseal_inbox_due (state, due_ms, id),
  INDEX payseal_inbox_ended (state, ended_ms)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS payseal_outbox (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  topic TEXT NOT NULL,
  order_no TEXT NOT NULL,
  payload MEDIUMTEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  state BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  budget BIGINT,
  ended_ms BIGINT,
  reason MEDIUMTEXT,
  claim VARBINARY(16),
  was_due_ms BIGINT,
  INDEX payseal_outbox_due (state, due_ms, id),
  INDEX payseal_outbox_ended (state, ended_ms)
) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
