//! From text to syntax. The only module that knows the parser.

use rable::{ListOperator, Node as Parsed, NodeKind};

use super::{
    guard,
    substitution::{self, Unread},
    syntax::{Assignment, Connector, Node, Redirect, Target, Value, Word},
    word,
};

/// Why a text is no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SyntaxProblem(pub(crate) String);

impl From<Unread> for SyntaxProblem {
    fn from(Unread: Unread) -> Self {
        Self("a substitution in it cannot be read".to_owned())
    }
}

/// Reads a whole program. Works on the stack of whoever asks.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxProblem> {
    guard::check(text)?;
    parse_here(text)
}

/// The same for parts of a text that was checked.
pub(super) fn parse_here(text: &str) -> Result<Node, SyntaxProblem> {
    let parsed = rable::parse(text, true).map_err(|error| SyntaxProblem(error.to_string()))?;
    let nodes = parsed.iter().map(node).collect::<Result<Vec<_>, _>>()?;
    Ok(sequence(nodes.into_iter().map(|node| (node, Connector::Then)).collect()))
}

/// Words of one line, read as arguments.
pub(super) fn parse_words(text: &str) -> Result<Vec<Word>, SyntaxProblem> {
    match parse_here(&format!(": {text}"))? {
        Node::Simple { assignments, words, redirects } if assignments.is_empty() && redirects.is_empty() => {
            Ok(words.into_iter().skip(1).collect())
        }
        _ => Err(SyntaxProblem("it is no list of words".to_owned())),
    }
}

fn sequence(mut items: Vec<(Node, Connector)>) -> Node {
    match items.len() {
        0 => Node::Empty,
        1 if items[0].1 == Connector::Then => items.remove(0).0,
        _ => Node::Sequence(items),
    }
}

