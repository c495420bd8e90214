//! Faults on demand: which, where, and how many times more.

use serde::{Deserialize, Serialize};

use crate::alipay;
use crate::signing::Spoiling;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Delay,
    ResetBefore,
    ResetAfter,
    #[serde(rename = "html_500")]
    Html500,
    #[serde(rename = "html_502")]
    Html502,
    SystemError,
    RateLimit,
    Redirect,
    TruncatedBody,
    WrongAnswer,
    WrongSignature,
    UnknownSerial,
    StaleTime,
    Signtest,
    Unsigned,
    DuplicateSignature,
    RotateCertificate,
    WrongKey,
    Duplicate,
    Reorder,
    RefundAbnormal,
    RefundClosed,
}

/// Faults of one group exclude each other in one exchange; of different groups they add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    Delay,
    Rotation,
    /// What comes over the wire.
    Outcome,
    Duplicate,
    Reorder,
    Settlement,
}

impl Kind {
    pub const ALL: [Self; 22] = [
        Self::Delay,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Html500,
        Self::Html502,
        Self::SystemError,
        Self::RateLimit,
        Self::Redirect,
        Self::TruncatedBody,
        Self::WrongAnswer,
        Self::WrongSignature,
        Self::UnknownSerial,
        Self::StaleTime,
        Self::Signtest,
        Self::Unsigned,
        Self::DuplicateSignature,
        Self::RotateCertificate,
        Self::WrongKey,
        Self::Duplicate,
        Self::Reorder,
        Self::RefundAbnormal,
        Self::RefundClosed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Html500 => "html_500",
            Self::Html502 => "html_502",
            Self::SystemError => "system_error",
            Self::RateLimit => "rate_limit",
            Self::Redirect => "redirect",
            Self::TruncatedBody => "truncated_body",
            Self::WrongAnswer => "wrong_answer",
            Self::WrongSignature => "wrong_signature",
            Self::UnknownSerial => "unknown_serial",
            Self::StaleTime => "stale_time",
            Self::Signtest => "signtest",
            Self::Unsigned => "unsigned",
            Self::DuplicateSignature => "duplicate_signature",
            Self::RotateCertificate => "rotate_certificate",
            Self::WrongKey => "wrong_key",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::RefundAbnormal => "refund_abnormal",
            Self::RefundClosed => "refund_closed",
        }
    }

    pub fn group(self) -> Group {
        match self {
            Self::Delay => Group::Delay,
            Self::RotateCertificate => Group::Rotation,
            Self::Duplicate => Group::Duplicate,
            Self::Reorder => Group::Reorder,
            Self::RefundAbnormal | Self::RefundClosed => Group::Settlement,
            _ => Group::Outcome,
        }
    }

    pub fn for_answers(self) -> bool {
        !matches!(
            self,
            Self::WrongKey
                | Self::Duplicate
                | Self::Reorder
                | Self::RefundAbnormal
                | Self::RefundClosed
        )
    }

    pub fn for_notifications(self) -> bool {
        self.spoiling() != Spoiling::None
            || matches!(
                self,
                Self::Delay
                    | Self::ResetBefore
                    | Self::TruncatedBody
                    | Self::RotateCertificate
                    | Self::WrongKey
                    | Self::Duplicate
                    | Self::Reorder
            )
    }

    /// Faults that replace the answer altogether.
    pub fn replaces_answer(self) -> bool {
        matches!(
            self,
            Self::Html500 | Self::Html502 | Self::SystemError | Self::RateLimit | Self::Redirect
        )
    }

    pub fn spoiling(self) -> Spoiling {
        match self {
            Self::WrongSignature => Spoiling::WrongSignature,
            Self::UnknownSerial => Spoiling::UnknownSerial,
            Self::StaleTime => Spoiling::StaleTime,
            Self::Signtest => Spoiling::SignTest,
            Self::Unsigned => Spoiling::Unsigned,
            Self::DuplicateSignature => Spoiling::DuplicateSignature,
            _ => Spoiling::None,
        }
    }
}

pub const NOTIFICATION: &str = "notification";
pub const REFUND: &str = "refund";
const EVERYTHING: &str = "/v3/";

