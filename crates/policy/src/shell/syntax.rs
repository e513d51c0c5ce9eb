//! The syntax of a shell program, as far as judging it needs. Nothing outside `shell::parse` knows the parser.

/// A command or several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Words, with what is assigned before them and where they read and write.
    Simple { assignments: Vec<Assignment>, words: Vec<Word>, redirects: Vec<Redirect> },
    /// Each one's output is the next one's input.
    Pipeline(Vec<Self>),
    /// One after the other.
    Sequence(Vec<(Self, Connector)>),
    /// In a process of its own.
    Subshell(Box<Self>, Vec<Redirect>),
    /// `{ …; }`, and other compound commands with redirections.
    Group(Box<Self>, Vec<Redirect>),
    /// The condition, and what may run after it.
    If { condition: Box<Self>, branches: Vec<Self> },
    /// `for` and `select`: a name and its words; none means the positional parameters.
    For { name: String, words: Option<Vec<Word>>, body: Box<Self> },
    /// `while`, `until` and the arithmetic `for`.
    While { condition: Box<Self>, body: Box<Self>, is_endless: bool },
    /// The word, and each arm's patterns and body.
    Case { word: Word, arms: Vec<(Vec<Word>, Option<Self>)> },
    /// `name() { … }`
    Function { name: String, body: Box<Self> },
    /// Beside the rest; the name of the array that holds its descriptors.
    Coprocess { name: String, command: Box<Self> },
    /// `[[ … ]]`: its words are only looked at, but some of them are read as arithmetic.
    Test { words: Vec<Word>, evaluated: Vec<Word> },
    /// `(( … ))` and the like.
    Arithmetic(Arithmetic),
    /// Nothing.
    Empty,
}

/// What stands behind a command of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connector {
    Then,
    And,
    Or,
    Background,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// `+=`
    pub(crate) is_appended: bool,
    /// `name[…]=`, whose element nobody looks for.
    pub(crate) subscript: Option<Arithmetic>,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Word(Word),
    Array(Vec<Word>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Redirect {
    /// The file descriptor where it is named; the output else, or the input.
    pub(crate) fd: Option<i32>,
    /// `{name}<`: the variable that gets the descriptor.
    pub(crate) fd_name: Option<String>,
    pub(crate) to: Target,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// `<`
    Read(Word),
    /// `>`, `>>`, `>|`, `&>`, `&>>`
    Write(Word),
    /// `<>`
    ReadWrite(Word),
    /// `>&`: a descriptor, or a file.
    Duplicate(Word),
    /// `<&`: a descriptor.
    DuplicateInput(Word),
    /// `<<`: its body; nothing in it is substituted when its delimiter is quoted.
    HereDocument(Word),
    /// `<<<`
    HereString(Word),
}

/// A word before anything in it is substituted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Word {
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Literal {
        text: String,
        is_quoted: bool,
    },
    /// `$name`, `${name…}`
    Parameter {
        parameter: Parameter,
        is_quoted: bool,
    },
    /// `$(…)` and `` `…` ``
    Substitution {
        program: Box<Node>,
        is_quoted: bool,
    },
    /// `<(…)` and `>(…)`
    Process {
        program: Box<Node>,
        is_output: bool,
    },
    /// `$((…))`
    Arithmetic(Arithmetic),
    /// Something that could not be read.
    Opaque,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// What stands in the brackets of `${name[…]}`.
    pub(crate) subscript: Option<String>,
    /// `${!name}`
    pub(crate) is_indirect: bool,
    /// `${#name}`
    pub(crate) is_length: bool,
    pub(crate) operator: Option<String>,
    pub(crate) argument: Option<Word>,
    /// What is evaluated in a subscript or an offset.
    pub(crate) inside: Arithmetic,
}

/// An expression of numbers: the shell reads the values of its names as expressions again, and runs what is substituted in them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Arithmetic {
    /// What is substituted inside.
    pub(crate) programs: Vec<Node>,
    /// The names in it.
    pub(crate) names: Vec<String>,
}

impl Word {
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Literal { text: text.into(), is_quoted: true }] }
    }

    /// Its text where it is plain text, quotes removed.
    pub(crate) fn plain(&self) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}
