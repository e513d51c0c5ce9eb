use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Characters that look drawn by chance, so many, all of the alphabet.
fn drawn(alphabet: &str, count: usize) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    let mut state = 12345_usize;
    let next = |_| {
        state = (state.wrapping_mul(1_103_515_245) + 12345) & 0x7fff_ffff;
        characters[(state >> 8) % characters.len()]
    };
    (0..count).map(next).collect()
}

const PLAIN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &str = "0123456789abcdef";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[test]
fn the_light_finder_finds_what_the_fast_one_does() {
    let mut some = 0;
    for (text, ..) in positives() {
        let found = |finder: &AhoCorasick| -> Vec<_> {
            finder.find_overlapping_iter(&text).map(|found| (found.pattern(), found.range())).collect()
        };
        let (mut light, mut fast) = (found(&LIGHT), found(&FAST));
        light.sort_by_key(|(pattern, range)| (range.start, *pattern));
        fast.sort_by_key(|(pattern, range)| (range.start, *pattern));
        assert_eq!(light, fast, "{text}");
        some += light.len();
    }
    assert!(some > 100, "{some}");
}

#[test]
fn what_stands_behind_a_secret_is_seen_at_once() {
    let key = |place: &str| format!("-----{place} RSA PRIVATE {}-----", "KEY");
    let lines = drawn(PLAIN, 64);
    let text = format!("{}\n{lines}\n{}mysql -u root -pHunt3r db", key("BEGIN"), key("END"));
    let once = redact_text(&text).into_owned();
    assert!(!once.contains("Hunt3r"), "{once}");
    assert_eq!(redact_text(&once), once);
}