/// What `POST /sandbox/faults` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    pub fault: Kind,
    /// `"POST /v3/…/{placeholder}"`, a path prefix `"/v3/…"`, `"notification"` or `"refund"`.
    pub target: Option<String>,
    pub out_trade_no: Option<String>,
    /// How often it strikes; 0: until it is cleared. Default 1.
    pub times: Option<u32>,
    /// Of a delay or a held-back notification.
    pub ms: Option<u64>,
    /// Of faults that replace the answer: whether the request takes effect nevertheless.
    #[serde(default)]
    pub processed: bool,
}

#[derive(Clone, Serialize)]
pub struct Fault {
    pub id: u64,
    pub fault: Kind,
    pub target: String,
    pub out_trade_no: Option<String>,
    /// How often it will strike yet; none: until it is cleared.
    pub remaining: Option<u32>,
    pub struck: u32,
    pub ms: u64,
    pub processed: bool,
}

impl Fault {
    fn is_for(&self, place: &Place) -> bool {
        let target = match place {
            Place::Answer {
                operation, path, ..
            } => {
                *operation == Some(self.target.as_str())
                    || (self.target.starts_with('/') && path.starts_with(&self.target))
            }
            Place::Notification { .. } => self.target == NOTIFICATION,
            Place::Refund { .. } => self.target == REFUND,
        };
        target
            && self
                .out_trade_no
                .as_deref()
                .is_none_or(|number| place.out_trade_no() == Some(number))
    }
}

/// Where a fault may strike.
pub enum Place<'a> {
    Answer {
        operation: Option<&'a str>,
        path: &'a str,
        out_trade_no: Option<&'a str>,
    },
    Notification {
        out_trade_no: &'a str,
    },
    Refund {
        out_trade_no: &'a str,
    },
}

impl Place<'_> {
    fn out_trade_no(&self) -> Option<&str> {
        match self {
            Self::Answer { out_trade_no, .. } => *out_trade_no,
            Self::Notification { out_trade_no } | Self::Refund { out_trade_no } => {
                Some(out_trade_no)
            }
        }
    }
}

#[derive(Default)]
pub struct Faults {
    faults: Vec<Fault>,
    count: u64,
}

impl Faults {
    pub fn set(&mut self, wish: Wish, operations: &[&str]) -> Result<Fault, String> {
        let kind = wish.fault;
        let target = wish
            .target
            .unwrap_or_else(|| default_target(kind).to_owned());
        let fits = match target.as_str() {
            NOTIFICATION => kind.for_notifications(),
            REFUND => kind.group() == Group::Settlement,
            path if path.starts_with("/v3") || path == alipay::GATEWAY => kind.for_answers(),
            operation if operations.contains(&operation) => kind.for_answers(),
            _ => {
                return Err(format!(
                    "target: {target} is neither an operation of this sandbox, nor a path below /v3, nor /gateway.do, nor \"notification\", nor \"refund\""
                ));
            }
        };
        // The signature of gateway v2 has no time that could be old.
        let timeless = target == alipay::GATEWAY || alipay::names().contains(&target.as_str());
        let fits = fits && !(timeless && kind == Kind::StaleTime);
        if !fits {
            return Err(format!(
                "target: the fault {} cannot strike {target}",
                kind.name()
            ));
        }
        if wish.processed && !kind.replaces_answer() {
            return Err(format!(
                "processed: the fault {} does not replace an answer",
                kind.name()
            ));
        }
        let ms = match (kind, wish.ms) {
            (Kind::Delay, None) => return Err("ms: a delay needs its length".into()),
            (Kind::Delay | Kind::Reorder, Some(ms)) if ms > 600_000 => {
                return Err("ms: at most 600000".into());
            }
            (Kind::Delay | Kind::Reorder, Some(ms)) => ms,
            (Kind::Reorder, None) => 10_000,
            (_, Some(_)) => return Err(format!("ms: the fault {} has no length", kind.name())),
            (_, None) => 0,
        };
        self.count += 1;
        let fault = Fault {
            id: self.count,
            fault: kind,
            target,
            out_trade_no: wish.out_trade_no,
            remaining: match wish.times {
                Some(0) => None,
                times => Some(times.unwrap_or(1)),
            },
            struck: 0,
            ms,
            processed: wish.processed,
        };
        self.faults.push(fault.clone());
        Ok(fault)
    }

