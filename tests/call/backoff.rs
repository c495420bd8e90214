//! How long a call pauses between attempts: full jitter, what the provider asks for, and never beyond the deadline.

use std::time::Duration;

use payseal::call::{Call, Step};
use payseal::wire::Response;
use payseal::{Client, Outcome};
use serde_json::{Value, json};

use crate::support::drive::{execute, lost};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, unsigned};
use crate::support::refused;

const BASE_MS: u64 = 60_000;
const CAP_MS: u64 = 200_000;

fn slow_client() -> (Client, World) {
    merchant::client(config(json!({
        "retry": { "base_ms": BASE_MS, "cap_ms": CAP_MS, "max_attempts": 10 },
        "circuit_breaker": { "failures": 1000 },
        "timeouts": { "total_ms": 600_000 },
    })))
}

/// Randomness for the pauses; nonces, which are longer, get something else.
fn jitter_of(world: &World, mut next: impl FnMut() -> u64 + Send + 'static) {
    world.set_random(move |out| match out.len() {
        8 => out.copy_from_slice(&next().to_le_bytes()),
        _ => out.fill(0x5A),
    });
}

fn start(client: &Client, params: &Value) -> Call {
    client
        .call(REFUND, params.to_string().as_bytes(), b"")
        .unwrap()
}

/// Fails this many attempts, and says what the call does then.
fn after(call: &mut Call, failures: usize) -> Step {
    for _ in 0..failures {
        assert_eq!(call.step(), Step::Send);
        call.fail(lost()).unwrap();
    }
    call.step()
}

#[test]
fn the_longest_pause_doubles_up_to_the_cap() {
    for (attempt, most_ms) in [
        (1, BASE_MS),
        (2, 2 * BASE_MS),
        (3, CAP_MS),
        (4, CAP_MS),
        (9, CAP_MS),
    ] {
        let (client, world) = slow_client();
        // No pause before the attempt in question, the longest possible after it.
        let mut pause = 0;
        jitter_of(&world, move || {
            pause += 1;
            if pause < attempt { 0 } else { most_ms * 1000 }
        });
        let mut call = start(&client, &refund());
        let Step::Wait(time) = after(&mut call, attempt) else {
            panic!("no pause after attempt {attempt}");
        };
        let most = Duration::from_millis(most_ms);
        assert!(
            time <= most && time > most - Duration::from_secs(30),
            "{attempt}: {time:?}"
        );
        // One microsecond more would be none at all: the pause is a remainder.
        let (client, world) = slow_client();
        let mut pause = 0;
        jitter_of(&world, move || {
            pause += 1;
            if pause < attempt {
                0
            } else {
                most_ms * 1000 + 1
            }
        });
        assert_eq!(after(&mut start(&client, &refund()), attempt), Step::Send);
    }
}

#[test]
fn a_pause_is_anything_between_nothing_and_its_longest() {
    let (client, world) = slow_client();
    let mut seed = 1u64;
    jitter_of(&world, move || {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        seed
    });
    let mut quarters = [0; 4];
    for _ in 0..400 {
        let Step::Wait(time) = after(&mut start(&client, &refund()), 1) else {
            continue;
        };
        let quarter = time.as_millis() as u64 * 4 / (BASE_MS + 1);
        quarters[quarter as usize] += 1;
    }
    assert!(
        quarters.iter().all(|count| (50..150).contains(count)),
        "{quarters:?}"
    );
}

#[test]
fn ten_thousand_pauses_stay_within_the_cap() {
    let (client, world) = slow_client();
    jitter_of(&world, || u64::MAX);
    for failures in 1..=2 {
        match after(&mut start(&client, &refund()), failures.min(1)) {
            Step::Wait(time) => assert!(time <= Duration::from_millis(CAP_MS)),
            step => assert_eq!(step, Step::Send),
        }
    }
}

fn busy(retry_after: &str) -> Response {
    BY_PUBLIC_KEY
        .signed(r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#)
        .and("Retry-After", retry_after)
        .response(429)
}

fn pause_after(response: Response) -> Step {
    let (client, world) = slow_client();
    jitter_of(&world, || 0);
    let mut call = start(&client, &refund());
    assert_eq!(call.step(), Step::Send);
    call.respond(response).unwrap();
    call.step()
}

#[test]
fn the_pause_that_the_provider_asks_for_is_kept() {
    let Step::Wait(time) = pause_after(busy("100")) else {
        panic!("it does not wait");
    };
    assert!(time <= Duration::from_secs(100) && time > Duration::from_secs(70));
    let mut unavailable = unsigned(503, "");
    unavailable.headers.push("retry-after", "100");
    assert!(matches!(pause_after(unavailable), Step::Wait(_)));
}

#[test]
fn a_pause_beyond_the_deadline_ends_the_call_at_once() {
    for seconds in [
        "601",
        "86400",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
    ] {
        assert_eq!(pause_after(busy(seconds)), Step::Done, "{seconds}");
    }
}

#[test]
fn a_pause_that_is_no_number_of_seconds_is_not_asked_for() {
    for text in [
        "",
        "soon",
        "-1",
        "1.5",
        "Wed, 21 Oct 2037 07:28:00 GMT",
        "99999999999999999999999",
    ] {
        assert_eq!(pause_after(busy(text)), Step::Send, "{text}");
    }
}

#[test]
fn the_providers_pause_does_not_shorten_ours() {
    let (client, world) = slow_client();
    jitter_of(&world, || BASE_MS * 1000);
    let mut call = start(&client, &refund());
    assert_eq!(call.step(), Step::Send);
    call.respond(busy("1")).unwrap();
    let Step::Wait(time) = call.step() else {
        panic!("it does not wait");
    };
    assert!(time > Duration::from_secs(30));
}

#[test]
fn an_attempt_never_gets_more_time_than_the_call_has_left() {
    let (client, _) = merchant::client(config(json!({})));
    let params = with_options(query(ORDER), json!({ "timeout_ms": 4_000 }));
    let mut times = Vec::new();
    let error = refused(execute(&client, QUERY, &params, |request| {
        times.push(request.timeout);
        Err(lost())
    }));
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(times[0] <= Duration::from_millis(4_000));
    assert!(times.windows(2).all(|pair| pair[1] <= pair[0]), "{times:?}");
    let default = client.call(QUERY, query(ORDER).to_string().as_bytes(), b"");
    let mut call = default.unwrap();
    call.step();
    assert!(call.request().unwrap().timeout <= Duration::from_millis(15_000));
}

#[test]
fn the_wait_is_over_when_it_was_said_to_be() {
    let (client, world) = merchant::client(config(json!({
        "retry": { "base_ms": 20, "cap_ms": 20 },
    })));
    jitter_of(&world, || 20_000);
    let mut call = start(&client, &refund());
    let Step::Wait(time) = after(&mut call, 1) else {
        panic!("it does not wait");
    };
    // Coming back too early only brings the rest of the wait.
    let Step::Wait(rest) = call.step() else {
        panic!("it forgot to wait");
    };
    assert!(rest <= time);
    std::thread::sleep(time);
    assert_eq!(call.step(), Step::Send);
}
