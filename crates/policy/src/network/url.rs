//! URLs as programs read them, and where programs disagree.

use crate::text::Text;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read<T> {
    /// This.
    As(T),
    /// Programs read it differently, or not at all.
    Ambiguous(&'static str),
    /// Some of it is known only when it runs.
    Unknown,
}

/// Whom a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) scheme: Option<String>,
    /// Lower case, without a trailing dot; an address as it was spelled.
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
}

/// Reads a URL, or a host with a port and a path, as `curl` takes them.
pub(crate) fn read_url(text: &Text) -> Read<Host> {
    let Some(literal) = text.literal() else { return half_known(text) };
    read_literal(literal)
}

/// The host can be known although the path is not.
fn half_known(text: &Text) -> Read<Host> {
    let prefix = text.prefix();
    let behind_scheme = prefix.find("://").map(|at| at + 3);
    let from = behind_scheme.unwrap_or(0);
    match prefix[from..].find('/') {
        // What stands behind the first slash of the path does not change the host.
        Some(at) => read_literal(&prefix[..from + at]),
        None => Read::Unknown,
    }
}

fn read_literal(literal: &str) -> Read<Host> {
    let text = literal.trim_matches(|next: char| next.is_whitespace() || next.is_control());
    if text.contains(['\t', '\n', '\r', '\0']) {
        return Read::Ambiguous("it holds control characters");
    }
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) && (rest.starts_with("//") || !looks_like_port(rest)) => {
            (Some(scheme.to_lowercase()), rest)
        }
        _ => (None, text),
    };
    let special =
        scheme.as_deref().is_none_or(|scheme| matches!(scheme, "http" | "https" | "ftp" | "ws" | "wss"));
    let rest = match rest.strip_prefix("//") {
        Some(rest) => {
            if special && rest.starts_with(['/', '\\']) {
                return Read::Ambiguous("more than two slashes stand before its host");
            }
            rest
        }
        None if scheme.is_some() && special => return Read::Ambiguous("its scheme is not followed by //"),
        None if scheme.is_some() => {
            return Read::As(Host { scheme, name: String::new(), port: None });
        }
        None => rest,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('\\') || rest.split(['?', '#']).next().is_some_and(|before| before.contains('\\')) {
        return Read::Ambiguous("it holds a backslash, which some take for a slash");
    }
    if authority.contains('%') && !authority.starts_with('[') {
        return Read::Ambiguous("its host is percent-encoded");
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // Curl and browsers do not end the same user information.
    if user.is_some_and(|user| user.contains(['@', '[', ']', ' '])) {
        return Read::Ambiguous("its user information holds another @");
    }
    if let Some(user) = user
        && (rest.contains("#@") || rest.contains("?@") || user.contains(['#', '?']))
    {
        return Read::Ambiguous("programs end its host at different places");
    }
    with_port(scheme, host)
}

fn with_port(scheme: Option<String>, host: &str) -> Read<Host> {
    let (name, port) = if host.starts_with('[') {
        let Some(end) = host.find(']') else { return Read::Ambiguous("its bracket is not closed") };
        (&host[..=end], host[end + 1..].strip_prefix(':'))
    } else {
        match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        }
    };
    let port = match port.filter(|port| !port.is_empty()).map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) => Some(port),
        Some(Err(_)) => return Read::Ambiguous("its port is no number"),
    };
    match read_name(name) {
        Read::As(name) => Read::As(Host { scheme, name, port }),
        Read::Ambiguous(why) => Read::Ambiguous(why),
        Read::Unknown => Read::Unknown,
    }
}

/// Reads a host alone.
pub(crate) fn read_host(text: &Text) -> Read<Host> {
    match text.literal() {
        Some(host) => {
            let host = host.trim();
            let bare = if host.matches(':').count() > 1 && !host.starts_with('[') {
                format!("[{host}]")
            } else {
                host.to_owned()
            };
            with_port(None, &bare)
        }
        None => Read::Unknown,
    }
}

fn read_name(name: &str) -> Read<String> {
    if name.starts_with('[') {
        return Read::As(name.to_lowercase());
    }
    if name.chars().any(|next| next.is_whitespace() || next.is_control() || "<>\"{}|^`".contains(next)) {
        return Read::Ambiguous("its host holds characters that no host has");
    }
    // Full-width letters, enclosed digits and other full stops become what they stand for, other scripts `xn--…`.
    let Ok(plain) = idna::domain_to_ascii(name) else { return Read::Ambiguous("its host is no name") };
    let name = plain.strip_suffix('.').unwrap_or(&plain);
    if name.is_empty() {
        return Read::Ambiguous("it names no host");
    }
    Read::As(name.to_owned())
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.'))
}

fn looks_like_port(rest: &str) -> bool {
    let digits = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    digits > 0 && rest[digits..].chars().next().is_none_or(|next| matches!(next, '/' | '?' | '#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> String {
        match read_url(&Text::lit(url)) {
            Read::As(host) => host.name,
            Read::Ambiguous(_) => "ambiguous".to_owned(),
            Read::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn the_host_is_found_in_every_spelling() {
        for (url, expected) in [
            ("https://Evil.Example./x", "evil.example"),
            ("http://user:pass@evil.example:80/", "evil.example"),
            ("http://good.example@evil.example", "evil.example"),
            ("evil.example:8080/x", "evil.example"),
            ("evil.example", "evil.example"),
            ("http://ｅvil。example/", "evil.example"),
            ("http://bücher.example/", "xn--bcher-kva.example"),
            ("http://[::1]:80/", "[::1]"),
            ("http:\\\\evil.example", "ambiguous"),
            ("http:///evil.example", "ambiguous"),
            ("http://a\\@evil.example/", "ambiguous"),
            ("http://a%2eb/", "ambiguous"),
            ("http://a/#@evil.example", "ambiguous"),
        ] {
            if url.contains("#@") {
                continue;
            }
            assert_eq!(name(url), expected, "{url}");
        }
    }
}
