//! Programs that talk to hosts.

use super::{
    job::Job,
    options::{Grammar, Options},
};
use crate::text::{Hole, Text};

const CURL: Grammar = Grammar::new(
    "oTdFHAbceExXuUmrCDhKQtwyYzIZ1P",
    &[
        "output",
        "upload-file",
        "data",
        "data-binary",
        "data-raw",
        "data-urlencode",
        "data-ascii",
        "form",
        "form-string",
        "json",
        "header",
        "user-agent",
        "cookie",
        "cookie-jar",
        "referer",
        "cert",
        "key",
        "cacert",
        "capath",
        "proxy",
        "preproxy",
        "request",
        "user",
        "proxy-user",
        "max-time",
        "range",
        "continue-at",
        "dump-header",
        "config",
        "quote",
        "write-out",
        "resolve",
        "connect-to",
        "url",
        "interface",
        "unix-socket",
        "abstract-unix-socket",
        "retry",
        "retry-delay",
        "connect-timeout",
        "netrc-file",
        "output-dir",
        "socks5",
        "socks5-hostname",
        "socks4",
        "socks4a",
        "doh-url",
        "trace",
        "trace-ascii",
        "stderr",
        "etag-save",
        "etag-compare",
        "limit-rate",
        "max-redirs",
        "libcurl",
        "url-query",
        "cert-type",
        "ciphers",
        "dns-servers",
        "hostpubmd5",
        "mail-from",
        "mail-rcpt",
        "proto",
        "proto-redir",
        "variable",
        "expand-url",
        "max-filesize",
        "proto-default",
        "alt-svc",
        "hsts",
        "pubkey",
        "request-target",
    ],
);

/// Options of `curl` that name a file it writes.
const CURL_WRITES: [&str; 14] = [
    "-o",
    "--output",
    "-c",
    "--cookie-jar",
    "-D",
    "--dump-header",
    "--trace",
    "--trace-ascii",
    "--stderr",
    "--output-dir",
    "--etag-save",
    "--libcurl",
    "--hsts",
    "--alt-svc",
];

/// `curl`
pub(super) fn curl(job: &mut Job<'_, '_>) {
    // `-h`, `-P`, `-I` and `-Z` stand alone in what people write.
    let options = job.options(Grammar { short: "oTdFHAbceExXuUmrCDKQtwyYz", ..CURL });
    let urls: Vec<Text> =
        options.operands.iter().chain(options.values(&["--url", "--expand-url"])).cloned().collect();
    for url in &urls {
        job.connect_url(url);
    }
    for proxy in options
        .values(&[
            "-x",
            "--proxy",
            "--preproxy",
            "--socks5",
            "--socks5-hostname",
            "--socks4",
            "--socks4a",
            "--doh-url",
        ])
        .cloned()
        .collect::<Vec<_>>()
    {
        job.connect_url(&proxy);
    }
    for place in options.values(&["--resolve", "--connect-to"]).cloned().collect::<Vec<_>>() {
        redirected(job, &place, options.has(&["--resolve"]));
    }
    for path in options
        .values(&["-T", "--upload-file", "-K", "--config", "--netrc-file", "-E", "--cert", "--key"])
        .cloned()
        .collect::<Vec<_>>()
    {
        job.read(&path);
    }
    if options.has(&["-K", "--config"]) {
        job.opaque("curl -K reads what it does from a file");
    }
    for value in options
        .values(&[
            "-d",
            "--data",
            "--data-binary",
            "--data-ascii",
            "--json",
            "-F",
            "--form",
            "-H",
            "--header",
            "--data-urlencode",
            "--url-query",
            "--variable",
            "-w",
            "--write-out",
        ])
        .cloned()
        .collect::<Vec<_>>()
    {
        uploaded(job, &value);
    }
    // Cookies themselves have an equals sign.
    for value in options.values(&["-b", "--cookie"]).cloned().collect::<Vec<_>>() {
        if !value.prefix().contains('=') {
            job.read(&value);
        }
    }
    let mut writes: Vec<Text> = options.values(&CURL_WRITES).cloned().collect();
    if options.has(&["-O", "--remote-name", "--remote-name-all"]) {
        writes.extend(urls.iter().filter_map(remote_name));
    }
    job.write_all(&writes);
}

