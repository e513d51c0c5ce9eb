//! JSON texts that somebody else wrote, changed in places while every other byte stays.

use std::ops::Range;

/// A value in a text, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Scalar,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where its name begins.
    pub(crate) start: usize,
    pub(crate) value: Node,
}

/// Bytes that are to stand in the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

impl Node {
    /// Finds out where everything in a text is.
    ///
    /// # Errors
    /// When it is no JSON; line and column are named.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        // From here on it is known to be well-formed.
        Ok(Reader { text: text.as_bytes(), at: 0 }.value())
    }

    /// The member of this name; of several the last, which is the one that counts.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().rev().find(|member| member.name == name).map(|member| &member.value)
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Kind::Array(items) = &self.kind { items } else { &[] }
    }

    pub(crate) const fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    pub(crate) const fn is_array(&self) -> bool {
        matches!(self.kind, Kind::Array(_))
    }

    pub(crate) fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span.clone()]
    }

    /// The text of a value that is one.
    pub(crate) fn string(&self, text: &str) -> Option<String> {
        serde_json::from_str(self.text(text)).ok()
    }

    /// Where each part stands, from the beginning of its name on where it has one.
    fn parts(&self) -> Vec<Range<usize>> {
        match &self.kind {
            Kind::Object(members) => {
                members.iter().map(|member| member.start..member.value.span.end).collect()
            }
            Kind::Array(items) => items.iter().map(|item| item.span.clone()).collect(),
            Kind::Scalar => Vec::new(),
        }
    }

    /// Adds a part behind all others, in lines of its own where the parts have theirs. `part` is written with this indentation.
    pub(crate) fn append(&self, text: &str, part: impl FnOnce(&str) -> String) -> Edit {
        let base = indentation(text, self.span.start);
        let Some(last) = self.parts().pop() else {
            let indent = format!("{base}{}", step(text));
            let at = self.span.start + 1;
            return Edit { span: at..at, text: format!("\n{indent}{}\n{base}", part(&indent)) };
        };
        let before_last = &text[self.span.start..last.start];
        let indent = if before_last.contains('\n') {
            indentation(text, last.start).to_owned()
        } else {
            base.to_owned()
        };
        let separator = if before_last.contains('\n') { format!(",\n{indent}") } else { ", ".to_owned() };
        Edit { span: last.end..last.end, text: format!("{separator}{}", part(&indent)) }
    }

    /// Takes out the parts at these places, with the commas and blanks that were theirs.
    pub(crate) fn remove(&self, text: &str, places: &[usize]) -> Vec<Edit> {
        let parts = self.parts();
        if places.len() == parts.len() {
            let (start, end) = (self.span.start + 1, parts.last().map_or(self.span.end - 1, |last| last.end));
            let rest = &text[end..self.span.end - 1];
            let line_end = rest.find('\n').map_or(0, |at| {
                let blanks = rest[at + 1..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                at + 1 + blanks
            });
            return vec![Edit { span: start..end + line_end, text: String::new() }];
        }
        let removed = |place: &usize| places.contains(place);
        let edit = |place: usize| {
            // After the last part that stays goes the comma before; before the first one that stays, the comma after.
            let span = match (0..place).rev().find(|before| !removed(before)) {
                Some(_) => parts[place - 1].end..parts[place].end,
                None => parts[place].start..parts.get(place + 1).map_or(parts[place].end, |next| next.start),
            };
            Edit { span, text: String::new() }
        };
        places.iter().map(|place| edit(*place)).collect()
    }
}

/// The text with all edits made, which do not overlap.
pub(crate) fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut result = String::new();
    let mut copied = 0;
    for Edit { span, text: new } in edits {
        result.push_str(&text[copied..span.start.max(copied)]);
        result.push_str(&new);
        copied = span.end.max(copied);
    }
    result + &text[copied..]
}

/// What the line of a place begins with.
fn indentation(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let blanks = text[line..at].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[line..line + blanks]
}

