//! What happens, in the order of simulated time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use payseal::call::{About, Delivered, Step, Steps};
use payseal::host::Host;
use payseal::payments::{Payments, Work};
use payseal::wire::{Failure, Response};
use payseal::{Client, Code, Error, Result};
use serde_json::{Value, json};

use super::chance::Chance;
use super::chaos::{Broken, Chaos};
use super::proof;
use crate::provider::{Fault, Provider};
use crate::store::database::Database;
use crate::support::host::World;
use crate::support::merchant::{NOW, config};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// After how many seconds the provider sends again what was not acknowledged.
const AGAIN_S: [i64; 15] = [
    15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
const WORKERS: usize = 3;
/// How long everything may go wrong.
const TROUBLED_MS: i64 = 4 * HOUR;
pub const PRICE: i64 = 8_888;

pub struct Course {
    pub database: Arc<Database>,
    pub provider: Arc<Mutex<Provider>>,
    chance: Chance,
    chaos: Chaos,
    broken: Broken,
    now_ms: i64,
    /// The provider's clock, which is right.
    world: World,
    workers: Vec<Worker>,
    events: BTreeMap<(i64, u64), Event>,
    scheduled: u64,
    is_troubled: bool,
    /// The newest token of each event in the inbox, as workers got it.
    tokens: HashMap<i64, i64>,
    /// What was answered with success.
    pub acknowledged: HashSet<String>,
    /// What a service that marks first believes to have.
    flags: HashSet<String>,
    refunds_seen: HashSet<String>,
    pub wrong: Vec<String>,
    outcome: Outcome,
}

/// How much has happened.
#[derive(Debug, Default)]
pub struct Outcome {
    pub orders: usize,
    pub payments: usize,
    pub refunds: usize,
    pub exceptions: usize,
    pub acknowledged: usize,
    pub crashes: usize,
    pub store_failures: usize,
    pub lost_leases: usize,
}

impl Outcome {
    pub fn add(&mut self, other: &Outcome) {
        self.orders += other.orders;
        self.payments += other.payments;
        self.refunds += other.refunds;
        self.exceptions += other.exceptions;
        self.acknowledged += other.acknowledged;
        self.crashes += other.crashes;
        self.store_failures += other.store_failures;
        self.lost_leases += other.lost_leases;
    }
}

/// A process of the service, with a clock of its own.
struct Worker {
    payments: Payments,
    client: Client,
    world: World,
    ahead_ms: i64,
    /// Which of its lives it is in: what was begun in another is gone.
    life: u32,
}

#[derive(Clone)]
struct Notification {
    body: String,
    /// What it tells, as [`proof::told`] names it.
    tells: String,
}

enum Event {
    Create(usize, u32),
    Pay(usize, bool),
    PayAgain(usize),
    Refund(usize, u32, i64, u32),
    EndRefund(String),
    Query(usize),
    Close(usize),
    Deliver(Notification, usize),
    Work(usize),
    End(usize, u32, Vec<(i64, i64)>),
    Tick(usize),
    Operate(usize),
    Jump(usize),
    Crash(usize),
    /// A request arrives at the provider.
    Arrive(Box<Flight>),
    /// Its answer arrives at the service.
    Return(Box<Flight>, std::result::Result<Response, Failure>),
}

/// Something that the service has begun and that waits for the provider.
struct Flight {
    worker: usize,
    life: u32,
    work: Work,
    goal: Goal,
}

#[derive(Clone)]
enum Goal {
    Create(usize, u32),
    Refund(usize, u32, i64, u32),
    Other,
}

/// Without a log, which nobody reads here.
fn host(world: &World) -> Host {
    Host {
        clock: Box::new(world.clone()),
        random: Box::new(world.clone()),
        ..Host::default()
    }
}

fn client(world: &World) -> Client {
    let config = config(json!({ "retry": { "max_attempts": 1 } })).to_string();
    Client::new(config.as_bytes(), host(world)).unwrap()
}

fn number(order: usize) -> String {
    format!("order{order:06}")
}

impl Course {
    pub fn new(seed: u64, broken: Broken) -> Course {
        let memory = std::path::Path::new("/dev/shm");
        let place = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let world = World::new();
        let mut course = Course {
            database: Arc::new(Database::sqlite_below(&place)),
            provider: Arc::new(Mutex::new(Provider::new(&world))),
            chance: Chance::new(seed),
            chaos: Chaos::new(seed ^ 0x5EED, broken),
            broken,
            now_ms: NOW * 1_000,
            world,
            workers: Vec::new(),
            events: BTreeMap::new(),
            scheduled: 0,
            is_troubled: true,
            tokens: HashMap::new(),
            acknowledged: HashSet::new(),
            flags: HashSet::new(),
            refunds_seen: HashSet::new(),
            wrong: Vec::new(),
            outcome: Outcome::default(),
        };
        course.provider.lock().unwrap().is_quick = true;
        for _ in 0..WORKERS {
            let world = World::new();
            let client = client(&world);
            let payments = course.open(&world, &client, true);
            course.workers.push(Worker {
                payments,
                client,
                world,
                ahead_ms: 0,
                life: 0,
            });
        }
        course
    }

    fn open(&self, world: &World, client: &Client, with_chaos: bool) -> Payments {
        let schedule = match self.broken {
            Broken::NoGuard => [5_000, 5_000],
            _ => [120_000, 900_000],
        };
        let settings =
            json!({ "store": self.database.url, "outbox": true, "query_schedule_ms": schedule })
                .to_string();
        let store = |url: &str| {
            let store = payseal::payments::store::open(url)?;
            Ok(if with_chaos {
                self.chaos.around(store)
            } else {
                store
            })
        };
        Payments::over(store, settings.as_bytes(), &[client], host(world)).unwrap()
    }

    fn after(&mut self, milliseconds: i64, event: Event) {
        self.scheduled += 1;
        self.events
            .insert((self.now_ms + milliseconds, self.scheduled), event);
    }

    fn soon(&mut self, range: std::ops::Range<i64>, event: Event) {
        let milliseconds = self.chance.within(range);
        self.after(milliseconds, event);
    }

    /// A worker, with its clock at its time.
    fn worker(&self, worker: usize) -> &Worker {
        let worker = &self.workers[worker];
        worker.world.set_now_ms(self.now_ms + worker.ahead_ms);
        worker
    }

    fn any_worker(&mut self) -> usize {
        self.chance.within(0..WORKERS as i64) as usize
    }

    /// Lets everything go wrong, then everything come to rest, and says what does not hold.
    pub fn run(mut self, orders: usize) -> (Outcome, Vec<String>) {
        let other = Arc::new(self.open(&self.world, &client(&self.world), false));
        self.chaos.arm(Some(other));
        for order in 0..orders {
            self.soon(0..TROUBLED_MS / 2, Event::Create(order, 0));
        }
        for worker in 0..WORKERS {
            self.soon(0..5_000, Event::Work(worker));
            self.soon(0..60_000, Event::Tick(worker));
            self.soon(0..HOUR, Event::Jump(worker));
            self.soon(0..HOUR, Event::Crash(worker));
        }
        self.soon(0..HOUR, Event::Operate(0));
        let calm_from = self.now_ms + TROUBLED_MS;
        while let Some(((at, _), event)) = self.events.pop_first() {
            self.now_ms = self.now_ms.max(at);
            self.world.set_now_ms(self.now_ms);
            if self.is_troubled && self.now_ms >= calm_from {
                self.calm();
            }
            self.happen(event);
        }
        self.calm();
        self.come_to_rest();
        self.outcome.store_failures = self.chaos.failures() as usize;
        proof::prove(&mut self);
        let provider = self.provider.lock().unwrap();
        let outcome = Outcome {
            orders,
            payments: provider.payments.len(),
            refunds: provider.refunds.len(),
            acknowledged: self.acknowledged.len(),
            exceptions: proof::exceptions(&self),
            ..self.outcome
        };
        drop(provider);
        (outcome, self.wrong)
    }

    fn calm(&mut self) {
        self.is_troubled = false;
        self.chaos.arm(None);
        for worker in &mut self.workers {
            worker.ahead_ms = 0;
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Create(order, tries) => {
                let params = json!({ "order_no": number(order), "method": "native", "amount": PRICE, "subject": "一杯绿茶" });
                self.begin("create", params, Goal::Create(order, tries));
            }
            Event::Pay(order, twice) => self.pay(order, twice),
            Event::PayAgain(order) => self.pay_again(order),
            Event::Refund(order, nth, amount, tries) => {
                let params = json!({ "order_no": number(order), "refund_no": format!("refund{order:06}-{nth}"), "amount": amount });
                self.begin("refund", params, Goal::Refund(order, nth, amount, tries));
            }
            Event::EndRefund(refund) => self.end_refund(&refund),
            Event::Query(order) => {
                self.begin("query", json!({ "order_no": number(order) }), Goal::Other)
            }
            Event::Close(order) => {
                self.begin("close", json!({ "order_no": number(order) }), Goal::Other)
            }
            Event::Deliver(notification, tries) => self.deliver(notification, tries),
            Event::Work(worker) => self.work(worker),
            Event::End(worker, life, work) => self.end(worker, life, &work),
            Event::Tick(worker) => {
                self.begin_at(worker, "tick", json!({ "most": 50 }), Goal::Other);
                if self.is_troubled {
                    let often = self.broken == Broken::NoGuard;
                    let pause = if often {
                        SECOND..10 * SECOND
                    } else {
                        MINUTE..5 * MINUTE
                    };
                    self.soon(pause, Event::Tick(worker));
                }
            }
            Event::Operate(worker) => self.operate(worker),
            Event::Jump(worker) => {
                if self.is_troubled {
                    let far = self.chance.within(-20 * MINUTE..20 * MINUTE);
                    let is_right = self.chance.per_mille(500);
                    self.workers[worker].ahead_ms = if is_right { 0 } else { far };
                    self.soon(MINUTE..HOUR, Event::Jump(worker));
                }
            }
            Event::Crash(worker) => {
                if self.is_troubled {
                    let Worker { world, client, .. } = &self.workers[worker];
                    let payments = self.open(world, client, true);
                    let worker_now = &mut self.workers[worker];
                    worker_now.payments = payments;
                    worker_now.life += 1;
                    self.outcome.crashes += 1;
                    self.soon(MINUTE..30 * MINUTE, Event::Crash(worker));
                }
            }
            Event::Arrive(flight) => self.arrive(flight),
            Event::Return(flight, answer) => self.come_back(flight, answer),
        }
    }

    fn begin(&mut self, action: &str, params: Value, goal: Goal) {
        let worker = self.any_worker();
        self.begin_at(worker, action, params, goal);
    }

    fn begin_at(&mut self, worker: usize, action: &str, params: Value, goal: Goal) {
        let at = self.worker(worker);
        let life = at.life;
        match at.payments.work(action, params.to_string().as_bytes()) {
            Ok(work) => self.step(Box::new(Flight {
                worker,
                life,
                work,
                goal,
            })),
            Err(error) => self.came_to(&goal, Err(error)),
        }
    }

    fn step(&mut self, mut flight: Box<Flight>) {
        self.worker(flight.worker);
        loop {
            match flight.work.step() {
                Step::Done => {
                    let result = flight.work.result();
                    return self.came_to(&flight.goal, result);
                }
                Step::Wait(_) => {}
                Step::Send => {
                    let slow = self.is_troubled && self.chance.per_mille(100);
                    let range = if slow { 1_000..40_000 } else { 5..500 };
                    return self.soon(range, Event::Arrive(flight));
                }
            }
        }
    }

    /// The provider carries out what arrives, also when nobody waits for the answer any more.
    fn arrive(&mut self, flight: Box<Flight>) {
        let request = flight.work.request().unwrap().clone();
        let is_refund = request.method == "POST" && request.target.starts_with("/v3/refund");
        let fault = if !self.is_troubled {
            None
        } else {
            match self.chance.within(0..100) {
                0..3 => Some(Fault::NotSent),
                3..7 => Some(Fault::AnswerLost),
                7..9 => Some(Fault::No(500, "SYSTEM_ERROR")),
                9..11 => Some(Fault::No(429, "FREQUENCY_LIMITED")),
                11..16 if is_refund => Some(Fault::No(403, "NOT_ENOUGH")),
                _ => None,
            }
        };
        let answer = {
            let mut provider = self.provider.lock().unwrap();
            provider.faults.extend(fault);
            provider.asked.clear();
            provider.answer(&request)
        };
        if is_refund {
            let said: Value = serde_json::from_slice(&request.body).unwrap();
            let refund = said["out_refund_no"].as_str().unwrap().to_owned();
            let is_there = self.provider.lock().unwrap().refunds.contains_key(&refund);
            if is_there && self.refunds_seen.insert(refund.clone()) {
                self.soon(SECOND..6 * HOUR, Event::EndRefund(refund));
            }
        }
        self.soon(5..300, Event::Return(flight, answer));
    }

    fn come_back(
        &mut self,
        mut flight: Box<Flight>,
        answer: std::result::Result<Response, Failure>,
    ) {
        if self.worker(flight.worker).life != flight.life {
            return; // nobody is there any more
        }
        match answer {
            Ok(response) => flight.work.respond(response).unwrap(),
            Err(failure) => flight.work.fail(failure).unwrap(),
        }
        self.step(flight);
    }

    fn came_to(&mut self, goal: &Goal, result: Result<Delivered>) {
        match (goal, result) {
            (Goal::Create(order, _), Ok(done)) => {
                let given: Value = serde_json::from_slice(&done.body).unwrap();
                if !given["client"].is_null() {
                    self.show(*order);
                }
            }
            (Goal::Create(order, tries), Err(_)) if *tries < 5 && self.chance.per_mille(800) => {
                self.soon(SECOND..5 * MINUTE, Event::Create(*order, tries + 1));
            }
            (Goal::Refund(order, nth, amount, tries), Err(error)) => {
                let again = error.code() != Code::OrderConflict && *tries < 4;
                if again && self.chance.per_mille(700) {
                    self.soon(
                        SECOND..30 * MINUTE,
                        Event::Refund(*order, *nth, *amount, tries + 1),
                    );
                }
            }
            _ => {}
        }
    }

    /// The payer sees how to pay, and does, or not.
    fn show(&mut self, order: usize) {
        if self.chance.per_mille(850) {
            let twice = self.chance.per_mille(60);
            self.soon(SECOND..40 * MINUTE, Event::Pay(order, twice));
        }
        if self.chance.per_mille(50) {
            self.soon(SECOND..40 * MINUTE, Event::Close(order));
        }
        if self.chance.per_mille(100) {
            self.soon(SECOND..3 * HOUR, Event::Query(order));
        }
    }

    fn pay(&mut self, order: usize, twice: bool) {
        let number = number(order);
        {
            let mut provider = self.provider.lock().unwrap();
            let placed = provider.orders.get_mut(&number).unwrap();
            if placed.state != "NOTPAY" {
                return;
            }
            if self.chance.per_mille(40) {
                placed.amount = 1;
            }
            provider.pay(&number);
        }
        self.notify_payment(order, twice);
        if twice {
            self.soon(SECOND..HOUR, Event::PayAgain(order));
        }
        for nth in 0..3 {
            if self.chance.per_mille(250) {
                let amount = self.chance.within(1..PRICE * 3 / 4);
                self.soon(SECOND..2 * HOUR, Event::Refund(order, nth, amount, 0));
            }
        }
    }

    fn pay_again(&mut self, order: usize) {
        self.provider.lock().unwrap().pay(&number(order));
        self.notify_payment(order, true);
    }

    /// Some payments are never told, but for those that no query tells either.
    fn notify_payment(&mut self, order: usize, certainly: bool) {
        let number = number(order);
        let notification = {
            let mut provider = self.provider.lock().unwrap();
            let transaction = provider.orders[&number].transaction_id.clone().unwrap();
            Notification {
                body: provider.payment_told(&number, json!({})),
                tells: proof::paid(&number, &transaction),
            }
        };
        self.notify(notification, certainly);
    }

    fn notify(&mut self, notification: Notification, certainly: bool) {
        if certainly || self.chance.per_mille(850) {
            let copies = if self.chance.per_mille(250) { 3 } else { 1 };
            for _ in 0..copies {
                let slow = self.chance.per_mille(200);
                let range = if slow { MINUTE..2 * HOUR } else { 100..10_000 };
                self.soon(range, Event::Deliver(notification.clone(), 0));
            }
        }
    }

    fn end_refund(&mut self, refund: &str) {
        let state = match self.chance.within(0..100) {
            0..75 => "SUCCESS",
            75..90 => "CLOSED",
            _ => "ABNORMAL",
        };
        if state == "ABNORMAL" {
            self.soon(MINUTE..6 * HOUR, Event::EndRefund(refund.to_owned()));
        }
        let notification = self.refund_told(refund, state);
        self.notify(notification, false);
    }

    fn refund_told(&self, refund: &str, state: &'static str) -> Notification {
        let mut provider = self.provider.lock().unwrap();
        provider.end_refund(refund, state);
        Notification {
            body: provider.refund_told(refund),
            tells: proof::refunded(refund, state),
        }
    }

    fn deliver(&mut self, notification: Notification, tries: usize) {
        let is_lost = self.is_troubled && self.chance.per_mille(80);
        let is_answered = !is_lost && self.accept(&notification);
        let answer_is_lost = self.is_troubled && self.chance.per_mille(80);
        if (!is_answered || answer_is_lost) && tries < AGAIN_S.len() {
            self.after(
                AGAIN_S[tries] * SECOND,
                Event::Deliver(notification, tries + 1),
            );
        }
    }

    fn accept(&mut self, notification: &Notification) -> bool {
        if self.broken == Broken::FlagFirst && !self.flags.insert(notification.tells.clone()) {
            self.acknowledge(notification);
            return true;
        }
        let signed = self
            .provider
            .lock()
            .unwrap()
            .signed(notification.body.clone());
        let worker = self.any_worker();
        let work =
            self.worker(worker)
                .payments
                .work_accept(None, signed.lines(), &signed.body, b"");
        let mut work = work.unwrap();
        assert!(
            matches!(work.step(), Step::Done),
            "a notification asks for nothing"
        );
        let About::Work(about) = work.result().unwrap().about else {
            panic!("what payments say about a notification");
        };
        let accepted = about["status"] == 200;
        if accepted {
            self.acknowledge(notification);
        }
        accepted
    }

    /// The provider has been told that it need not send it again: by then it must be there.
    fn acknowledge(&mut self, notification: &Notification) {
        let tells = &notification.tells;
        if self.acknowledged.insert(tells.clone()) && !proof::is_kept(self, tells) {
            self.wrong.push(format!("{tells}: acknowledged and lost"));
        }
    }

    fn at_once(&self, worker: usize, action: &str, params: Value) -> Result<Value> {
        let mut work = self
            .worker(worker)
            .payments
            .work(action, params.to_string().as_bytes())?;
        assert!(
            matches!(work.step(), Step::Done),
            "{action} asks for nothing"
        );
        Ok(serde_json::from_slice(&work.result()?.body).unwrap())
    }

    fn claim(&mut self, worker: usize, most: i64) -> Vec<(i64, i64)> {
        let claimed = self
            .at_once(worker, "claim", json!({ "most": most }))
            .unwrap_or_default();
        let mut held = Vec::new();
        for event in claimed["events"].as_array().into_iter().flatten() {
            let (id, token) = (
                event["id"].as_i64().unwrap(),
                event["token"].as_i64().unwrap(),
            );
            let before = self.tokens.insert(id, token);
            if before.is_some_and(|before| before >= token) {
                self.wrong
                    .push(format!("event {id} was given out twice under one token"));
            }
            held.push((id, token));
        }
        held
    }

    /// A worker takes some of what is to do, and ends it soon, too late, not at all, or otherwise than it should.
    fn work(&mut self, worker: usize) {
        let most = self.chance.within(1..30);
        let held = self.claim(worker, most);
        let life = self.workers[worker].life;
        if self.chance.per_mille(300) && held.len() > 1 {
            self.soon(10..40_000, Event::End(worker, life, held));
        } else {
            for (id, token) in held {
                let params = json!({ "id": id, "token": token, "reason": "it was so decided" });
                match self.chance.within(0..100) {
                    0..8 => {}
                    8..16 => self.soon(31_000..95_000, Event::End(worker, life, vec![(id, token)])),
                    16..22 => drop(self.at_once(worker, "nack", params)),
                    22..25 => drop(self.at_once(worker, "dead", params)),
                    25..30 => {
                        drop(self.at_once(worker, "extend", json!({ "id": id, "token": token })))
                    }
                    _ => self.soon(10..10_000, Event::End(worker, life, vec![(id, token)])),
                }
            }
        }
        if self.is_troubled {
            self.soon(5 * SECOND..60 * SECOND, Event::Work(worker));
        }
    }

    fn end(&mut self, worker: usize, life: u32, held: &[(i64, i64)]) {
        if self.workers[worker].life != life {
            return;
        }
        let work: Vec<Value> = held
            .iter()
            .map(|(id, token)| json!({ "id": id, "token": token }))
            .collect();
        let Ok(ended) = self.at_once(worker, "ack", json!({ "work": work })) else {
            return; // it comes again, or was ended all the same
        };
        let lost = ended["lost"].as_array().unwrap();
        self.outcome.lost_leases += lost.len();
        for (id, token) in held {
            let is_lost = lost.iter().any(|it| it["id"] == *id);
            if !is_lost && self.tokens[id] != *token {
                self.wrong
                    .push(format!("event {id} was ended under an older token"));
            }
        }
    }

    /// A person looks at exceptions and dead letters.
    fn operate(&mut self, worker: usize) {
        if !self.is_troubled {
            return;
        }
        let open = self
            .at_once(worker, "exceptions", json!({ "most": 50 }))
            .unwrap_or_default();
        for raised in open["exceptions"].as_array().into_iter().flatten() {
            if self.chance.per_mille(300) {
                let state = ["paid", "closed"].get(self.chance.within(0..3) as usize);
                let params = json!({ "id": raised["id"], "note": "looked at", "state": state });
                let _ = self.at_once(worker, "resolve", params);
            }
        }
        let _ = self.at_once(worker, "redrive", json!({}));
        self.soon(5 * MINUTE..HOUR, Event::Operate(worker));
    }

    /// Nothing fails any more; the provider ends what it has begun, and the service does all there is to do.
    fn come_to_rest(&mut self) {
        for _ in 0..200 {
            let open: Vec<String> = {
                let provider = self.provider.lock().unwrap();
                let refunds = provider.refunds.iter();
                let open = refunds.filter(|(_, it)| matches!(it.state, "PROCESSING" | "ABNORMAL"));
                open.map(|(number, _)| number.clone()).collect()
            };
            for refund in open {
                self.refund_told(&refund, "SUCCESS");
            }
            let redriven = self.at_once(0, "redrive", json!({})).unwrap();
            loop {
                let held = self.claim(0, 500);
                if held.is_empty() {
                    break;
                }
                let life = self.workers[0].life;
                self.end(0, life, &held);
            }
            let ticked = self.tick_to_its_end();
            let stats = self.at_once(0, "stats", json!({})).unwrap();
            let waiting = stats["inbox"]["waiting"].as_i64().unwrap();
            match ticked["next_due_ms"].as_i64() {
                None if waiting == 0 && redriven["redriven"] == 0 => return,
                None => self.now_ms += HOUR,
                Some(next) => {
                    self.now_ms = self.now_ms.max(next) + if waiting > 0 { MINUTE } else { 0 }
                }
            }
            self.world.set_now_ms(self.now_ms);
        }
        self.wrong.push("it does not come to rest".into());
    }

    fn tick_to_its_end(&mut self) -> Value {
        let mut work = self
            .worker(0)
            .payments
            .work("tick", br#"{"most": 1000}"#)
            .unwrap();
        let done = crate::support::drive::drive(&mut work, |request| {
            let mut provider = self.provider.lock().unwrap();
            provider.asked.clear();
            provider.answer(request)
        });
        let done = done.unwrap_or_else(|error: Error| panic!("{error}"));
        serde_json::from_slice(&done.body).unwrap()
    }
}
