//! The fault `wrong_answer`: a true answer becomes the equally true-looking answer about another trade.

use serde_json::Value;

use super::money::{fen, yuan};

pub fn mistake_for_another(node: &mut Value) {
    for name in [
        "out_trade_no",
        "trade_no",
        "out_request_no",
        "out_biz_no",
        "order_id",
        "qr_code",
    ] {
        if let Some(text) = node[name].as_str() {
            node[name] = other(text).into();
        }
    }
    for name in ["total_amount", "refund_amount", "trans_amount"] {
        if let Some(amount) = node[name].as_str().and_then(fen) {
            node[name] = yuan(amount + 100).into();
        }
    }
}

fn other(text: &str) -> String {
    match text.strip_suffix('0') {
        Some(kept) => format!("{kept}1"),
        None => text
            .chars()
            .take(text.chars().count().saturating_sub(1))
            .chain(['0'])
            .collect(),
    }
}
