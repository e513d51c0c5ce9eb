//! Whether a value is a secret, or stands for one, or is none.

/// It is no placeholder: not a variable, a field of a template, asterisks or a word that says what belongs there.
pub(super) fn may_be_secret(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty()
        && !value.starts_with(['$', '<', '{', '%', '*', '[', '@'])
        && !["${", "{{", "$(", super::MARKER].iter().any(|sign| value.contains(sign))
        && value.bytes().any(|byte| Some(&byte) != value.as_bytes().first())
        && !is_placeholder(value)
}

/// Words that stand where a secret would.
fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "changeme",
        "change-me",
        "change_me",
        "dummy",
        "example",
        "false",
        "foobar",
        "hidden",
        "masked",
        "none",
        "null",
        "omitted",
        "optional",
        "placeholder",
        "redacted",
        "required",
        "replace_me",
        "replaceme",
        "secret",
        "string",
        "token",
        "true",
        "undefined",
        "unset",
        "unknown",
    ];
    const BEGINNINGS: &[&str] = &[
        "your", "xxx", "...", "my-", "my_", "insert", "enter-", "enter_", "test-", "test_", "fake", "sample",
    ];
    let value = value.to_ascii_lowercase();
    WORDS.contains(&value.as_str()) || BEGINNINGS.iter().any(|beginning| value.starts_with(beginning))
}

/// It looks drawn by chance, not typed: at least six different characters, and a digit or both cases.
pub(super) fn is_random(value: &str) -> bool {
    let counts = Counts::of(value);
    counts.different() >= 6 && (counts.digits > 0 || (counts.upper > 0 && counts.lower > 0))
}

/// How sure the name says that what it names is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sureness {
    /// Passwords, which people choose.
    Password,
    /// Keys and tokens, which programs draw.
    Drawn,
}

/// Whether something that is assigned to such a name is a secret.
pub(super) fn is_assigned_secret(value: &str, sureness: Sureness, is_quoted: bool) -> bool {
    let least = if sureness == Sureness::Password { 6 } else { 8 };
    if value.len() < least || !is_varied(value, sureness) {
        return false;
    }
    let is_other = value.contains(char::is_whitespace) || is_path(value) || is_words(value);
    !is_other && (is_quoted || !is_code(value)) && may_be_secret(value)
}

/// Whether it has the characters that a secret of that kind has.
fn is_varied(value: &str, sureness: Sureness) -> bool {
    let counts = Counts::of(value);
    let letters = counts.upper + counts.lower;
    match sureness {
        Sureness::Password => {
            counts.different() >= 4 && (counts.digits > 0 || (letters > 0 && counts.signs > 0))
        }
        Sureness::Drawn => {
            let is_mixed = letters > 0 && counts.digits > 0 && counts.entropy() >= 2.8;
            let is_long =
                value.len() >= 20 && counts.upper > 0 && counts.lower > 0 && counts.entropy() >= 3.7;
            is_mixed || is_long
        }
    }
}

/// An address or a place in the file system.
fn is_path(value: &str) -> bool {
    let is_rooted = ["/", "./", "../", "~/"].iter().any(|root| value.starts_with(root));
    let is_base64 = value.len() >= 40 && !value.contains(['.', '_', '-']);
    value.contains("://") || (is_rooted && !is_base64)
}

/// Something that a program computes: a call, an index, or a path of names.
fn is_code(value: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && part.len() <= 24
    };
    value.contains(['(', '[', '{'])
        || value.contains("::")
        || value.contains("->")
        || value.starts_with('&')
        || (value.contains('.') && value.split('.').all(is_name))
}

/// Words with numbers behind them at most, such as a name in a cluster: letters or digits between dashes, dots and the like.
fn is_words(value: &str) -> bool {
    let is_word = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.len() - letters.len() <= 2 && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let mut parts = value.split(['-', '_', '.', '/', ':', '@']);
    let is_one = !value.contains(['-', '_', '.', '/', ':', '@']);
    if is_one {
        return value.bytes().all(|byte| byte.is_ascii_lowercase())
            || value.bytes().all(|byte| byte.is_ascii_uppercase());
    }
    parts.all(is_word)
}

/// How often each character stands in a value, and how many of each kind.
struct Counts {
    each: [u32; 256],
    length: u32,
    upper: u32,
    lower: u32,
    digits: u32,
    signs: u32,
}

impl Counts {
    fn of(value: &str) -> Self {
        const MOST: usize = 512;
        let mut counts = Self { each: [0; 256], length: 0, upper: 0, lower: 0, digits: 0, signs: 0 };
        for byte in value.bytes().take(MOST) {
            counts.each[usize::from(byte)] += 1;
            counts.length += 1;
            match byte {
                b'A'..=b'Z' => counts.upper += 1,
                b'a'..=b'z' => counts.lower += 1,
                b'0'..=b'9' => counts.digits += 1,
                b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'?' | b'~' | b'+' | b'=' => {
                    counts.signs += 1;
                }
                _ => {}
            }
        }
        counts
    }

    fn different(&self) -> usize {
        self.each.iter().filter(|count| **count > 0).count()
    }

    /// Shannon's, in bits a character.
    fn entropy(&self) -> f64 {
        let length = f64::from(self.length.max(1));
        let shares = self.each.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
        -shares.map(|share| share * share.log2()).sum::<f64>()
    }
}
