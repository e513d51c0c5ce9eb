//! What is merged is finished.

use super::violation::Violation;
use super::workspace::Workspace;

const MACROS: &[&str] = &["todo!(", "unimplemented!(", "#[ignore"];

/// Put together here, so that this file does not contain them.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X")];

/// No placeholder, no test that is switched off, no mark for later.
pub(crate) fn nothing_is_left_unfinished(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &workspace.sources {
        for pattern in MACROS {
            violations.extend(source.find_everywhere(pattern).into_iter().map(|line| {
                let wrong = format!("`{pattern}` is a promise");
                Violation::new(&source.path, line, wrong, "finish it, or leave it out and open an issue")
            }));
        }
        for (number, line) in (1..).zip(&source.lines) {
            violations.extend(MARKS.iter().filter(|mark| has_word(line, mark)).map(|mark| {
                Violation::new(
                    &source.path,
                    number,
                    format!("{mark} marks a debt"),
                    "pay it, or open an issue",
                )
            }));
        }
    }
    violations
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !character.is_alphanumeric() && character != '_').any(|each| each == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        nothing_is_left_unfinished(&Workspace::of(&[("crates/app/src/a.rs", text)])).len()
    }

    #[test]
    fn promises_are_found() {
        assert_eq!(found("fn f() { todo!() }"), 1);
        assert_eq!(found("fn f() { unimplemented!(\"later\") }"), 1);
        assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
    }

    #[test]
    fn marks_are_found_as_words() {
        assert_eq!(found(&format!("// {}: later", MARKS[0])), 1);
        assert_eq!(found(&format!("// {}Y", MARKS[1])), 0);
    }
}
