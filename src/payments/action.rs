//! The actions by their names, as `docs/abi.md` lists them.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::params::Options;

use super::create::Create;
use super::given::Given;
use super::inquiry::OneOrder;
use super::refund::{CreateRefund, QueryRefund};
use super::tick::Tick;
use super::work::{Heard, Job, Turn, Work};
use super::{Shared, ack, claim, dead, queue, reading};

const NAMES: [&str; 20] = [
    "create",
    "query",
    "close",
    "refund",
    "query_refund",
    "tick",
    "order",
    "orders",
    "exceptions",
    "resolve",
    "report",
    "stats",
    "claim",
    "extend",
    "ack",
    "ack_statements",
    "nack",
    "dead",
    "dead_letters",
    "redrive",
];

pub(super) fn begin(
    shared: &Arc<Shared>,
    action: &str,
    params: &[u8],
    own_transport: bool,
) -> Result<Work> {
    let mut given = Given::parse(params)?;
    let options = Options::parse_for_payments(given.object("$")?)?;
    let job: Box<dyn Job> = match action {
        "create" => Box::new(Create::new(shared, given, options.clone())?),
        "query" => Box::new(OneOrder::new(shared, given, false)?),
        "close" => Box::new(OneOrder::new(shared, given, true)?),
        "refund" => Box::new(CreateRefund::new(shared, given)?),
        "query_refund" => Box::new(QueryRefund::new(shared, given)?),
        "tick" => Box::new(Tick::new(given)?),
        _ => Box::new(AtOnce {
            run: at_once(action)?,
            given: Some(given),
        }),
    };
    Ok(Work::new(shared.clone(), job, options, own_transport))
}

type Run = fn(&Shared, Given) -> Result<String>;

/// What only the store is asked for.
fn at_once(action: &str) -> Result<Run> {
    Ok(match action {
        "order" => reading::order,
        "orders" => reading::orders,
        "exceptions" => reading::exceptions,
        "resolve" => reading::resolve,
        "report" => reading::report,
        "stats" => reading::stats,
        "claim" => claim::claim,
        "extend" => queue::extend,
        "ack" => ack::ack,
        "ack_statements" => ack::ack_statements,
        "nack" => dead::nack,
        "dead" => dead::dead,
        "dead_letters" => dead::dead_letters,
        "redrive" => dead::redrive,
        _ => {
            return Err(Error::new(
                Code::UnknownOperation,
                format!(
                    "there is no action {action}; there are {}",
                    NAMES.join(", ")
                ),
            )
            .with_field("action"));
        }
    })
}

struct AtOnce {
    run: Run,
    given: Option<Given>,
}

impl Job for AtOnce {
    fn next(&mut self, _: Heard, shared: &Shared) -> Result<Turn> {
        let given = self
            .given
            .take()
            .ok_or_else(|| Error::new(Code::Internal, "an action ran twice"))?;
        (self.run)(shared, given).map(Turn::Give)
    }
}