/// What one level more is indented by, as the text does it.
fn step(text: &str) -> &str {
    let blanks = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let first = text.lines().find(|line| blanks(line) > 0 && !line.trim().is_empty());
    first.map_or("  ", |line| &line[..blanks(line)])
}

/// Walks over a text that is known to be well-formed.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Node {
        self.skip_blanks();
        let start = self.at;
        let kind = match self.peek() {
            b'{' => self.parts(b'}', Self::member, Kind::Object),
            b'[' => self.parts(b']', Self::value, Kind::Array),
            b'"' => {
                self.string();
                Kind::Scalar
            }
            _ => {
                while !matches!(self.peek(), b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | 0) {
                    self.at += 1;
                }
                Kind::Scalar
            }
        };
        Node { span: start..self.at, kind }
    }

    fn parts<T>(&mut self, close: u8, read: fn(&mut Self) -> T, kind: fn(Vec<T>) -> Kind) -> Kind {
        let mut parts = Vec::new();
        self.at += 1;
        self.skip_blanks();
        while !matches!(self.peek(), byte if byte == close || byte == 0) {
            parts.push(read(self));
            self.skip_blanks();
            if self.peek() == b',' {
                self.at += 1;
                self.skip_blanks();
            }
        }
        self.at += 1;
        kind(parts)
    }

    fn member(&mut self) -> Member {
        self.skip_blanks();
        let start = self.at;
        self.string();
        let name = serde_json::from_slice(&self.text[start..self.at]).unwrap_or_default();
        self.skip_blanks();
        self.at += 1;
        Member { name, start, value: self.value() }
    }

    fn string(&mut self) {
        self.at += 1;
        loop {
            match self.peek() {
                b'\\' => self.at += 2,
                b'"' | 0 => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// The next byte; 0, which no JSON text has, at the end.
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_whatever_is_in_the_texts() {
        let text = r#" { "a\"}": [1, {"b": "]\\"}, -2.5e3 ], "c" : null } "#;
        let node = Node::read(text).expect("JSON");
        let list = node.get("a\"}").expect("a member");
        let items: Vec<_> = list.items().iter().map(|item| item.text(text)).collect();
        assert_eq!(items, ["1", r#"{"b": "]\\"}"#, "-2.5e3"]);
        assert_eq!(node.get("c").map(|node| node.text(text)), Some("null"));
        assert_eq!(node.text(text), text.trim());
    }

    #[test]
    fn what_is_appended_and_removed_leaves_every_byte() {
        for text in
            ["{\n  \"a\": 1\n}\n", "{\"a\": 1}", "{\n\t\"a\": [1,\n2],\n\n\t\"b\": {}   \n}", "{}", "{\n}\n"]
        {
            let node = Node::read(text).expect("JSON");
            let added = edited(text, vec![node.append(text, |_| "\"z\": 0".to_owned())]);
            let again = Node::read(&added).unwrap_or_else(|error| panic!("{error}: {added}"));
            assert_eq!(again.get("z").map(|node| node.text(&added)), Some("0"), "{added}");
            let Kind::Object(members) = &again.kind else { panic!("an object") };
            let back = edited(&added, again.remove(&added, &[members.len() - 1]));
            assert_eq!(back, text, "{added}");
        }
    }

    #[test]
    fn any_parts_can_be_removed() {
        let text = "[ 0,1 , 2, 3 ]";
        let node = Node::read(text).expect("JSON");
        for places in 0..16_u32 {
            let removed: Vec<_> = (0..4).filter(|place| places & (1 << place) != 0).collect();
            let left = edited(text, node.remove(text, &removed));
            let expected: Vec<_> = (0..4).filter(|place| places & (1 << place) == 0).collect();
            let found: Vec<usize> =
                serde_json::from_str(&left).unwrap_or_else(|error| panic!("{error}: {left}"));
            assert_eq!(found, expected, "{left}");
        }
    }
}
