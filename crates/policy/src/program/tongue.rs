//! Programs with a language of their own in which another program can be started: a table of where their code stands, and of the words
//! that start something.

use super::{job::Job, stranger};
use crate::{
    effect::Class,
    text::{Origin, Text},
};

/// A program with a language of its own.
struct Tongue {
    program: &'static str,
    /// Options whose value is code.
    options: &'static [&'static str],
    /// Its operands are code, too.
    takes_operands: bool,
    /// What in its code starts a program.
    sinks: &'static [&'static str],
}

const fn tongue(
    program: &'static str,
    options: &'static [&'static str],
    takes_operands: bool,
    sinks: &'static [&'static str],
) -> Tongue {
    Tongue { program, options, takes_operands, sinks }
}

/// Stands in a list of sinks for an exclamation mark where a command begins.
const BANG: &str = "!";

const SQLITE: &[&str] = &[
    ".sh",
    ".sys",
    ".load",
    "load_extension(",
    "edit(",
    ".once |",
    ".output |",
    ".read |",
    ".import |",
    "'|",
    "\"|",
];
const MYSQL: &[&str] = &["\\!", "system ", "\\P", "pager ", "into outfile", "into dumpfile"];
const DEBUGGER: &[&str] = &[BANG, "shell", "system(", "python", "script", "pipe ", "exec(", "popen("];
const TEX: &[&str] = &["write18", "shell-escape", "\"|"];
const ROFF: &[&str] = &[".sy ", ".pso", "sh {", "sh X"];
const TRACER: &[&str] = &["system("];
const SHELL_ESCAPE: &[&str] = &[BANG, "shell"];
const RPM: &[&str] = &["%(", "%{lua:"];

/// Sorted by program.
const TONGUES: &[Tongue] = &[
    tongue("bpftrace", &["-e"], false, TRACER),
    tongue("bsftp", &[], false, SHELL_ESCAPE),
    tongue("calc", &[], true, &["system("]),
    tongue("cgdb", &["-ex"], false, DEBUGGER),
    tongue("dc", &["-e"], false, &[BANG]),
    tongue("dtrace", &["-n"], false, TRACER),
    tongue("duckdb", &["-c", "-s", "-cmd"], true, SQLITE),
    tongue("ftp", &[], false, SHELL_ESCAPE),
    tongue("gap", &["-c"], false, &["Exec(", "Process("]),
    tongue("gdb", &["-ex", "-iex", "--eval-command", "-eval-command"], false, DEBUGGER),
    tongue("gnuplot", &["-e"], false, &["system", BANG, "popen", "`", "'<", "\"<", "shell"]),
    tongue("gp", &["-e"], false, &["system(", "extern("]),
    tongue("groff", &[], false, ROFF),
    tongue("latex", &[], true, TEX),
    tongue("lftp", &["-e", "-c"], false, SHELL_ESCAPE),
    tongue("lldb", &["-o", "-O", "--one-line", "--one-line-before-file"], false, DEBUGGER),
    tongue("lualatex", &[], true, TEX),
    tongue("luatex", &[], true, TEX),
    tongue("m4", &["-D", "--define"], false, &["syscmd"]),
    tongue("mariadb", &["-e", "--execute"], false, MYSQL),
    tongue("maxima", &["--batch-string", "-r", "--run-string"], false, &["system("]),
    tongue("mongosh", &["--eval"], false, &["child_process", "exec"]),
    tongue("mutt", &["-e"], false, &["`", BANG, "source", "|"]),
    tongue("mysql", &["-e", "--execute", "--init-command"], false, MYSQL),
    tongue("neomutt", &["-e"], false, &["`", BANG, "source", "|"]),
    tongue("nroff", &[], false, ROFF),
    tongue("octave", &["--eval"], false, &["system(", "unix(", "shell_cmd", "popen", "exec(", BANG]),
    tongue("pdflatex", &[], true, TEX),
    tongue("pdftex", &[], true, TEX),
    tongue("pic", &[], false, ROFF),
    tongue("psql", &["-c", "--command", "-v"], false, &["\\!", "program '", "\\o |", "\\g |", "`"]),
    tongue("ranger", &["--cmd"], false, SHELL_ESCAPE),
    tongue("redis-cli", &["--eval", "eval"], false, &["os.execute", "io.popen"]),
    tongue("rpm", &["-E", "--eval", "-D", "--define"], false, RPM),
    tongue("rpmbuild", &["-E", "--eval", "-D", "--define"], false, RPM),
    tongue("rpmspec", &["-E", "--eval", "-D", "--define"], false, RPM),
    tongue("sftp", &[], false, SHELL_ESCAPE),
    tongue("smbclient", &["-c", "--command"], false, SHELL_ESCAPE),
    tongue("sqlite", &["-cmd"], true, SQLITE),
    tongue("sqlite3", &["-cmd", "--cmd"], true, SQLITE),
    tongue("sqlplus", &[], false, &[BANG, "host "]),
    tongue("stap", &["-e"], false, TRACER),
    tongue("telnet", &[], false, SHELL_ESCAPE),
    tongue("tex", &[], true, TEX),
    tongue("troff", &[], false, ROFF),
    tongue("vifm", &["-c"], false, SHELL_ESCAPE),
    tongue("xelatex", &[], true, TEX),
];

