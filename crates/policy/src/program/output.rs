//! What programs print, as far as it is constant.

use crate::text::{Hole, Text};

/// What a command prints.
pub(crate) fn printed_by(words: &[Text], input: Option<&Text>) -> Text {
    let Some(name) = words.first().and_then(Text::literal) else { return Text::hole(Hole::UNKNOWN) };
    let rest = &words[1..];
    if counts(name, rest) {
        return Text::hole(Hole::NUMBER);
    }
    match name {
        "echo" => echoed(rest),
        "printf" => formatted(rest),
        "cat" if rest.is_empty() => input.cloned().unwrap_or_else(|| Text::hole(Hole::UNKNOWN)),
        "tee" => input.cloned().unwrap_or_else(|| Text::hole(Hole::UNKNOWN)),
        "cat" | "head" | "tail" if rest.iter().any(|word| word.piped().is_some()) => {
            rest.iter().find_map(Text::piped).cloned().unwrap_or_default()
        }
        "true" | ":" | "false" | "cd" | "test" | "[" | "mkdir" | "rm" | "touch" | "cp" | "mv" | "sleep"
        | "export" | "set" | "kill" | "wait" => Text::default(),
        "pwd" => Text::lit("."),
        "which" | "type" => looked_up(rest.last()),
        "command" if rest.first().and_then(Text::literal) == Some("-v") => looked_up(rest.get(1)),
        "basename" => base_name(rest),
        "dirname" => folder_name(rest),
        "mktemp" => Text::lit("/tmp/provost-mktemp"),
        "date" | "nproc" | "id" | "whoami" | "uname" | "hostname" | "wc" | "arch" | "uuidgen" | "expr"
        | "seq" | "logname" | "cksum" | "md5sum" | "sha1sum" | "sha256sum" | "getconf" | "tput" | "pgrep"
        | "rustc" => Text::hole(Hole::TOKEN),
        "git" => git(rest),
        "curl" | "wget" | "fetch" | "nc" | "ncat" | "netcat" | "socat" | "ftp" | "lynx" | "aria2c"
        | "http" | "https" | "xh" | "telnet" | "dig" | "nslookup" | "host" | "ssh" | "gh" | "scp"
        | "lwp-request" | "GET" => Text::hole(Hole::FETCHED),
        "base64" | "base32" | "basenc" | "xxd" | "openssl" | "uudecode" | "gpg" | "zcat" | "gunzip"
        | "gzip" | "bzcat" | "xzcat" | "xz" | "bunzip2" | "unxz" | "zstdcat" | "unzip" | "ascii2uni"
        | "rev" | "rot13" => decoded(name, rest),
        _ => filtered(input),
    }
}

/// Whether it prints a number, or a word as harmless as one.
fn counts(name: &str, rest: &[Text]) -> bool {
    let Some(words) = rest.iter().map(Text::literal).collect::<Option<Vec<&str>>>() else {
        return name == "expr" && computes(rest);
    };
    let is_option = |word: &&str| word.starts_with('-') && word.len() > 1;
    let has = |option: &str| words.contains(&option);
    let cluster = |letters: &str, needed: char| {
        let mut options = words.iter().filter(|word| is_option(word));
        options.clone().any(|word| word.contains(needed))
            && options.all(|word| word[1..].chars().all(|letter| letters.contains(letter)))
    };
    match name {
        "nproc" | "arch" | "uuidgen" | "whoami" | "logname" => true,
        "id" => cluster("ugGnr", 'u') || cluster("ugr", 'g'),
        // With names of files it prints those too.
        "wc" => words.iter().all(|word| is_option(word) && !word.contains('=')),
        "date" | "seq" | "tput" | "getconf" => !words.iter().any(|word| word.contains(['[', '$', '`', '('])),
        "expr" => computes(rest),
        "grep" | "egrep" | "fgrep" => {
            cluster("cviEFwxqsn", 'c') && words.iter().filter(|word| !is_option(word)).count() <= 2
        }
        "stat" => words
            .iter()
            .any(|word| matches!(word.trim_start_matches("-c"), "%s" | "%Y" | "%X" | "%Z" | "%a" | "%z")),
        "git" => match words.first() {
            Some(&("merge-base" | "hash-object")) => true,
            Some(&"rev-list") => has("--count"),
            Some(&"rev-parse") => words[1..].iter().all(|word| {
                !word.starts_with('-')
                    || ["--short", "--verify", "--abbrev-ref", "-q"].iter().any(|one| word.starts_with(one))
            }),
            _ => false,
        },
        _ => false,
    }
}

/// `expr A + B`
fn computes(rest: &[Text]) -> bool {
    let operator = |at: usize| rest.get(at).and_then(Text::literal);
    rest.len() >= 3 && matches!(operator(1), Some("+" | "-" | "*" | "/" | "%"))
}

/// What other programs print may be what they were fed.
fn filtered(input: Option<&Text>) -> Text {
    Text::hole(Hole::made_of(input.and_then(Text::origin)))
}

