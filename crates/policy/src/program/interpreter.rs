//! Interpreters: code in an argument, in a file, or on the input.

use super::{
    code::{self, Language},
    job::Job,
    option_value,
    options::Grammar,
};
use crate::{
    effect::Class,
    text::{Origin, Text},
};

/// Commands of `deno` and its like, which stand where others have a file.
const DENO: [&str; 11] =
    ["run", "test", "task", "install", "fmt", "lint", "check", "eval", "x", "build", "add"];

/// `python`, `node`, `perl`, `ruby`, `php`, `lua`, …
pub(super) fn interpreter(job: &mut Job<'_, '_>) {
    let language = language_of(job.name());
    let grammar = grammar_of(language);
    let (grammar, arguments) = spread(language, grammar, job.arguments());
    let options = grammar.read(&arguments);
    let codes: Vec<Text> = match language {
        Language::Other => {
            let arguments = job.arguments();
            code_options(job.name())
                .iter()
                .flat_map(|option| option_value::values(arguments, option))
                .collect()
        }
        _ => options
            .all()
            .filter(|(name, _)| is_code(language, name))
            .filter_map(|(_, value)| value.cloned())
            .collect(),
    };
    for path in options.values(&["--env-file"]).cloned().collect::<Vec<_>>() {
        job.read(&path);
    }
    for path in options.values(&["--require", "--import", "--loader"]).cloned().collect::<Vec<_>>() {
        if path.prefix().starts_with(['/', '.', '~']) {
            let (place, name) = (job.place(&path), job.name().to_owned());
            job.walker.script_file(&place, &name, job.scope);
        }
    }
    let in_place =
        matches!(language, Language::Perl | Language::Ruby) && options.all().any(|(name, _)| name == "-i");
    if !codes.is_empty() {
        for text in &codes {
            code::scan(job, language, text);
        }
        let reads = options.has(&["-n", "-p"]) || in_place;
        for path in &options.operands {
            if in_place {
                job.write(path);
            } else if reads {
                job.read(path);
            } else {
                // What the code gets as its arguments.
                job.perhaps_reads(path);
            }
        }
        return;
    }
    if let Some(module) = options.value(&["-m"]).filter(|_| language == Language::Python) {
        let module = module.clone();
        // What stands behind the module is the module's.
        let at = arguments.iter().position(|word| *word == module);
        let rest = at.map_or(Vec::new(), |at| arguments[at + 1..].to_vec());
        python_module(job, &module, &rest);
        return;
    }
    if options.has(&["--version", "-V", "-v", "--help", "-h"]) && options.operands.is_empty() {
        job.is_pure();
        return;
    }
    if language == Language::Php && options.has(&["-l"])
        || language != Language::Php && options.has(&["--check", "-c"]) && language != Language::Python
    {
        job.read_all(&options.operands);
        return;
    }
    let file = options.operands.first().filter(|file| file.literal() != Some("-")).cloned();
    let is_deno = language == Language::Other
        && file.as_ref().and_then(Text::literal).is_some_and(|word| DENO.contains(&word));
    if is_deno {
        return deno(job, &options.operands);
    }
    match file {
        Some(file) => scripted(job, language, &file, &options.operands[1..]),
        None => fed(job, language),
    }
}

const fn grammar_of(language: Language) -> Grammar {
    match language {
        Language::Python => Grammar::leading("cmWXQ", &["check-hash-based-pycs"]),
        Language::Node => Grammar::leading(
            "epr",
            &[
                "eval",
                "print",
                "require",
                "import",
                "loader",
                "experimental-loader",
                "input-type",
                "env-file",
                "conditions",
            ],
        ),
        Language::Perl => Grammar::leading("eEIMm", &[]),
        Language::Ruby => Grammar::leading("erICEKWx", &["encoding"]),
        Language::Php => Grammar::leading("rfdBREFSczt", &["run", "file", "define", "server"]),
        Language::Other => Grammar::leading("eElm", &["eval", "execute"]),
    }
}

/// Joins `-ne 'code'` and `-lane 'code'`, whose last letter takes the code.
fn spread(language: Language, grammar: Grammar, arguments: &[Text]) -> (Grammar, Vec<Text>) {
    let short = match language {
        // `-i.bak` and `-0777`, `-F:` take what is attached.
        Language::Perl => "eEIMmF",
        _ => grammar.short,
    };
    let fixed = arguments
        .iter()
        .map(|word| match word.literal() {
            Some(text)
                if matches!(language, Language::Perl | Language::Ruby)
                    && text.starts_with("-i")
                    && text.len() > 2
                    && !text.starts_with("-i.") =>
            {
                word.clone()
            }
            // `-p` and `-e` together take one text.
            Some("-pe") if language == Language::Node => Text::lit("-e"),
            Some(text) if matches!(language, Language::Perl | Language::Ruby) && text.starts_with("-i.") => {
                Text::lit("-i")
            }
            _ => word.clone(),
        })
        .collect();
    (Grammar { short, ..grammar }, fixed)
}