fn tongue_of(name: &str) -> Option<&'static Tongue> {
    TONGUES.binary_search_by(|entry| entry.program.cmp(name)).ok().map(|at| &TONGUES[at])
}

/// Whether a program is in the table.
pub(super) fn is_speaker(name: &str) -> bool {
    tongue_of(name).is_some()
}

/// A program of which nothing is known but its language: what else it is given may be paths.
pub(super) fn speaker(job: &mut Job<'_, '_>) {
    for word in job.arguments().to_vec() {
        job.perhaps_reads(&word);
    }
}

/// Reads the code of a program that is in the table.
pub(super) fn listen(job: &mut Job<'_, '_>) {
    let Some(entry) = tongue_of(job.name()) else { return };
    let arguments = job.arguments().to_vec();
    for (at, word) in arguments.iter().enumerate() {
        let option = entry.options.iter().find_map(|option| {
            let rest = word.strip_prefix(option)?;
            let attached = rest.strip_prefix("=").or((option.len() == 2).then_some(rest.clone()));
            if rest.is_empty() { arguments.get(at + 1).cloned() } else { attached }
        });
        if let Some(code) = option {
            spoken(job, entry, &code);
        } else if entry.takes_operands && !word.prefix().starts_with('-') {
            spoken(job, entry, word);
        }
    }
    if let Some(input) = job.input.cloned() {
        if input.literal().is_none() && input.origin() == Some(Origin::Fetched) {
            job.class(Class::OpaqueExec, format!("{} runs what is downloaded or decoded", job.name()));
        }
        spoken(job, entry, &input);
    }
}

/// Code in such a language: asked when it starts a program, or reads what would be denied.
fn spoken(job: &mut Job<'_, '_>, entry: &Tongue, code: &Text) {
    let text = code.masked();
    let lower = text.to_lowercase();
    let starts = entry.sinks.iter().any(|sink| match *sink {
        BANG => begins_with_bang(&lower),
        sink => lower.contains(&sink.to_lowercase()),
    });
    if starts {
        stranger::perhaps_holds(job, &text);
        job.opaque(format!("code of {} starts a program", job.name()));
    } else {
        stranger::perhaps_reads_in(job, &text);
    }
}

/// An exclamation mark at the beginning of a command, of which there may be several in a line.
fn begins_with_bang(text: &str) -> bool {
    text.split(['\n', ';', ':']).any(|command| {
        let command = command.trim_start_matches([' ', '\t', '"', '\'', '(']);
        command.strip_prefix('!').is_some_and(|rest| !rest.starts_with('=') && !rest.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TONGUES.is_sorted_by_key(|entry| entry.program));
    }

    #[test]
    fn a_bang_counts_where_a_command_begins() {
        assert!(begins_with_bang("!ls") && begins_with_bang("open x; !ls") && begins_with_bang(" ! ls"));
        assert!(!begins_with_bang("a != b") && !begins_with_bang("hello!") && !begins_with_bang("!"));
    }
}
