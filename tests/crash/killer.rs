//! Sends notifications to the service, kills it, keeps the journal of what it has acknowledged, and compares in the end.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use payseal::Client;
use payseal::host::Host;
use payseal::payments::Payments;
use payseal::payments::store::{self, Statement, Store, Value};
use serde_json::{Value as Json, json};

use crate::steps::Death;
use crate::support::merchant::{APIV3_KEY, APPID, MCHID, config};
use crate::support::platform::{QUICK, envelope, sealed};

/// Past the capture of the test harness.
macro_rules! say {
    ($($said:tt)*) => {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{}\n", format_args!($($said)*)).as_bytes());
    };
}
pub(crate) use say;

/// So many notifications are on their way at once.
const ON_THE_WAY: usize = 12;
const AMOUNT: i64 = 8_888;

pub fn folder() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("payseal-crash-{}-{made}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

pub struct Killer {
    url: String,
    pub told: Json,
    pub journal: HashSet<String>,
    /// What was sent and not acknowledged.
    owed: Vec<usize>,
    next: usize,
    placed: usize,
    chance: u64,
}

fn statement(sql: impl Into<std::borrow::Cow<'static, str>>, values: Vec<Value>) -> Statement {
    Statement {
        sql: sql.into(),
        values,
        changes: None,
    }
}

fn opened(url: &str) -> Box<dyn Store> {
    store::open(url).unwrap()
}

/// The numbers of one column, each with how often it is there.
fn counted(store: &dyn Store, sql: &'static str) -> HashMap<String, usize> {
    let mut counted = HashMap::new();
    for row in store.rows(&statement(sql, vec![])).unwrap() {
        let Some(Value::Text(number)) = row.into_iter().next() else {
            panic!("a number");
        };
        *counted.entry(number).or_default() += 1;
    }
    counted
}

pub fn order_no(order: usize) -> String {
    format!("order{order:08}")
}

impl Killer {
    pub fn new(url: &str) -> Killer {
        let client = config(json!({ "retry": { "max_attempts": 1 } }));
        let payments = json!({ "store": url, "outbox": true });
        let told = json!({ "client": client, "payments": payments });
        let made = Client::new(client.to_string().as_bytes(), Host::default()).unwrap();
        drop(Payments::new(payments.to_string().as_bytes(), &[&made], Host::default()).unwrap());
        let store = opened(url);
        let deliveries =
            "CREATE TABLE deliveries (order_no VARCHAR(64) NOT NULL, event_id BIGINT NOT NULL)";
        store.transact(&[statement(deliveries, vec![])]).unwrap();
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Killer {
            url: url.to_owned(),
            told,
            journal: HashSet::new(),
            owed: Vec::new(),
            next: 0,
            placed: 0,
            chance: seed.as_nanos() as u64 | 1,
        }
    }

    /// Nobody works off what is taken in.
    pub fn accepts_only(&mut self) {
        self.told["workers"] = 0.into();
    }

    pub fn within(&mut self, most: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % most
    }

    /// Orders that wait for money, as many as the notifications will be.
    pub fn place(&mut self, orders: std::ops::Range<usize>) {
        self.placed = orders.end;
        let request =
            json!({ "order_no": "", "method": "native", "amount": AMOUNT, "subject": "一杯绿茶" });
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis() as i64;
        let text = |text: &str| Value::Text(text.into());
        let placed = orders.map(|order| {
            let sql = "INSERT INTO payseal_orders (order_no, account, provider, method, merchant, application, amount, currency, state, version, refunding, refunded, request, created_ms, updated_ms, expires_ms, polls) VALUES (?, 'wechat', 'wechat', 'native', ?, ?, ?, 'CNY', 'paying', 1, 0, 0, ?, ?, ?, ?, 0)";
            statement(sql, vec![
                text(&order_no(order)),
                text(MCHID),
                text(APPID),
                Value::Integer(AMOUNT),
                text(&request.to_string()),
                Value::Integer(now),
                Value::Integer(now),
                Value::Integer(now + 3_600_000),
            ])
        });
        let placed: Vec<Statement> = placed.collect();
        opened(&self.url).transact(&placed).unwrap();
    }

    /// The line that brings the notification of this order's payment.
    fn line(order: usize) -> String {
        let number = order_no(order);
        let said = json!({
            "mchid": MCHID, "appid": APPID, "out_trade_no": number, "trade_state": "SUCCESS",
            "transaction_id": format!("4200{order:024}"), "trade_type": "NATIVE",
            "success_time": "2023-11-15T06:13:20+08:00",
            "amount": { "total": AMOUNT, "payer_total": AMOUNT, "currency": "CNY" },
        });
        let resource = sealed(
            APIV3_KEY,
            "fdasflkja484",
            "transaction",
            said.to_string().as_bytes(),
        );
        let mut event = envelope(resource);
        event["id"] = format!("EV-{order:020}").into();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let signed = QUICK.signed_at(&now.to_string(), event.to_string());
        let body = String::from_utf8(signed.body.clone()).unwrap();
        json!({ "order_no": number, "headers": signed.lines(), "body": body }).to_string()
    }

    /// Kills the service so many times; `between` may do more, told which life of it has ended. Then everything is compared.
    pub fn run(mut self, kills: usize, mut between: impl FnMut(usize)) {
        let begun = Instant::now();
        let mut in_beginning = 0;
        for life in 0..kills {
            let mut service = Service::start(&self.told, &[]);
            // Some do not live to begin.
            if life % 10 == 9 {
                let short = self.within(120);
                std::thread::sleep(Duration::from_millis(short));
                in_beginning += 1;
            } else if self.ready(&mut service) {
                let span = Duration::from_millis(5 + self.within(45));
                self.talk(&mut service, span, usize::MAX);
            }
            service.kill();
            self.drain(&service);
            between(life);
        }
        self.finish(
            &format!("{kills} kills ({in_beginning} in the beginning)"),
            begun,
        );
    }

    /// The service dies by itself before and after each of its first writes, in one life after another. Then everything is compared.
    pub fn run_to_each_step(mut self, steps: u64) {
        let begun = Instant::now();
        let mut died = 0;
        for step in 1..=steps {
            for moment in ["before", "after"] {
                let at = (Death::VARIABLE, format!("{moment} {step}"));
                let mut service = Service::start(&self.told, &[at]);
                if self.ready(&mut service) {
                    self.talk(&mut service, Duration::from_secs(2), 8);
                }
                died += u64::from(service.has_ended());
                service.kill();
                self.drain(&service);
            }
        }
        assert_eq!(died, 2 * steps, "every step is one at which it dies");
        self.finish(&format!("{died} deaths at each step"), begun);
    }

    fn finish(mut self, what: &str, begun: Instant) {
        let mut service = Service::start(&self.told, &[]);
        assert!(self.ready(&mut service));
        let until = Instant::now() + Duration::from_secs(60);
        while !self.owed.is_empty() {
            assert!(
                Instant::now() < until,
                "{} are never acknowledged",
                self.owed.len()
            );
            self.talk(&mut service, Duration::from_millis(500), 0);
        }
        service.end();
        let effects = self.compare();
        say!(
            "{what}, {} acknowledged, 0 lost, {effects} effects, 0 twice, {:.0} s",
            self.journal.len(),
            begun.elapsed().as_secs_f64()
        );
    }

    pub fn ready(&mut self, service: &mut Service) -> bool {
        matches!(service.said.recv_timeout(Duration::from_secs(20)), Ok(line) if line == "ready")
    }

    /// Sends what is owed and `most` more, and notes what is acknowledged, so long after the first answer, or until nothing is left.
    pub fn talk(&mut self, service: &mut Service, lasts: Duration, mut most: usize) {
        let mut waiting: HashMap<String, usize> = HashMap::new();
        let mut again = self.owed.clone();
        let mut until = None;
        loop {
            while waiting.len() < ON_THE_WAY && (!again.is_empty() || most > 0) {
                let order = match again.pop() {
                    Some(order) => order,
                    // Now and then one that was acknowledged comes again.
                    None if self.next > 0 && self.within(20) == 0 => {
                        self.within(self.next as u64) as usize
                    }
                    None => {
                        if self.next == self.placed {
                            self.place(self.next..self.next + 500);
                        }
                        self.next += 1;
                        most -= 1;
                        self.next - 1
                    }
                };
                if waiting.insert(order_no(order), order).is_some() {
                    continue;
                }
                if !self.owed.contains(&order) && !self.journal.contains(&order_no(order)) {
                    self.owed.push(order);
                }
                if !service.send(&Killer::line(order)) {
                    return;
                }
            }
            if waiting.is_empty() {
                return;
            }
            let left = until.map_or(Duration::from_secs(20), |until: Instant| {
                until.saturating_duration_since(Instant::now())
            });
            match service.said.recv_timeout(left) {
                Ok(line) => {
                    if let Some(number) = self.note(&line) {
                        until = until.or(Some(Instant::now() + lasts));
                        waiting.remove(&number);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// What it is about, if it is an answer.
    fn note(&mut self, line: &str) -> Option<String> {
        let (verdict, number) = line.split_once(' ')?;
        if verdict == "acknowledged" {
            self.journal.insert(number.to_owned());
            self.owed.retain(|order| order_no(*order) != number);
        }
        ["acknowledged", "refused"]
            .contains(&verdict)
            .then(|| number.to_owned())
    }

    /// What it still had said before it died.
    pub fn drain(&mut self, service: &Service) {
        while let Ok(line) = service.said.recv_timeout(Duration::from_secs(20)) {
            self.note(&line);
        }
    }

    pub fn lost_in(&self, url: &str) -> Vec<String> {
        let kept = counted(&*opened(url), "SELECT order_no FROM payseal_inbox");
        let is_lost = |number: &&String| !kept.contains_key(*number);
        self.journal.iter().filter(is_lost).cloned().collect()
    }

    fn compare(&self) -> usize {
        let lost = self.lost_in(&self.url);
        assert!(
            lost.is_empty(),
            "{}: acknowledged and lost: {lost:?}",
            self.url
        );
        let store = opened(&self.url);
        let kept = counted(&*store, "SELECT order_no FROM payseal_inbox");
        let twice = |counted: &HashMap<String, usize>| -> Vec<String> {
            counted
                .iter()
                .filter(|(_, times)| **times != 1)
                .map(|(number, _)| number.clone())
                .collect()
        };
        for (what, sql) in [
            (
                "events",
                "SELECT order_no FROM payseal_inbox WHERE state = 1",
            ),
            ("deliveries", "SELECT order_no FROM deliveries"),
            (
                "messages",
                "SELECT order_no FROM payseal_outbox WHERE topic = 'payment.paid'",
            ),
            (
                "orders",
                "SELECT order_no FROM payseal_orders WHERE state = 'paid'",
            ),
            (
                "transitions",
                "SELECT order_no FROM payseal_history WHERE to_state = 'paid'",
            ),
        ] {
            let counted = counted(&*store, sql);
            assert_eq!(
                twice(&counted),
                Vec::<String>::new(),
                "{what} that are there twice"
            );
            let missing: Vec<&String> = kept
                .keys()
                .filter(|number| !counted.contains_key(*number))
                .collect();
            assert!(
                missing.is_empty() && counted.len() == kept.len(),
                "{what} that are missing: {missing:?}"
            );
        }
        kept.len()
    }
}

/// The program of [`crate::service`], and what it says.
pub struct Service {
    child: Child,
    input: Option<std::process::ChildStdin>,
    pub said: Receiver<String>,
}

impl Service {
    pub fn start(told: &Json, environment: &[(&str, String)]) -> Service {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "alone_the_service", "--ignored", "--nocapture"])
            .env("PAYSEAL_CRASH", told.to_string())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stderr.take().unwrap());
        let (tell, said) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Service { child, input, said }
    }

    fn send(&mut self, line: &str) -> bool {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).is_ok()
    }

    /// Whether it dies within seconds.
    fn has_ended(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Nothing comes any more: it works off what is there.
    pub fn end(mut self) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        let said: Vec<String> = self.said.iter().collect();
        assert!(status.success(), "{said:?}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