fn node(parsed: &Parsed) -> Result<Node, SyntaxProblem> {
    Ok(match &parsed.kind {
        NodeKind::Command { assignments, words, redirects } => Node::Simple {
            assignments: assignments.iter().map(assignment).collect::<Result<_, _>>()?,
            words: words_of(words)?,
            redirects: redirects_of(redirects)?,
        },
        NodeKind::Pipeline { commands, .. } => {
            Node::Pipeline(commands.iter().map(node).collect::<Result<_, _>>()?)
        }
        NodeKind::List { .. } => list(parsed)?,
        NodeKind::If { condition, then_body, else_body, redirects } => {
            let mut branches = vec![node(then_body)?];
            if let Some(body) = else_body {
                branches.push(node(body)?);
            }
            redirected(Node::If { condition: boxed(condition)?, branches }, redirects)?
        }
        NodeKind::While { condition, body, redirects } => {
            let is_endless = is_constant(condition, &["true", ":", "1"]);
            let looped = Node::While { condition: boxed(condition)?, body: boxed(body)?, is_endless };
            redirected(looped, redirects)?
        }
        NodeKind::Until { condition, body, redirects } => {
            let is_endless = is_constant(condition, &["false"]);
            let looped = Node::While { condition: boxed(condition)?, body: boxed(body)?, is_endless };
            redirected(looped, redirects)?
        }
        NodeKind::For { var, words, body, redirects } | NodeKind::Select { var, words, body, redirects } => {
            let words = words.as_ref().map(|words| words_of(words)).transpose()?;
            redirected(Node::For { name: var.clone(), words, body: boxed(body)? }, redirects)?
        }
        NodeKind::ForArith { init, cond, incr, body, redirects } => {
            let is_endless = cond.trim().is_empty();
            let inside = substitution::arithmetic(&format!("{init};{cond};{incr}"))?;
            let condition = Box::new(Node::Arithmetic(inside));
            redirected(Node::While { condition, body: boxed(body)?, is_endless }, redirects)?
        }
        NodeKind::Case { word: subject, patterns, redirects } => {
            let arms = patterns.iter().map(|arm| {
                let body = arm.body.as_ref().map(node).transpose()?;
                Ok((words_of(&arm.patterns)?, body))
            });
            let arms = arms.collect::<Result<_, SyntaxProblem>>()?;
            redirected(Node::Case { word: one_word(subject)?, arms }, redirects)?
        }
        NodeKind::Function { name, body } => Node::Function { name: name.clone(), body: boxed(body)? },
        NodeKind::Subshell { body, redirects } => Node::Subshell(boxed(body)?, redirects_of(redirects)?),
        NodeKind::BraceGroup { body, redirects } => Node::Group(boxed(body)?, redirects_of(redirects)?),
        NodeKind::Coproc { command, name } => {
            let name = name.clone().unwrap_or_else(|| "COPROC".to_owned());
            Node::Coprocess { name, command: boxed(command)? }
        }
        NodeKind::Negation { pipeline } | NodeKind::Time { pipeline, .. } => node(pipeline)?,
        NodeKind::ConditionalExpr { body, redirects } => {
            let (mut words, mut evaluated) = (Vec::new(), Vec::new());
            test_words(body, &mut words, &mut evaluated)?;
            redirected(Node::Test { words, evaluated }, redirects)?
        }
        NodeKind::ArithmeticCommand { redirects, raw_content, .. } => {
            redirected(Node::Arithmetic(substitution::arithmetic(raw_content)?), redirects)?
        }
        NodeKind::Empty | NodeKind::Comment { .. } => Node::Empty,
        other => {
            let name = format!("{other:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default();
            return Err(SyntaxProblem(format!("it holds a {name} where a command is expected")));
        }
    })
}

/// A program within a word.
pub(super) fn node_of(parsed: &Parsed) -> Result<Node, SyntaxProblem> {
    node(parsed)
}

fn boxed(parsed: &Parsed) -> Result<Box<Node>, SyntaxProblem> {
    node(parsed).map(Box::new)
}

/// The parser gives long lists as lists whose first item is a list; here they are one.
fn list(parsed: &Parsed) -> Result<Node, SyntaxProblem> {
    let mut items = Vec::new();
    let mut waiting = vec![(parsed, Connector::Then)];
    while let Some((next, connector)) = waiting.pop() {
        match &next.kind {
            NodeKind::List { items: inner } => {
                let last = inner.len().saturating_sub(1);
                for (at, item) in inner.iter().enumerate().rev() {
                    let own = item.operator.map_or(Connector::Then, connector_of);
                    waiting.push((
                        &item.command,
                        if at == last && item.operator.is_none() { connector } else { own },
                    ));
                }
            }
            _ => items.push((node(next)?, connector)),
        }
    }
    Ok(sequence(items))
}

const fn connector_of(operator: ListOperator) -> Connector {
    match operator {
        ListOperator::And => Connector::And,
        ListOperator::Or => Connector::Or,
        ListOperator::Semi => Connector::Then,
        ListOperator::Background => Connector::Background,
    }
}

fn redirected(inner: Node, redirects: &[Parsed]) -> Result<Node, SyntaxProblem> {
    if redirects.is_empty() {
        return Ok(inner);
    }
    Ok(Node::Group(Box::new(inner), redirects_of(redirects)?))
}

fn is_constant(condition: &Parsed, constants: &[&str]) -> bool {
    match &condition.kind {
        NodeKind::Command { words, .. } => {
            words.len() == 1
                && matches!(&words[0].kind, NodeKind::Word { value, .. } if constants.contains(&value.as_str()))
        }
        NodeKind::ArithmeticCommand { raw_content, .. } => constants.contains(&raw_content.trim()),
        NodeKind::ConditionalExpr { body, .. } => {
            matches!(&body.kind, NodeKind::UnaryTest { operand, .. }
                if matches!(&operand.kind, NodeKind::CondTerm { value, .. } if constants.contains(&value.as_str())))
        }
        _ => false,
    }
}

fn words_of(parsed: &[Parsed]) -> Result<Vec<Word>, SyntaxProblem> {
    let mut words = Vec::new();
    for parsed in parsed {
        words.extend(word::words(parsed)?);
    }
    Ok(words)
}

/// A word where the shell expands no braces.
fn one_word(parsed: &Parsed) -> Result<Word, SyntaxProblem> {
    word::word(parsed)
}

fn assignment(parsed: &Parsed) -> Result<Assignment, SyntaxProblem> {
    let NodeKind::Word { value, .. } = &parsed.kind else {
        return Err(SyntaxProblem("it assigns something that is no word".to_owned()));
    };
    let assigned = word::assignment(value, parsed)?;
    assigned.ok_or_else(|| SyntaxProblem(format!("{value:?} is no assignment")))
}

/// `name=(…)`: its elements.
pub(super) fn array(text: &str) -> Result<Value, SyntaxProblem> {
    parse_words(text).map(Value::Array)
}

fn redirects_of(parsed: &[Parsed]) -> Result<Vec<Redirect>, SyntaxProblem> {
    parsed.iter().map(redirect).collect()
}

fn redirect(parsed: &Parsed) -> Result<Redirect, SyntaxProblem> {
    match &parsed.kind {
        NodeKind::HereDoc { content, quoted, fd, complete, .. } => {
            if !complete {
                return Err(SyntaxProblem("a here-document has no end".to_owned()));
            }
            let body = if *quoted { Word::literal(content.as_str()) } else { word::here_document(content)? };
            Ok(Redirect { fd: descriptor(*fd), fd_name: None, to: Target::HereDocument(body) })
        }
        NodeKind::Redirect { op, target, fd, varfd } => {
            let target = one_word(target)?;
            let to = match op.as_str() {
                "<" => Target::Read(target),
                ">" | ">>" | ">|" | "&>" | "&>>" => Target::Write(target),
                "<>" => Target::ReadWrite(target),
                ">&" => Target::Duplicate(target),
                "<&" => Target::DuplicateInput(target),
                "<<<" => Target::HereString(target),
                other => return Err(SyntaxProblem(format!("{other:?} is no redirection that is known"))),
            };
            Ok(Redirect { fd: descriptor(*fd), fd_name: varfd.clone(), to })
        }
        _ => Err(SyntaxProblem("it redirects something that is no word".to_owned())),
    }
}

fn descriptor(fd: i32) -> Option<i32> {
    (fd >= 0).then_some(fd)
}

/// Operators of `[[ ]]` whose operands are expressions of numbers, or names with a subscript.
const EVALUATED: [&str; 8] = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R"];

/// All operands, and those that are evaluated.
fn test_words(
    parsed: &Parsed,
    words: &mut Vec<Word>,
    evaluated: &mut Vec<Word>,
) -> Result<(), SyntaxProblem> {
    let before = words.len();
    match &parsed.kind {
        NodeKind::CondNot { operand } => test_words(operand, words, evaluated)?,
        NodeKind::CondParen { inner } => test_words(inner, words, evaluated)?,
        NodeKind::CondAnd { left, right } | NodeKind::CondOr { left, right } => {
            test_words(left, words, evaluated)?;
            test_words(right, words, evaluated)?;
        }
        NodeKind::UnaryTest { op, operand } => {
            test_words(operand, words, evaluated)?;
            if EVALUATED.contains(&op.as_str()) {
                evaluated.extend_from_slice(&words[before..]);
            }
        }
        NodeKind::BinaryTest { op, left, right } => {
            test_words(left, words, evaluated)?;
            test_words(right, words, evaluated)?;
            if EVALUATED.contains(&op.as_str()) {
                evaluated.extend_from_slice(&words[before..]);
            }
        }
        NodeKind::CondTerm { value, .. } => words.push(word::term(value)?),
        NodeKind::Empty => {}
        _ => words.push(one_word(parsed)?),
    }
    Ok(())
}
