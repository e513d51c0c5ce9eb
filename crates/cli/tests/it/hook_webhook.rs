//! Hooks that are servers: on the loopback interface, one thread each.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixture::{Home, PATIENCE, Provost};

on_both_databases!(a_server_is_asked_with_a_signature_and_its_answer_counts);

/// A request as it came.
struct Heard {
    line: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// A server that gives every request the same answer, after a while.
struct Server {
    url: String,
    heard: Receiver<Heard>,
}

/// A connection, behind TLS or not.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Server {
    fn answering(
        status: &'static str,
        headers: &'static str,
        body: impl Into<Vec<u8>>,
        after: Duration,
    ) -> Self {
        Self::behind(None, status, headers, body.into(), after)
    }

    fn behind(
        tls: Option<Arc<ServerConfig>>,
        status: &'static str,
        headers: &'static str,
        body: Vec<u8>,
        after: Duration,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/hooks/here", listener.local_addr().expect("an address"));
        let (sender, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream: Box<dyn Stream> = match &tls {
                    None => Box::new(stream),
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).expect("a connection");
                        Box::new(StreamOwned::new(connection, stream))
                    }
                };
                let Some(request) = hear(&mut stream) else { continue };
                let _test_is_over = sender.send(request);
                thread::sleep(after);
                let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
                // One that does not wait for the answer is what some tests are about.
                let _gone =
                    stream.write_all(&[head.as_bytes(), &body].concat()).and_then(|()| stream.flush());
            }
        });
        Self { url, heard }
    }

    fn saying(answer: &Value) -> Self {
        Self::answering("200 OK", "", answer.to_string(), Duration::ZERO)
    }

    fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).expect("a request")
    }

    fn was_asked(&self) -> bool {
        self.heard.try_recv().is_ok()
    }
}

fn hear(stream: &mut dyn Stream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Heard { line, headers, body })
}

fn add(home: &Home, url: &str, flags: &[&str]) -> Provost {
    let add = home.provost(&["hook"]).args(&["add", "server", "--event", "PreToolUse", "--webhook", url]);
    add.args(flags)
}

/// One tool call, and what became of it.
fn play(home: &Home) -> Value {
    play_trusting(home, None)
}

/// The same with the authorities in a file; those of the machine when it is none.
fn play_trusting(home: &Home, authorities: Option<&Path>) -> Value {
    let steps = json!([[{ "tool": "Bash", "input": { "command": "true" } }]]);
    let play = home.play(&steps).args(&["--permission-mode", "bypassPermissions"]);
    match authorities {
        Some(file) => play.env("SSL_CERT_FILE", file).succeed(),
        None => play.succeed(),
    };
    home.tool_calls().remove(0)
}

fn run(home: &Home) -> Value {
    home.json(&["hook", "log"])["data"][0].clone()
}