fn is_code(language: Language, option: &str) -> bool {
    match language {
        Language::Python => option == "-c",
        Language::Node => matches!(option, "-e" | "-p" | "--eval" | "--print"),
        Language::Perl => matches!(option, "-e" | "-E"),
        Language::Ruby => option == "-e",
        Language::Php => matches!(option, "-r" | "--run" | "-B" | "-R" | "-E"),
        Language::Other => false,
    }
}

/// The options of other languages whose value is code.
fn code_options(name: &str) -> &'static [&'static str] {
    match name {
        "erl" => &["-eval", "-s", "-run"],
        "swipl" => &["-g", "-t"],
        "guile" | "gosh" | "csi" | "chicken" => &["-c", "-e"],
        "expect" | "hy" | "chez" | "petite" => &["-c"],
        "sbcl" | "ecl" => &["--eval", "-eval"],
        "clisp" => &["-x"],
        "crystal" | "nim" | "v" => &["eval", "--eval"],
        "racket" => &["-e", "-l", "--eval"],
        _ => &["-e", "-E", "--eval", "--execute", "-eval"],
    }
}

fn language_of(name: &str) -> Language {
    let base = name.trim_end_matches(|next: char| next.is_ascii_digit() || next == '.');
    match base {
        "python" | "pypy" | "ipython" | "uvpython" | "pythonw" => Language::Python,
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" => Language::Node,
        "perl" => Language::Perl,
        "ruby" | "jruby" | "irb" => Language::Ruby,
        "php" => Language::Php,
        _ => Language::Other,
    }
}

fn scripted(job: &mut Job<'_, '_>, language: Language, file: &Text, rest: &[Text]) {
    if let Some(text) = job.behind(file) {
        if let Some(text) = text {
            run_text(job, language, &text);
        }
        return;
    }
    let (place, name) = (job.place(file), job.name().to_owned());
    job.walker.script_file(&place, &name, job.scope);
    job.read(file);
    for word in rest {
        job.perhaps_reads(word);
    }
}

/// Code on the input.
fn fed(job: &mut Job<'_, '_>, language: Language) {
    if let Some(input) = job.input.cloned() {
        run_text(job, language, &input);
    }
}

fn run_text(job: &mut Job<'_, '_>, language: Language, text: &Text) {
    if text.literal().is_none() && text.origin() == Some(Origin::Fetched) {
        job.class(Class::PipeToShell, format!("{} runs what is downloaded or decoded", job.name()));
        return;
    }
    code::scan(job, language, text);
}

/// `python -m module`: modules that only work on the project are known.
fn python_module(job: &mut Job<'_, '_>, module: &Text, rest: &[Text]) {
    match module.literal() {
        Some("json.tool") => {
            job.is_pure();
            if let Some(path) = rest.first() {
                job.read(path);
            }
            if let Some(path) = rest.get(1) {
                job.write(path);
            }
        }
        Some("http.server") => {
            let named =
                ["-d", "--directory"].iter().find_map(|option| option_value::values(rest, option).pop());
            let folder = named.unwrap_or_else(|| Text::lit("."));
            job.list(&folder);
            job.read_below(&folder);
        }
        Some("timeit" | "trace" | "pdb" | "cProfile" | "code") => {
            for word in rest.iter().filter(|word| word.literal().is_some_and(|text| text.contains('('))) {
                code::scan(job, Language::Python, word);
            }
        }
        Some("pip") => {
            let mut words = vec![Text::lit("pip")];
            words.extend(rest.iter().cloned());
            job.run(&words);
            job.judge_both();
        }
        Some(
            "base64" | "zipfile" | "tarfile" | "gzip" | "compileall" | "py_compile" | "tokenize" | "ast",
        ) => {
            rest.iter().filter(|word| !word.prefix().starts_with('-')).for_each(|path| job.read(path));
        }
        Some(_) => rest.iter().for_each(|word| job.perhaps_reads(word)),
        None => job.opaque("which module python runs is known only when it runs"),
    }
}

/// `deno run`, `bun run` and the like.
fn deno(job: &mut Job<'_, '_>, words: &[Text]) {
    let rest = &words[1..];
    match words[0].literal() {
        Some("eval") => {
            for text in rest.iter().filter(|word| !word.prefix().starts_with('-')) {
                code::scan(job, Language::Node, text);
            }
        }
        Some("run" | "x") => {
            if rest.iter().any(|word| word.literal() == Some("-")) {
                fed(job, Language::Node);
            } else if let Some(file) = rest.iter().find(|word| !word.prefix().starts_with('-')) {
                if file.prefix().contains("://") {
                    job.connect_url(file);
                    job.class(Class::PipeToShell, "it runs what it downloads");
                } else if file.prefix().contains('/') {
                    let (place, name) = (job.place(file), job.name().to_owned());
                    job.walker.script_file(&place, &name, job.scope);
                }
            }
        }
        _ => {}
    }
}
