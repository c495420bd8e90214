//! Metrics as Prometheus text and log records as JSON. Nothing secret, no raw body, and never an order number in a label.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use once_cell::race::OnceBox;
use serde_json::{Map, Value};

use crate::catalogue;
use crate::host::{Host, Level};

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const OUTCOMES: [&str; 6] = [
    "ok",
    "not_sent",
    "rejected",
    "unknown",
    "unauthentic",
    "malformed",
];
/// The label of operations that are not in the catalogue.
const OTHER: &str = "other";

/// Counters of one client. Lock-free, so that a forked child can go on counting.
pub(crate) struct Metrics {
    provider: &'static str,
    /// One place an operation of the catalogue, in the order of names, then one for all others; filled when first used.
    operations: Vec<(&'static str, OnceBox<[Series; OUTCOMES.len()]>)>,
    notifications: [AtomicU64; OUTCOMES.len()],
    refreshes: [AtomicU64; OUTCOMES.len()],
}

#[derive(Default)]
struct Series {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Metrics {
    pub fn new(provider: &'static str) -> Metrics {
        let names = catalogue::operations(provider)
            .map(|operation| operation.name)
            .chain([OTHER]);
        Metrics {
            provider,
            operations: names.map(|name| (name, OnceBox::new())).collect(),
            notifications: Default::default(),
            refreshes: Default::default(),
        }
    }

    pub fn request(&self, operation: &str, outcome: &str, time: Duration) {
        let other = self.operations.len() - 1;
        let at = self.operations[..other]
            .binary_search_by_key(&operation, |(name, _)| name)
            .unwrap_or(other);
        let (_, place) = &self.operations[at];
        let series = &place.get_or_init(Default::default)[index(outcome)];
        if let Some(bucket) = BOUNDS.iter().position(|bound| time.as_secs_f64() <= *bound) {
            series.buckets[bucket].fetch_add(1, Relaxed);
        }
        series.count.fetch_add(1, Relaxed);
        series.sum_us.fetch_add(time.as_micros() as u64, Relaxed);
    }

    pub fn notification(&self, outcome: &str) {
        self.notifications[index(outcome)].fetch_add(1, Relaxed);
    }

    pub fn refresh(&self, outcome: &str) {
        self.refreshes[index(outcome)].fetch_add(1, Relaxed);
    }

    /// Prometheus text format 0.0.4. `circuits` are the hosts and whether their breaker is open.
    pub fn text<'a>(&self, circuits: impl Iterator<Item = (&'a str, bool)>) -> String {
        let mut text = String::new();
        self.requests(&mut text)
            .and_then(|()| self.durations(&mut text))
            .and_then(|()| self.others(&mut text, circuits))
            .expect("writing to a String does not fail");
        text
    }

    fn series(&self) -> impl Iterator<Item = (String, &Series)> {
        self.operations
            .iter()
            .filter_map(|(name, place)| Some((name, place.get()?)))
            .flat_map(move |(name, outcomes)| {
                OUTCOMES
                    .iter()
                    .zip(outcomes)
                    .filter(|(_, series)| series.count.load(Relaxed) > 0)
                    .map(move |(outcome, series)| {
                        (
                            format!(
                                "provider=\"{}\",operation=\"{name}\",outcome=\"{outcome}\"",
                                self.provider
                            ),
                            series,
                        )
                    })
            })
    }

    fn requests(&self, text: &mut String) -> std::fmt::Result {
        head(
            text,
            "payseal_requests_total",
            "counter",
            "Calls by what became of them.",
        )?;
        self.series().try_for_each(|(labels, series)| {
            writeln!(
                text,
                "payseal_requests_total{{{labels}}} {}",
                series.count.load(Relaxed)
            )
        })
    }