fn a_server_is_asked_with_a_signature_and_its_answer_counts(home: &Home) {
    let server = Server::saying(&json!({ "decision": "block", "reason": "the server is against it" }));
    let added = add(home, &server.url, &["--allow-private"]).arg("--json").succeed().json();
    let secret = added["new_secret"].as_str().expect("a secret").to_owned();
    let call = play(home);
    assert_eq!(
        (&call["status"], &call["permission_reason"]),
        (&json!("denied"), &json!("the server is against it"))
    );

    let heard = server.next();
    assert!(heard.line.starts_with("POST /hooks/here HTTP/1.1"), "{}", heard.line);
    assert_eq!(heard.headers["content-type"], "application/json");
    let event: Value = serde_json::from_slice(&heard.body).expect("JSON");
    assert_eq!(event["tool_input"]["command"], "true");
    let (id, time) = (&heard.headers["webhook-id"], &heard.headers["webhook-timestamp"]);
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("Base64");
    assert_eq!(key.len(), 32);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(&heard.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(heard.headers["webhook-signature"], expected);
    assert_eq!(run(home)["id"], json!(id), "the message is the run");

    let everything = ["show", "list"].map(|verb| {
        let arguments: &[&str] = if verb == "show" { &["hook", "show", "server"] } else { &["hook", "list"] };
        home.json(arguments).to_string() + &home.provost(arguments).succeed().text()
    });
    assert!(everything.iter().all(|shown| !shown.contains(&secret)), "{everything:?}");
    assert_eq!(home.json(&["hook", "show", "server"])["config"]["secret"], "set");
    home.assert_well();
}

#[test]
fn a_server_that_fails_shuts_a_gate_and_no_observer() {
    let late = Duration::from_secs(30);
    let none = Duration::ZERO;
    let servers = [
        (Server::answering("500 Oops", "", "{}", none), "the server answered with status 500"),
        (
            Server::answering("307 Elsewhere", "location: http://127.0.0.1:1/\r\n", "", none),
            "the server redirects (307), which is not followed",
        ),
        (Server::answering("200 OK", "", "all good", none), "its answer is not JSON"),
        (
            Server::answering("200 OK", "", vec![b' '; 1024 * 1024 + 1], none),
            "the answer is longer than 1048576",
        ),
        (Server::answering("200 OK", "", "{}", late), "it did not answer within 0.5 s"),
    ];
    let home = Home::new();
    for (server, error) in servers {
        for is_gate in [true, false] {
            let flags = ["--allow-private", "--timeout", "0.5", "--gate"];
            add(&home, &server.url, if is_gate { &flags } else { &flags[..3] }).succeed();
            let began = Instant::now();
            let call = play(&home);
            assert_eq!(call["status"], if is_gate { "denied" } else { "success" }, "{error}");
            assert!(began.elapsed() < Duration::from_secs(15), "{error}");
            let message = run(&home)["error_message"].clone();
            assert!(
                message.as_str().is_some_and(|message| message.starts_with(error)),
                "{message} is not {error}"
            );
            home.provost(&["hook", "remove", "server"]).succeed();
        }
    }
    home.assert_well();
}

#[test]
fn a_private_address_is_not_asked_unless_that_is_allowed() {
    let home = Home::new();
    let server = Server::saying(&json!({}));
    let port = server.url.rsplit(':').next().expect("a port");
    for url in
        [&server.url, &format!("http://localhost:{port}"), "http://169.254.169.254/latest", "http://[::1]:1/"]
    {
        add(&home, url, &["--gate"]).succeed();
        assert_eq!(play(&home)["status"], "denied", "{url}");
        let error = run(&home)["error_message"].as_str().expect("an error").to_owned();
        assert!(error.contains("no address of the public internet"), "{error}");
        home.provost(&["hook", "remove", "server"]).succeed();
    }
    assert!(!server.was_asked());
    home.assert_well();
}

#[test]
fn a_secret_of_ones_own_is_taken_from_a_file() {
    let home = Home::new();
    let server = Server::saying(&json!({}));
    let file = home.write("secret", "0123456789abcdef0123456789abcdef\n").display().to_string();
    let added = add(&home, &server.url, &["--allow-private", "--secret-file", &file]).succeed();
    assert_eq!(added.text(), "", "nothing is shown that is known already");
    let tried = home.json(&["hook", "test", "server"]);
    assert_eq!(tried["outcome"], "continue", "{tried:#}");
    let heard = server.next();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef0123456789abcdef").expect("a key");
    mac.update(format!("{}.{}.", heard.headers["webhook-id"], heard.headers["webhook-timestamp"]).as_bytes());
    mac.update(&heard.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(heard.headers["webhook-signature"], expected);
    home.provost(&["hook", "remove", "server"]).succeed();
    let short = home.write("short", "s3cret").display().to_string();
    let refused =
        add(&home, &server.url, &["--secret-file", &short]).exit(2).says(&["24 to 200", "--secret-file"]);
    assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
    home.assert_well();
}

/// An authority that nobody knows, in PEM, and a server's settings with its certificate for this name.
fn certified(name: &str) -> (String, Arc<ServerConfig>) {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
    (issuer.pem(), Arc::new(config))
}

#[test]
fn a_server_behind_tls_is_asked_when_it_is_who_its_address_says_and_its_authority_is_trusted() {
    let home = Home::new();
    let (authority, config) = certified("localhost");
    let trusted = home.write("authority.pem", &authority);
    let stranger = home.write("stranger.pem", &certified("localhost").0);
    let answer = json!({ "decision": "block", "reason": "the server is against it" }).to_string();
    let server = Server::behind(Some(config), "200 OK", "", answer.into_bytes(), Duration::ZERO);
    let by_name = server.url.replace("127.0.0.1", "localhost");
    let refused = |url: &str, authorities: &Path, why: &str| {
        add(&home, url, &["--allow-private", "--gate"]).succeed();
        assert_eq!(play_trusting(&home, Some(authorities))["status"], "denied");
        let error = run(&home)["error_message"].as_str().expect("an error").to_owned();
        assert!(error.contains("no secure connection") && error.contains(why), "{error}");
        home.provost(&["hook", "remove", "server"]).succeed();
    };
    refused(&by_name, &stranger, "invalid peer certificate");
    refused(&server.url, &trusted, "not valid for");
    refused(&by_name, &home.write("empty.pem", ""), "no authorities to trust");
    assert!(!server.was_asked());
    add(&home, &by_name, &["--allow-private", "--gate"]).succeed();
    let call = play_trusting(&home, Some(&trusted));
    assert_eq!(call["permission_reason"], "the server is against it");
    assert!(server.next().headers.contains_key("webhook-signature"));
    home.assert_well();
}