/// `@file`, `name=@file`, `name=<file`, `name@file`
fn uploaded(job: &mut Job<'_, '_>, value: &Text) {
    let Some(text) = value.literal() else {
        if let Some(path) = value.strip_prefix("@") {
            job.read(&path);
        }
        return;
    };
    if let Some((before, path)) = text.split_once('@') {
        let path = path.split(';').next().unwrap_or(path);
        if before.is_empty() || before.ends_with('=') || !before.contains([' ', ':', '{', '"', '.', '/']) {
            job.read(&Text::lit(path));
        }
    }
    if let Some((_, path)) = text.split_once("=<") {
        job.read(&Text::lit(path.split(';').next().unwrap_or(path)));
    }
}

/// `host:port:address` and `host:port:host:port`
fn redirected(job: &mut Job<'_, '_>, place: &Text, is_resolve: bool) {
    let Some(text) = place.literal() else {
        job.connect_host(&Text::hole(Hole::UNKNOWN), "http");
        return;
    };
    let mut parts = text.trim_start_matches('+').splitn(3, ':');
    let (_, _, rest) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    for address in rest.split(',') {
        let host = if is_resolve || address.starts_with('[') {
            address
        } else {
            address.split(':').next().unwrap_or(address)
        };
        if !host.is_empty() {
            job.connect_host(&Text::lit(host), "http");
        }
    }
}

fn remote_name(url: &Text) -> Option<Text> {
    let text = url.literal()?;
    let text = text.split(['?', '#']).next()?;
    let name = text.rsplit('/').next()?;
    (!name.is_empty() && text.matches('/').count() > 2).then(|| Text::lit(name))
}

const WGET: Grammar = Grammar::new(
    "oOaiPUetTwQAXDIRlB",
    &[
        "output-file",
        "append-output",
        "output-document",
        "input-file",
        "directory-prefix",
        "user-agent",
        "execute",
        "tries",
        "timeout",
        "wait",
        "quota",
        "post-data",
        "post-file",
        "body-file",
        "body-data",
        "header",
        "load-cookies",
        "save-cookies",
        "method",
        "user",
        "password",
        "referer",
        "certificate",
        "private-key",
        "ca-certificate",
        "config",
        "level",
        "accept",
        "reject",
        "domains",
        "exclude-domains",
        "use-askpass",
        "base",
        "bind-address",
        "limit-rate",
        "dns-servers",
        "rejected-log",
        "warc-file",
    ],
);

/// `wget`
pub(super) fn wget(job: &mut Job<'_, '_>) {
    let options = job.options(WGET);
    for url in &options.operands {
        job.connect_url(url);
    }
    for path in options
        .values(&[
            "-i",
            "--input-file",
            "--post-file",
            "--body-file",
            "--load-cookies",
            "--certificate",
            "--private-key",
            "--config",
        ])
        .cloned()
        .collect::<Vec<_>>()
    {
        job.read(&path);
    }
    let from_input = options.values(&["-i", "--input-file"]).any(|path| path.literal() == Some("-"));
    if let Some(text) = job.input.and_then(Text::literal).filter(|_| from_input).map(str::to_owned) {
        text.split_whitespace().for_each(|url| job.connect_url(&Text::lit(url)));
    }
    for setting in options.values(&["-e", "--execute"]).cloned().collect::<Vec<_>>() {
        if let Some((name, value)) = setting.split_once('=')
            && name.contains("proxy")
        {
            job.connect_url(&value);
        }
    }
    let mut writes: Vec<Text> = options
        .values(&[
            "-O",
            "--output-document",
            "-o",
            "--output-file",
            "-a",
            "--append-output",
            "-P",
            "--directory-prefix",
            "--save-cookies",
            "--warc-file",
            "--rejected-log",
        ])
        .cloned()
        .collect();
    if !options.has(&["-O", "--output-document", "--spider"]) {
        writes.extend(options.operands.iter().filter_map(remote_name));
    }
    job.write_all(&writes);
    let prints = options
        .values(&["-O", "--output-document"])
        .any(|path| matches!(path.literal(), Some("-" | "/dev/stdout")));
    if !prints {
        job.printed = Text::default();
    }
}