fn decoded(name: &str, rest: &[Text]) -> Text {
    let encodes = match name {
        "base64" | "base32" | "basenc" => !rest.iter().any(|word| {
            let text = word.prefix();
            text.starts_with("--d")
                || (text.starts_with('-') && !text.starts_with("--") && text.contains(['d', 'D']))
        }),
        "gzip" | "xz" => {
            !rest.iter().any(|word| word.prefix().starts_with("-") && word.prefix().contains('d'))
        }
        _ => false,
    };
    Text::hole(if encodes { Hole::TOKEN } else { Hole::FETCHED })
}

fn echoed(rest: &[Text]) -> Text {
    let mut text = Text::default();
    let mut escapes = false;
    let mut words = rest.iter().peekable();
    while let Some(flag) = words.peek().and_then(|word| word.literal()) {
        let is_flag =
            flag.len() > 1 && flag.starts_with('-') && flag[1..].chars().all(|letter| "neE".contains(letter));
        if !is_flag {
            break;
        }
        escapes |= flag.contains('e');
        words.next();
    }
    for (at, word) in words.enumerate() {
        if at > 0 {
            text.push_lit(" ");
        }
        text.append(word);
    }
    if !escapes {
        return text;
    }
    match text.literal() {
        Some(literal) => Text::lit(unescaped(literal)),
        None => text,
    }
}

/// `printf` with `%s`, `%b` and `%d` only; everything else is unknown.
fn formatted(rest: &[Text]) -> Text {
    let unknown = || Text::hole(Hole::made_of(rest.iter().filter_map(Text::origin).max()));
    let rest = if rest.first().and_then(Text::literal) == Some("--") { &rest[1..] } else { rest };
    let Some(format) = rest.first().and_then(Text::literal) else { return unknown() };
    let format = unescaped(format);
    let mut values = rest[1..].iter();
    let mut text = Text::default();
    loop {
        let before = values.len();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                text.push_lit(character.encode_utf8(&mut [0; 4]));
                continue;
            }
            match characters.next() {
                Some('%') => text.push_lit("%"),
                Some('s' | 'd') => {
                    if let Some(value) = values.next() {
                        text.append(value);
                    }
                }
                Some('b') => match values.next().map(|value| (value.literal(), value)) {
                    Some((Some(literal), _)) => text.push_lit(&unescaped(literal)),
                    Some((None, value)) => text.append(value),
                    None => {}
                },
                _ => return unknown(),
            }
        }
        if values.len() == 0 || values.len() == before {
            return text;
        }
    }
}

/// Backslash escapes of `echo -e` and `printf`.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let number = |characters: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: usize| {
            let mut digits = String::new();
            while digits.len() < most {
                match characters.peek() {
                    Some(digit) if digit.is_digit(radix) => digits.push(*digit),
                    _ => break,
                }
                characters.next();
            }
            u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32)
        };
        let decoded = match characters.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('a' | 'b' | 'f' | 'v') => Some(' '),
            Some('e' | 'E') => Some('\u{1b}'),
            Some('x') => number(&mut characters, 16, 2),
            Some('u') => number(&mut characters, 16, 4),
            Some('U') => number(&mut characters, 16, 8),
            Some('0') => Some(number(&mut characters, 8, 3).unwrap_or('\0')),
            Some(digit @ '1'..='7') => {
                let mut rest = number(&mut characters, 8, 2)
                    .map_or(String::new(), |rest| format!("{:o}", u32::from(rest)));
                rest.insert(0, digit);
                u32::from_str_radix(&rest, 8).ok().and_then(char::from_u32)
            }
            Some(other) => {
                if other != '\\' && other != '"' && other != '\'' {
                    plain.push('\\');
                }
                Some(other)
            }
            None => Some('\\'),
        };
        plain.extend(decoded);
    }
    plain
}

fn looked_up(name: Option<&Text>) -> Text {
    name.cloned().unwrap_or_default()
}

fn base_name(rest: &[Text]) -> Text {
    match rest.iter().find(|word| !word.prefix().starts_with('-')).and_then(Text::literal) {
        Some(path) if rest.len() == 1 => {
            Text::lit(path.trim_end_matches('/').rsplit('/').next().unwrap_or(path))
        }
        _ => Text::hole(Hole::TOKEN),
    }
}

fn folder_name(rest: &[Text]) -> Text {
    match rest.first().and_then(Text::literal) {
        Some(path) => match path.trim_end_matches('/').rsplit_once('/') {
            Some(("", _)) => Text::lit("/"),
            Some((folder, _)) => Text::lit(folder),
            None => Text::lit("."),
        },
        None => Text::hole(Hole::UNKNOWN),
    }
}

fn git(rest: &[Text]) -> Text {
    let said: Vec<&str> = rest.iter().filter_map(Text::literal).collect();
    match said.as_slice() {
        ["rev-parse", "--show-toplevel"] => Text::lit("."),
        ["rev-parse", ..] if !said.iter().any(|word| word.contains("dir") || word.contains("path")) => {
            Text::hole(Hole::TOKEN)
        }
        ["describe", ..] | ["rev-list", ..] | ["merge-base", ..] | ["hash-object", ..] => {
            Text::hole(Hole::TOKEN)
        }
        _ => Text::hole(Hole::UNKNOWN),
    }
}