/// A text, and what of it is secret, of which kind. Put together here, so that no scanner takes this file for a leak.
#[expect(clippy::too_many_lines, reason = "a table")]
fn positives() -> Vec<(String, String, &'static str)> {
    let mut cases = Vec::new();
    let mut tokens = |prefix: &str, alphabet: &str, count: usize, kind: &'static str| {
        let token = format!("{prefix}{}", drawn(alphabet, count));
        cases.push((format!("it said {token}, and then"), token, kind));
    };
    tokens("sk-ant-api03-", PLAIN, 95, "anthropic-key");
    tokens("sk-ant-oat01-", PLAIN, 95, "anthropic-key");
    tokens("sk-proj-", PLAIN, 156, "openai-key");
    tokens("sk-svcacct-", PLAIN, 100, "openai-key");
    tokens("sk-", PLAIN, 48, "openai-key");
    tokens("sk-or-v1-", HEX, 64, "openrouter-key");
    tokens("AKIA", BASE32, 16, "aws-access-key");
    tokens("ASIA", BASE32, 16, "aws-access-key");
    for prefix in ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"] {
        tokens(prefix, PLAIN, 36, "github-token");
    }
    tokens("github_pat_", PLAIN, 82, "github-token");
    tokens("glpat-", PLAIN, 20, "gitlab-token");
    tokens("glrt-", PLAIN, 20, "gitlab-token");
    tokens("glptt-", HEX, 40, "gitlab-token");
    tokens("xoxb-123456789012-123456789012-", PLAIN, 24, "slack-token");
    tokens("xoxp-123456789012-", PLAIN, 32, "slack-token");
    tokens("xapp-1-A0123-", PLAIN, 64, "slack-token");
    tokens("sk_live_", PLAIN, 24, "stripe-key");
    tokens("rk_test_", PLAIN, 24, "stripe-key");
    tokens("whsec_", PLAIN, 32, "stripe-secret");
    tokens("AIza", PLAIN, 35, "google-key");
    tokens("ya29.", PLAIN, 120, "google-token");
    tokens("GOCSPX-", PLAIN, 28, "google-secret");
    tokens("npm_", PLAIN, 36, "npm-token");
    tokens("pypi-AgEIcHlwaS5vcmc", PLAIN, 100, "pypi-token");
    tokens("hf_", PLAIN, 34, "huggingface-token");
    tokens("dop_v1_", HEX, 64, "digitalocean-token");
    tokens("SK", HEX, 32, "twilio-key");
    tokens("gsk_", PLAIN, 52, "groq-key");
    tokens("dapi", HEX, 32, "databricks-token");
    tokens("hvs.", PLAIN, 90, "vault-token");
    tokens("shpat_", HEX, 32, "shopify-token");
    let mut built = |text: String, secret: String, kind| cases.push((text, secret, kind));
    let sendgrid = format!("SG.{}.{}", drawn(PLAIN, 22), drawn(PLAIN, 43));
    built(format!("key={sendgrid}\n"), sendgrid, "sendgrid-key");
    let telegram = format!("123456789:AA{}", drawn(PLAIN, 33));
    built(format!("https://api.telegram.org/bot{telegram}/getMe"), telegram, "telegram-token");
    let discord = format!("M{}.{}.{}", drawn(PLAIN, 23), drawn(PLAIN, 6), drawn(PLAIN, 27));
    built(format!("login('{discord}')"), discord, "discord-token");
    let hook = drawn(PLAIN, 68);
    built(format!("https://discord.com/api/webhooks/123456789012345678/{hook}"), hook, "discord-webhook");
    let slack = format!("T{}/B{}/{}", drawn(BASE32, 8), drawn(BASE32, 8), drawn(PLAIN, 24));
    built(format!("https://hooks.slack.com/services/{slack}"), slack, "slack-webhook");
    let azure = format!("abc8Q~{}", drawn(PLAIN, 34));
    built(format!("client: {azure}"), azure, "azure-secret");
    let signature = format!("{}%3D", drawn(PLAIN, 43));
    built(
        format!("https://x.blob.core.windows.net/c?sv=1&sig={signature}&se=2"),
        signature,
        "azure-signature",
    );
    let jwt = format!("eyJ{}.eyJ{}.{}", drawn(PLAIN, 33), drawn(PLAIN, 60), drawn(PLAIN, 43));
    built(format!("cookie session={jwt};"), jwt, "jwt");
    let bearer = drawn(PLAIN, 40);
    built(format!("Authorization: Bearer {bearer}\r\n"), bearer.clone(), "bearer-token");
    built(format!(r#"{{"headers":{{"x":"bearer {bearer}"}}}}"#), bearer, "bearer-token");
    built("Authorization: Basic YWRhOmxvdmVsYWNl\n".into(), "YWRhOmxvdmVsYWNl".into(), "basic-login");
    for label in
        ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "EC PRIVATE KEY"]
    {
        let key = format!(
            "-----BEGIN {label}-----\n{}\n{}\n-----END {label}-----",
            drawn(PLAIN, 64),
            drawn(PLAIN, 40)
        );
        built(format!("cat id\n{key}\n$"), key, "private-key");
    }
    let escaped = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", drawn(PLAIN, 64));
    built(format!(r#"{{"private_key": "{escaped}\n"}}"#), escaped, "private-key");
    let mut assigned = |before: &str, secret: &str, after: &str, kind| {
        built(format!("{before}{secret}{after}"), secret.to_owned(), kind);
    };
    assigned("postgres://ada:", "s3cr3t-Pw", "@db:5432/x", "url-password");
    assigned("redis://:", "hunter22", "@cache:6379", "url-password");
    assigned("https://", "f3b1c2d4e5a697887766554433221100", "@git.example.com/x.git", "url-password");
    assigned("DB_PASSWORD=", "hunter2x", "\nNEXT=1", "password");
    assigned("export PGPASSWORD='", "corr3ct!horse", "'", "password");
    assigned("\"password\": \"", "Tr0ub4dor&3", "\",", "password");
    assigned(r#"{\"password\":\""#, "Tr0ub4dor&3", r#"\"}"#, "password");
    assigned("password: ", "hunter2x", "\nuser: ada", "password");
    assigned("mysql --password ", "hunter2x", " -h db", "password");
    assigned("mysql -u root -p", "Hunt3r", " db", "password");
    assigned("mysqldump -h db -p ", "Hunt3r", " db", "password");
    assigned("sshpass -p '", "Hunt3r x", "' ssh ada@host", "password");
    assigned("curl -s -u ada:", "Hunt3r", " https://x", "password");
    assigned("curl --user 'ada:", "Hunt3r", "' https://x", "password");
    assigned("AWS_SECRET_ACCESS_KEY=", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzB4Tq9xLmA", "\n", "key");
    assigned("aws_session_token = ", "IQoJb3JpZ2luX2VjEJr9a8b7c6d5e4f3", "\n", "token");
    assigned("TWILIO_AUTH_TOKEN=", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "\n", "token");
    assigned("apiKey: '", "9f8e7d6c5b4a39281706", "',", "api-key");
    assigned("X-Api-Key: ", "9f8e7d6c5b4a39281706", "\r\n", "api-key");
    assigned("client_secret=", "Qx7vT2mK9pLw4nRz", "&grant_type=x", "secret");
    assigned("tool --token ", "Qx7vT2mK9pLw4nRz", " --verbose", "token");
    assigned("tool --api-key=", "Qx7vT2mK9pLw4nRz", "", "api-key");
    assigned("AccountName=x;AccountKey=", "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZg==", ";Endpoint=y", "key");
    assigned("<password>", "Tr0ub4dor3", "</password>", "password");
    assigned("CREATE USER x IDENTIFIED BY '", "Tr0ub4dor3", "'", "password");
    assigned("secret_key_base: ", "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d", "\n", "secret");
    assigned("\x1b[3mtoken\x1b[0m\x1b[2m=\x1b[0m\"", "Qx7vT2mK9pLw4nRz", "\"", "token");
    cases
}

#[test]
fn what_is_secret_is_found_whole_and_named() {
    let cases = positives();
    assert!(cases.len() >= 60, "{}", cases.len());
    for (text, secret, kind) in cases {
        let expected = text.replace(&secret, &marker(kind, &secret));
        assert_eq!(redact_text(&text), expected, "{text}");
        assert!(!redact_text(&format!("ü{text}\n{text}")).contains(&secret), "{text}");
    }
}

/// What looks like a secret and is none.
const BENIGN: &[&str] = &[
    "commit d4e65e4f1b2c3a4d5e6f708192a3b4c5d6e7f809",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "\"integrity\": \"sha512-9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0==\"",
    "checksum = \"9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0\"",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "src=\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\"",
    "password=***",
    "password=$PASSWORD",
    "password=${DB_PASSWORD}",
    "password: <password>",
    "--token <token>",
    "token: process.env.TOKEN",
    "const token = process.env.GITHUB_TOKEN;",
    "password=%PASSWORD%",
    "password = {{ password }}",
    "password=",
    "password: \"\"",
    "password=xxxxxxxx",
    "\"password\": \"changeme\"",
    "api_key: YOUR_API_KEY",
    "token=your-token-here",
    "password: string;",
    "password: Option<String>,",
    "token: &str",
    "let token = lexer.next_token();",
    "token = get_token(user)",
    "secret: SecretString",
    "if password == other.password {",
    "self.password = password",
    "password=args.password",
    "max_tokens=4096",
    "\"max_tokens\": 1024",
    "tokens: 120000 in, 4100 out",
    "token_count = 1234567890",
    "token_type: bearer",
    "secretName: db-credentials-1",
    "secret: my-app-secret",
    "the password must be at least 12 characters",
    "Enter password: ",
    "password_hash: argon2id",
    "PWD=/home/ada/project1",
    "OLDPWD=/srv/app2",
    "private_key: /etc/ssl/private/key1.pem",
    "token file: ./token1.txt",
    "the bearer of bad news came",
    "a basic understanding of it",
    "Basic usage: see below",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer <token>",
    "postgres://ada@db/x",
    "postgres://ada:***@db/x",
    "postgres://ada:$PGPASSWORD@db/x",
    "https://example.com/a:b@c",
    "postgres://user:password@host:5432/database",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ3l\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZ\n-----END PUBLIC KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk ada@host",
    "mkdir -p /tmp/a1b2c3",
    "docker run -u 1000:1000 -p 8080:80 app",
    "cp -p file1 file2",
    "mysql -P 3306 -u root -p",
    "psql -U ada -p 5432",
    "curl -u $USER:$PASS https://x",
    "eyJhbGciOiJIUzI1NiJ9",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "AKIAXXXXXXXXXXXXXXXX",
    "sk-ant-...",
    "npm_config_registry_is_set_somewhere_else_x",
    "hf_hub_download(repo)",
    "sk-spinner-three-bounce-animation-delay",
    "AIza is how they begin",
    "use std::token::Token;",
    "crate::secret::redact",
    "0.1.0+20261127.abcdef",
    "at 2026-11-27T14:53:46.730965Z",
    "1.2.3.4:AA",
    "https://hooks.slack.com/services/",
    "SKILLS and SKETCHES",
    "class=\"sk-cube1 sk-cube\"",
    "token => null",
    "token :: Text",
    "csrf token missing",
    "secret/data/app1",
    "tokenizer: bert-base-uncased-v2",
    "accessToken: user.accessToken",
    "apikey = config['apikey']",
];

#[test]
fn what_only_looks_like_a_secret_stays() {
    assert!(BENIGN.len() >= 60, "{}", BENIGN.len());
    for text in BENIGN {
        assert_eq!(redact_text(text), *text);
    }
}

#[test]
fn a_field_with_a_secret_name_is_secret_as_a_whole() {
    let value = json!({
        "user": "ada", "password": "lovelace", "nested": [{ "api_key": "abc", "apiKey": "abd", "max_tokens": 7, "token": 12 }],
        "token": "", "secret": "${SECRET}", "url": "postgres://a:s3cret99@h/x", "note": "nothing",
    });
    let redacted = redact_value(&value).into_owned();
    assert_eq!(
        redacted,
        json!({
            "user": "ada", "password": marker("password", "lovelace"),
            "nested": [{ "api_key": marker("api-key", "abc"), "apiKey": marker("api-key", "abd"), "max_tokens": 7, "token": 12 }],
            "token": "", "secret": "${SECRET}",
            "url": format!("postgres://a:{}@h/x", marker("url-password", "s3cret99")), "note": "nothing",
        })
    );
    assert!(matches!(redact_value(&redacted), Cow::Borrowed(_)), "again changes nothing");
}

#[test]
fn one_secret_has_one_marker_wherever_it_stands() {
    assert_eq!(
        redact_text("a_token=Qx7vT2mK9pLw4nRz"),
        format!("a_token={}", marker("token", "Qx7vT2mK9pLw4nRz"))
    );
    assert_eq!(marker("token", "x").len(), "[redacted:token:sha256-0123456789abcdef]".len());
}

#[test]
fn a_value_ends_where_another_secret_begins() {
    let (value, token) = ("Qx7vT2mK9pLw4nRz", format!("ghp_{}", drawn(PLAIN, 36)));
    let expected =
        format!("token={}+{}", marker("token", "Qx7vT2mK9pLw4nRz+"), marker("github-token", &token))
            .replacen("]+[", "][", 1);
    let once = redact_text(&format!("token={value}+{token}")).into_owned();
    assert_eq!(once, expected);
    assert_eq!(redact_text(&once), once);
}

#[test]
fn a_name_within_what_was_redacted_is_no_name() {
    let text = format!("{} and {}", marker("password", "a"), marker("token", "b"));
    assert_eq!(redact_text(&text), text);
}

#[test]
fn the_time_grows_with_the_length_and_not_with_its_square() {
    let drawn = drawn(PLAIN, 40);
    let pieces = [
        "token=",
        "password=\"",
        "eyJ",
        "eyJ.",
        "eyJaaaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "://a:",
        " -p",
        " -u",
        "mysql -p ",
        "curl -u a:",
        "bearer ",
        "basic ",
        "[redacted:",
        "[redacted:token:sha256-",
        ".",
        "Maaaaaaaaaaaaaaaaaaaaaaa.aaaaaa.",
        "1234567890:AA",
        "sk-",
        "ghp_",
        "sk-ant-",
        "sig=",
        "xoxb-a1b2c3",
        "eyJaaaaaaaaaaa-",
        "token=a1b2c3d4",
        "\\\"",
        "8Q~",
        "é",
        "\0",
        drawn.as_str(),
        "a=b\n",
        "--token ",
    ];
    let size = if cfg!(debug_assertions) { 1 << 17 } else { 1 << 20 };
    for piece in pieces {
        let text = piece.repeat(size / piece.len());
        let begin = std::time::Instant::now();
        let once = redact_text(&text).into_owned();
        eprintln!("{piece:?} {:?}", begin.elapsed());
        // A build without optimisation on a busy machine; what grows with the square takes minutes.
        assert!(begin.elapsed().as_secs() < 20, "{piece:?}: {:?}", begin.elapsed());
        assert_eq!(redact_text(&once), once, "{piece:?}");
    }
}

/// Pieces of which texts are made that come near to secrets.
fn piece() -> impl Strategy<Value = String> {
    let known: Vec<String> = positives()
        .into_iter()
        .flat_map(|(text, secret, _)| [text, secret])
        .chain(BENIGN.iter().map(|text| (*text).to_owned()))
        .collect();
    let glue = [
        "",
        " ",
        "\n",
        "=",
        ": ",
        "\"",
        "'",
        "\\\"",
        "password",
        "token=",
        "[redacted:",
        "]",
        "://",
        "@",
        ".",
        "-",
        "é",
        "\0",
        "mysql -p",
        "eyJ",
        ":AA",
    ];
    prop_oneof![
        prop::sample::select(known),
        prop::sample::select(glue.map(str::to_owned).to_vec()),
        "[ -~]{0,12}",
        ".{0,4}",
    ]
}

proptest! {
    #[test]
    fn redacting_again_changes_nothing(pieces in prop::collection::vec(piece(), 0..8)) {
        let text = pieces.concat();
        let once = redact_text(&text).into_owned();
        prop_assert_eq!(redact_text(&once), once.as_str(), "{:?}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(redact_text(&text));
        drop(redact_text(&String::from_utf8_lossy(&bytes)));
        drop(redact_value(&json!({ text.as_str(): text, "password": text })));
    }

    #[test]
    fn a_value_is_redacted_once(pieces in prop::collection::vec(piece(), 0..4), name in piece()) {
        let value = json!({ name.as_str(): pieces.concat(), "list": pieces, "password": name });
        let once = redact_value(&value).into_owned();
        prop_assert_eq!(redact_value(&once).into_owned(), once);
    }
}