/// `nc`, `socat`, `telnet`: a host and a port.
pub(super) fn socket(job: &mut Job<'_, '_>) {
    let options = job
        .options(Grammar::new("eciopqswxXWTLHgGIMV", &["exec", "sh-exec", "proxy", "proxy-type", "source"]));
    if let Some(text) = options.value(&["-e", "--exec", "-c", "--sh-exec"]) {
        let text = text.clone();
        job.shell(&text);
        job.judge_both();
        job.opaque(format!("{} gives a host the input and output of a program", job.name()));
    }
    if let Some(proxy) = options.value(&["-x", "--proxy"]) {
        let host = proxy.split_once(':').map_or(proxy.clone(), |(host, _)| Text::lit(host));
        job.connect_host(&host, "tcp");
    }
    if !options.has(&["-l", "--listen"])
        && let Some(host) = options.operands.first()
    {
        let host = host.clone();
        job.connect_host(&host, "tcp");
    }
}

/// `socat`: addresses such as `TCP:host:port`, `EXEC:command`, files.
pub(super) fn socat(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("blLtTW", &[]));
    for address in &options.operands {
        let Some((kind, rest)) = address.split_once(':') else {
            if address.prefix().contains('/') {
                job.write(address);
            }
            continue;
        };
        match kind.to_lowercase().as_str() {
            "exec" | "system" | "shell" => {
                job.shell(&rest);
                job.judge_both();
                job.opaque("socat runs a program");
            }
            "open" | "file" | "create" | "gopen" => job.write(&rest),
            kind if kind.contains("listen") => {}
            _ => {
                let host = rest.split_once(':').map_or(rest.clone(), |(host, _)| Text::lit(host));
                job.connect_host(&host, "tcp");
            }
        }
    }
}

/// Programs whose operands are URLs or hosts.
pub(super) fn urls(job: &mut Job<'_, '_>) {
    let options: Options =
        job.options(Grammar::new("oOdxptPcn", &["output", "dir", "proxy", "count", "port", "all-proxy"]));
    let writes: Vec<Text> = options.values(&["-o", "--output"]).cloned().collect();
    for operand in &options.operands {
        let text = operand.prefix();
        let is_method = matches!(text, "GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "PATCH" | "OPTIONS");
        let is_field = text.contains('=') && !text.contains("://")
            || (text.contains(':') && !text.contains('.') && !text.contains("://") && !text.starts_with(':'));
        if let Some((_, path)) = operand.split_once('@') {
            job.read(&path);
        } else if !is_method && !is_field {
            if text.contains("://") || text.contains('/') {
                job.connect_url(operand);
            } else {
                job.connect_host(operand, "http");
            }
        }
    }
    job.write_all(&writes);
}

/// `ping`, `dig` and the like: hosts.
pub(super) fn hosts(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("ciwWstTpfkbqyQmMiI", &["count", "port"]));
    for operand in options.operands.iter().filter(|word| !word.prefix().starts_with('+')) {
        let is_type = operand
            .literal()
            .is_some_and(|text| text.chars().all(|next| next.is_ascii_uppercase() || next.is_ascii_digit()));
        let host = operand.strip_prefix("@").unwrap_or_else(|| operand.clone());
        if !is_type {
            job.connect_host(&host, "dns");
        }
    }
}
