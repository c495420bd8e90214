//! Over a real connection: the platform is a loopback server that knows its app's secret, its tokens and its tickets.

use std::sync::{Barrier, OnceLock};

use serde_json::{Value, json};

use super::*;
use crate::support::server::{Connection, Received, Server};
use crate::support::{refused_as, text};

/// What the platform knows.
struct Platform {
    server: OnceLock<Server>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the token that is good now.
    number: u32,
    asked: Vec<String>,
}

impl Platform {
    fn start() -> Arc<Platform> {
        let platform = Arc::new(Platform {
            server: OnceLock::new(),
            state: Mutex::default(),
        });
        let answering = platform.clone();
        let server = Server::start(move |connection| {
            while let Some(request) = connection.request() {
                answering.answer(connection, &request);
            }
        });
        assert!(platform.server.set(server).is_ok());
        platform
    }

    fn answer(&self, connection: &mut Connection, request: &Received) {
        let body = self.body(request).to_string();
        let length = body.len();
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    fn body(&self, request: &Received) -> Value {
        let mut state = self.state.lock().unwrap();
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        state.asked.push(format!("{} {path}", request.method));
        let of_query = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map_or("", |(_, value)| value).to_owned()
        };
        match path {
            "/sns/jscode2session" if of_query("secret") != SECRET => json!({ "errcode": 40125 }),
            "/sns/jscode2session" if of_query("js_code") != CODE => json!({ "errcode": 40029 }),
            "/sns/jscode2session" => json!({ "openid": "oUpF8uMuAJO", "session_key": SESSION_KEY }),
            "/cgi-bin/stable_token" => {
                let asked: Value = serde_json::from_slice(&request.body).unwrap();
                if asked["secret"] != SECRET || asked["grant_type"] != "client_credential" {
                    return json!({ "errcode": 40125 });
                }
                state.number += u32::from(state.number == 0 || asked["force_refresh"] == true);
                json!({ "access_token": token_number(state.number), "expires_in": 7200 })
            }
            "/cgi-bin/ticket/getticket"
                if of_query("access_token") == token_number(state.number) =>
            {
                json!({ "errcode": 0, "errmsg": "ok", "ticket": TICKET, "expires_in": 7200 })
            }
            "/cgi-bin/ticket/getticket" => json!({ "errcode": 40001, "errmsg": "not latest" }),
            _ => json!({ "errcode": 40066 }),
        }
    }

    /// Somebody has a new token made elsewhere.
    fn end_token(&self) {
        self.state.lock().unwrap().number += 1;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    fn client(&self, secret: &str, cache: Option<Box<dyn Cache>>) -> Client {
        let mut host = World::new().host();
        host.cache = cache;
        let mut config = config();
        config["hosts"] = json!([self.server.get().unwrap().origin()]);
        config["secret"] = secret.into();
        Client::new(config.to_string().as_bytes(), host).unwrap()
    }
}

fn token_number(number: u32) -> String {
    format!("72_AccessToken-{number}")
}

fn run_over_http(client: &Client, flow: &str, params: Value) -> Value {
    value(
        &client
            .run(flow, params.to_string().as_bytes(), None)
            .unwrap(),
    )
}

#[test]
fn a_code_a_token_and_a_page_come_over_a_real_connection() {
    let platform = Platform::start();
    let client = platform.client(SECRET, None);
    let params = json!({ "query": { "js_code": CODE } }).to_string();
    let session = client
        .execute("GET /sns/jscode2session", params.as_bytes(), b"", None)
        .unwrap();
    assert_eq!(value(&session)["session_key"], SESSION_KEY);
    let page = json!({ "body": { "url": "https://shop.example.com/cart" } });
    assert_eq!(run_over_http(&client, "js_config", page)["appId"], APPID);
    let kept = run_over_http(&client, "access_token", json!({}));
    assert_eq!(kept["access_token"], token_number(1));
    assert_eq!(
        platform.asked(),
        ["GET /sns/jscode2session", STABLE_TOKEN, GET_TICKET]
    );
}

#[test]
fn threads_over_real_connections_ask_once() {
    let platform = Platform::start();
    let client = platform.client(SECRET, Some(Box::<Shared>::default()));
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let token = run_over_http(&client, "access_token", json!({}));
                assert_eq!(token["access_token"], token_number(1));
            });
        }
    });
    assert_eq!(platform.asked(), [STABLE_TOKEN]);
}

#[test]
fn two_processes_whose_token_was_ended_come_to_one_new_one_and_it_stays_good() {
    let platform = Platform::start();
    let shared = Shared::default();
    let clients = [(); 2].map(|()| platform.client(SECRET, Some(Box::new(shared.clone()))));
    run_over_http(&clients[0], "access_token", json!({}));
    platform.end_token();
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| {
                start.wait();
                let ticket = run_over_http(client, "jsapi_ticket", json!({}));
                assert_eq!(ticket["jsapi_ticket"], TICKET);
            });
        }
    });
    // No other number: nothing was forced.
    for client in &clients {
        let token = run_over_http(client, "access_token", json!({}));
        assert_eq!(token["access_token"], token_number(2));
    }
}

#[test]
fn a_wrong_secret_is_told_with_its_hint_and_without_the_secret() {
    let platform = Platform::start();
    let client = platform.client("0therSecret0therSecret0therSecre", None);
    let error = refused_as(
        Code::ProviderRejected,
        client.run("access_token", b"{}", None),
    );
    assert_eq!(text(&error, "provider_code"), "40125");
    assert!(text(&error, "hint").contains("was reset"));
    assert!(!format!("{error:?}").contains("0therSecret"));
}