    /// The faults that strike here and now: of every group the oldest that has strikes left.
    pub fn strike(&mut self, place: &Place, groups: &[Group]) -> Vec<Fault> {
        let mut struck: Vec<Fault> = Vec::new();
        for fault in &mut self.faults {
            let group = fault.fault.group();
            let taken = struck.iter().any(|other| other.fault.group() == group);
            if taken
                || !groups.contains(&group)
                || fault.remaining == Some(0)
                || !fault.is_for(place)
            {
                continue;
            }
            fault.remaining = fault.remaining.map(|left| left - 1);
            fault.struck += 1;
            struck.push(fault.clone());
        }
        struck
    }

    pub fn all(&self) -> &[Fault] {
        &self.faults
    }

    pub fn clear(&mut self) {
        self.faults.clear();
    }

    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|fault| fault.id != id);
        self.faults.len() < before
    }
}

fn default_target(kind: Kind) -> &'static str {
    match kind {
        Kind::RefundAbnormal | Kind::RefundClosed => REFUND,
        kind if kind.for_answers() => EVERYTHING,
        _ => NOTIFICATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wish(value: serde_json::Value) -> Wish {
        serde_json::from_value(value).unwrap()
    }

    fn native(out_trade_no: &str) -> Place<'_> {
        Place::Answer {
            operation: Some("POST /v3/pay/transactions/native"),
            path: "/v3/pay/transactions/native",
            out_trade_no: Some(out_trade_no),
        }
    }

    #[test]
    fn every_kind_has_the_name_it_is_asked_by() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_one_of_a_group_at_a_time() {
        let mut faults = Faults::default();
        faults
            .set(wish(json!({ "fault": "html_502", "times": 1 })), &[])
            .unwrap();
        faults
            .set(wish(json!({ "fault": "wrong_signature", "times": 2 })), &[])
            .unwrap();
        faults
            .set(wish(json!({ "fault": "delay", "ms": 5, "times": 0 })), &[])
            .unwrap();
        let groups = [Group::Delay, Group::Rotation, Group::Outcome];
        let mut struck = || {
            faults
                .strike(&native("order-0001"), &groups)
                .iter()
                .map(|fault| fault.fault.name())
                .collect::<Vec<_>>()
        };
        assert_eq!(struck(), ["html_502", "delay"]);
        assert_eq!(struck(), ["wrong_signature", "delay"]);
        assert_eq!(struck(), ["wrong_signature", "delay"]);
        assert_eq!(struck(), ["delay"]);
    }

    #[test]
    fn a_fault_strikes_only_its_target_and_its_order() {
        let mut faults = Faults::default();
        faults
            .set(
                wish(json!({ "fault": "rate_limit", "target": "/v3/refund" })),
                &[],
            )
            .unwrap();
        faults
            .set(
                wish(json!({ "fault": "unsigned", "out_trade_no": "order-0002" })),
                &[],
            )
            .unwrap();
        faults
            .set(
                wish(json!({ "fault": "unsigned", "target": "notification" })),
                &[],
            )
            .unwrap();
        assert!(
            faults
                .strike(&native("order-0001"), &[Group::Outcome])
                .is_empty()
        );
        assert_eq!(
            faults
                .strike(&native("order-0002"), &[Group::Outcome])
                .len(),
            1
        );
    }

    #[test]
    fn a_fault_that_cannot_be_is_refused_by_its_field() {
        let mut faults = Faults::default();
        let mut refused = |value| {
            faults
                .set(wish(value), &["GET /v3/certificates"])
                .err()
                .unwrap()
        };
        assert!(refused(json!({ "fault": "delay" })).starts_with("ms:"));
        assert!(refused(json!({ "fault": "signtest", "ms": 1 })).starts_with("ms:"));
        assert!(
            refused(json!({ "fault": "signtest", "processed": true })).starts_with("processed:")
        );
        assert!(refused(json!({ "fault": "reorder", "target": "/v3/" })).starts_with("target:"));
        assert!(
            refused(json!({ "fault": "html_500", "target": "notification" }))
                .starts_with("target:")
        );
        assert!(
            refused(json!({ "fault": "delay", "ms": 1, "target": "GET /v3/nothing" }))
                .starts_with("target:")
        );
    }
}
