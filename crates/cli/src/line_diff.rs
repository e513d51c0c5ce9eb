//! What changes between two texts, line by line.

/// How many lines are shown around a change.
const AROUND: usize = 2;
/// More lines than this are not compared one by one.
const MOST_COMPARED: usize = 2000;

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
    /// Lines that are the same and not shown.
    Skipped,
}

/// The lines that differ, with a few around them; empty when none does.
pub(crate) fn difference<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let lines = compared(&old, &new);
    let is_change = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut shown = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (from, to) = (index.saturating_sub(AROUND), (index + AROUND + 1).min(lines.len()));
        if lines[from..to].iter().any(is_change) {
            shown.push(*line);
        } else if !matches!(shown.last(), Some(Line::Skipped)) {
            shown.push(Line::Skipped);
        }
    }
    if lines.iter().any(is_change) { shown } else { Vec::new() }
}

fn compared<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut lines: Vec<_> = old[..head].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(old_middle, new_middle));
    lines.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}

/// By the longest common subsequence.
fn middle<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    if old.len() > MOST_COMPARED || new.len() > MOST_COMPARED {
        let gone = old.iter().map(|line| Line::Gone(line));
        return gone.chain(new.iter().map(|line| Line::New(line))).collect();
    }
    let mut common = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for (i, old_line) in old.iter().enumerate().rev() {
        for (j, new_line) in new.iter().enumerate().rev() {
            common[i][j] = if old_line == new_line {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let is_same = i < old.len() && j < new.len() && old[i] == new[j];
        if is_same {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_what_is_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10";
        let shown = difference(old, new);
        let expected = [
            Line::Skipped,
            Line::Same("3"),
            Line::Same("4"),
            Line::Gone("5"),
            Line::New("five"),
            Line::Same("6"),
            Line::Same("7"),
            Line::Same("8"),
            Line::Same("9"),
            Line::New("10"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(difference(old, old), []);
        assert_eq!(difference("", "a"), [Line::New("a")]);
    }
}