    fn durations(&self, text: &mut String) -> std::fmt::Result {
        head(
            text,
            "payseal_request_duration_seconds",
            "histogram",
            "Time of calls, with all their attempts.",
        )?;
        for (labels, series) in self.series() {
            let mut below = 0;
            for (bound, bucket) in BOUNDS.iter().zip(&series.buckets) {
                below += bucket.load(Relaxed);
                writeln!(
                    text,
                    "payseal_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {below}"
                )?;
            }
            let count = series.count.load(Relaxed);
            writeln!(
                text,
                "payseal_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {count}"
            )?;
            writeln!(
                text,
                "payseal_request_duration_seconds_sum{{{labels}}} {}",
                series.sum_us.load(Relaxed) as f64 / 1e6
            )?;
            writeln!(
                text,
                "payseal_request_duration_seconds_count{{{labels}}} {count}"
            )?;
        }
        Ok(())
    }

    fn others<'a>(
        &self,
        text: &mut String,
        circuits: impl Iterator<Item = (&'a str, bool)>,
    ) -> std::fmt::Result {
        let counters = [
            (
                "payseal_notifications_total",
                "Notifications opened or refused.",
                &self.notifications,
            ),
            (
                "payseal_key_refreshes_total",
                "Fetches of the platform's keys.",
                &self.refreshes,
            ),
        ];
        for (name, help, counts) in counters {
            head(text, name, "counter", help)?;
            for (outcome, count) in OUTCOMES
                .iter()
                .zip(counts)
                .filter(|(_, count)| count.load(Relaxed) > 0)
            {
                writeln!(
                    text,
                    "{name}{{provider=\"{}\",outcome=\"{outcome}\"}} {}",
                    self.provider,
                    count.load(Relaxed)
                )?;
            }
        }
        head(
            text,
            "payseal_circuit_open",
            "gauge",
            "1 while the circuit breaker of a host is open.",
        )?;
        for (host, open) in circuits {
            writeln!(
                text,
                "payseal_circuit_open{{provider=\"{}\",host=\"{host}\"}} {}",
                self.provider,
                u8::from(open)
            )?;
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn index(outcome: &str) -> usize {
    OUTCOMES
        .iter()
        .position(|name| *name == outcome)
        .unwrap_or(0)
}

/// One log record under construction. Costs nothing where nobody listens.
pub(crate) struct Record<'a> {
    host: &'a Host,
    level: Level,
    fields: Option<Map<String, Value>>,
}

impl<'a> Record<'a> {
    pub fn new(host: &'a Host, level: Level, event: &str) -> Record<'a> {
        let fields = host.log.is_some().then(|| {
            let mut fields = Map::new();
            fields.insert("level".into(), level.name().into());
            fields.insert("event".into(), event.into());
            if let Ok(now) = host.clock.now_ms() {
                fields.insert("ts_ms".into(), now.into());
            }
            fields
        });
        Record {
            host,
            level,
            fields,
        }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(fields) = &mut self.fields {
            fields.insert(key.into(), value.into());
        }
        self
    }

    pub fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub fn write(self) {
        if let (Some(log), Some(fields)) = (&self.host.log, self.fields) {
            log.log(self.level, &Value::Object(fields).to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_operation_and_outcome() {
        let metrics = Metrics::new("wechat");
        let name = "POST /v3/pay/transactions/jsapi";
        metrics.request(name, "ok", Duration::from_millis(30));
        metrics.request(name, "ok", Duration::from_secs(60));
        metrics.request(
            "GET /v3/not/catalogued/4200001",
            "unknown",
            Duration::from_millis(1),
        );
        let text = metrics.text([("https://a", true)].into_iter());
        let labels = format!("provider=\"wechat\",operation=\"{name}\",outcome=\"ok\"");
        for line in [
            format!("payseal_requests_total{{{labels}}} 2"),
            format!("payseal_request_duration_seconds_bucket{{{labels},le=\"0.025\"}} 0"),
            format!("payseal_request_duration_seconds_bucket{{{labels},le=\"0.05\"}} 1"),
            format!("payseal_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            format!("payseal_request_duration_seconds_sum{{{labels}}} 60.03"),
            "payseal_requests_total{provider=\"wechat\",operation=\"other\",outcome=\"unknown\"} 1"
                .into(),
            "payseal_circuit_open{provider=\"wechat\",host=\"https://a\"} 1".into(),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(
            !text.contains("4200001"),
            "a label never grows with the data"
        );
    }
}
