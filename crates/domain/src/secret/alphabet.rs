//! The characters that secrets are written in, and where words of them begin and end.

use std::ops::Range;

/// A set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `0-9a-f`
    Hex,
    /// `A-Z2-7`
    Base32,
    /// `A-Za-z0-9`
    Plain,
    /// `A-Za-z0-9_-`
    Url,
    /// `A-Za-z0-9_-.`
    Dotted,
    /// `A-Za-z0-9+/=_-.~`, as in an authorization header
    Header,
    /// `A-Za-z0-9+/=%`
    Base64,
}

impl Alphabet {
    pub(super) const fn contains(self, byte: u8) -> bool {
        match self {
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => Self::Url.contains(byte) || byte == b'.',
            Self::Header => Self::Dotted.contains(byte) || matches!(byte, b'+' | b'/' | b'=' | b'~'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'%'),
        }
    }

    /// The run of these characters that begins here; a full stop at its end is the sentence's.
    pub(super) fn run(self, text: &str, start: usize) -> Range<usize> {
        self.run_up_to(text, start, usize::MAX)
    }

    /// The same, or so much of it: what is looked at and is none may be looked at again from a little further on.
    pub(super) fn run_up_to(self, text: &str, start: usize, longest: usize) -> Range<usize> {
        let bytes = &text.as_bytes()[start..];
        let mut length = bytes.iter().take(longest).take_while(|byte| self.contains(**byte)).count();
        while length > 0 && bytes[length - 1] == b'.' {
            length -= 1;
        }
        start..start + length
    }

    /// The run of these characters that ends here, at most so long.
    pub(super) fn run_before(self, text: &str, end: usize, longest: usize) -> Range<usize> {
        let before = text.as_bytes()[..end].iter().rev().take(longest);
        end - before.take_while(|byte| self.contains(**byte)).count()..end
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A word begins here: what stands before is none, or the end of an escape such as `\n`.
pub(super) fn begins_word(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !is_word(before),
        [] => true,
    }
}

/// A word ends here.
pub(super) fn ends_word(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_none_or(|after| !is_word(*after))
}
