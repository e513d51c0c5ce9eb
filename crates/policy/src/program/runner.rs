//! Programs that run another one with the words or the text behind their own: a table, an entry for each way.

use super::{job::Job, options::Grammar, stranger::stranger};
use crate::text::{Part, Text};

/// One way in which a program runs another one.
#[derive(Debug, Clone, Copy)]
struct Runner {
    name: &'static str,
    /// What stands first of its operands, for `exec` of `direnv exec . make`; none means that the command stands there.
    commands: &'static [&'static str],
    /// The command stands behind one of these options.
    behind: &'static [&'static str],
    grammar: Grammar,
    /// How many operands stand before the command.
    skip: usize,
    takes: Takes,
    /// Rules see only what it runs.
    is_transparent: bool,
}

/// How a program takes what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// As words; a single one with blanks in it as a text.
    Words,
    /// As one text for a shell, in one word or several.
    Text,
    /// As texts, one command each.
    Texts,
    /// As keys that are typed into a shell.
    Keys,
}

const fn runs(name: &'static str, grammar: Grammar, skip: usize) -> Runner {
    let takes = Takes::Words;
    Runner { name, commands: &[], behind: &[], grammar, skip, takes, is_transparent: false }
}

const fn transparent(name: &'static str, grammar: Grammar, skip: usize) -> Runner {
    Runner { is_transparent: true, ..runs(name, grammar, skip) }
}

const fn under(
    name: &'static str,
    commands: &'static [&'static str],
    grammar: Grammar,
    skip: usize,
) -> Runner {
    Runner { commands, ..runs(name, grammar, skip) }
}

const fn behind(name: &'static str, behind: &'static [&'static str]) -> Runner {
    Runner { behind, ..runs(name, Grammar::leading("", &[]), 0) }
}

impl Runner {
    const fn by(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }
}

/// Sorted by name; the first way that fits is taken.
const RUNNERS: &[Runner] = &[
    runs("aa-exec", Grammar::leading("pn", &["profile", "namespace"]), 0),
    runs("abduco", Grammar::leading("ncAaer", &[]), 0),
    behind("alacritty", &["-e", "--command"]),
    under("apptainer", &["exec"], Grammar::leading("B", &["bind"]), 1),
    under("asdf", &["exec", "env"], Grammar::leading("", &[]), 0),
    under("aws-vault", &["exec"], Grammar::leading("d", &["duration", "region"]), 1),
    runs("background", Grammar::leading("", &[]), 0),
    runs("bench", Grammar::leading("", &[]), 0).by(Takes::Texts),
    under("berglas", &["exec"], Grammar::leading("", &[]), 0),
    runs("box64", Grammar::leading("", &[]), 0),
    under("buildah", &["run"], Grammar::leading("", &[]), 1),
    under("bundle", &["exec"], Grammar::leading("", &[]), 0),
    under("bundler", &["exec"], Grammar::leading("", &[]), 0),
    runs("byobu", Grammar::leading("", &[]), 0),
    runs("c8", Grammar::leading("", &[]), 0),
    under("cabal", &["exec", "run"], Grammar::leading("", &[]), 0),
    transparent("caffeinate", Grammar::leading("tw", &[]), 0),
    under("carton", &["exec"], Grammar::leading("", &[]), 0),
    runs("catchsegv", Grammar::leading("", &[]), 0),
    transparent("ccache", Grammar::leading("", &[]), 0),
    runs("cgexec", Grammar::leading("g", &[]), 0),
    under("chamber", &["exec"], Grammar::leading("", &[]), 0),
    runs("chdir", Grammar::leading("", &[]), 1),
    runs("chokidar", Grammar::leading("", &[]), 1),
    transparent("choom", Grammar::leading("np", &["adjust", "pid"]), 0),
    runs("chpst", Grammar::leading("ueUbmdoprcf", &[]), 0),
    transparent("chronic", Grammar::leading("", &[]), 0),
    transparent(
        "chrt",
        Grammar::leading("TPDp", &["sched-runtime", "sched-period", "sched-deadline", "pid"]),
        1,
    ),
    runs("chruby-exec", Grammar::leading("", &[]), 1),
    behind("cmake", &["-E"]),
    under("composer", &["exec"], Grammar::leading("d", &["working-dir"]), 0),
    runs("concurrently", Grammar::leading("nclksrp", &["names", "prefix-colors", "success"]), 0)
        .by(Takes::Texts),
    under("conda", &["run"], Grammar::leading("np", &["name", "prefix", "cwd"]), 0),
    transparent("cpulimit", Grammar::leading("lpe", &["limit", "pid", "exe"]), 0),
    under("crictl", &["exec"], Grammar::leading("", &[]), 1),
    runs("cross-env", Grammar::leading("", &[]), 0),
    runs("cross-env-shell", Grammar::leading("", &[]), 0).by(Takes::Text),
    runs(
        "daemon",
        Grammar::leading(
            "npNuUrlfFDX",
            &["name", "pidfile", "user", "chdir", "command", "output", "stdout", "stderr"],
        ),
        0,
    ),
    runs("daemonize", Grammar::leading("acelopu", &[]), 0),
    runs("datefudge", Grammar::leading("", &[]), 1),
    runs("dbus-launch", Grammar::leading("", &[]), 0),
    transparent("dbus-run-session", Grammar::leading("", &["config-file", "dbus-daemon"]), 0),
    under("devbox", &["run"], Grammar::leading("ce", &["config", "env"]), 0),
    under("devenv", &["shell"], Grammar::leading("", &[]), 0),
    under("direnv", &["exec"], Grammar::leading("", &[]), 1),
    transparent("distcc", Grammar::leading("", &[]), 0),
    under("distrobox", &["enter"], Grammar::leading("n", &["name"]), 0),
    under("doppler", &["run"], Grammar::leading("pc", &["project", "config", "token"]), 0),
    runs("dotenv", Grammar::leading("efcv", &["file", "env"]), 0),
    under("dotenvx", &["run"], Grammar::leading("f", &["env-file"]), 0),
    runs("dtach", Grammar::leading("ncAaNEr", &[]), 0),
    runs("dumb-init", Grammar::leading("", &[]), 0),
    under("dune", &["exec"], Grammar::leading("", &[]), 0),
    transparent("eatmydata", Grammar::leading("", &[]), 0),
    runs("env-cmd", Grammar::leading("fe", &["file", "environments"]), 0),
    runs("envchain", Grammar::leading("", &[]), 1),
    runs("envdir", Grammar::leading("", &[]), 1),
    runs("envuidgid", Grammar::leading("", &[]), 1),
    runs("execlineb", Grammar::leading("", &[]), 0),
    runs("fakechroot", Grammar::leading("", &[]), 0),
    transparent("fakeroot", Grammar::leading("lsib", &["lib", "faked"]), 0),
    runs("faketime", Grammar::leading("f", &["date-format"]), 1),
    transparent("firejail", Grammar::leading("", &[]), 0),
    runs("flatpak-spawn", Grammar::leading("", &["directory", "env"]), 0),
    under("flox", &["activate"], Grammar::leading("", &[]), 0),
    under("fnm", &["exec"], Grammar::leading("", &["using"]), 0),
    runs("foot", Grammar::leading("Tw", &["title"]), 0),
    under("forego", &["run"], Grammar::leading("", &[]), 0),
    runs("foreground", Grammar::leading("", &[]), 0),
    under("foreman", &["run"], Grammar::leading("fe", &["procfile", "env"]), 0),
    runs("gamemoderun", Grammar::leading("", &[]), 0),
    behind("gdb", &["--args", "-args"]),
    behind("ghostty", &["-e"]),
    runs("gnome-session-inhibit", Grammar::leading("", &["app-id", "reason", "inhibit"]), 0),
    behind("gnome-terminal", &["--", "-e", "-x"]),
    under("goenv", &["exec"], Grammar::leading("", &[]), 0),
    runs("gosu", Grammar::leading("", &[]), 1),
    under("gprofng", &["collect"], Grammar::leading("", &[]), 0),
    transparent("gstdbuf", Grammar::leading("ioe", &["input", "output", "error"]), 0),
    transparent("gtime", Grammar::leading("fo", &["format", "output"]), 0),
    transparent("gtimeout", Grammar::leading("ks", &["kill-after", "signal"]), 1),
    under("guix", &["shell", "environment"], Grammar::leading("", &[]), 0),
    under("hatch", &["run"], Grammar::leading("e", &["env"]), 0).by(Takes::Text),
    runs("heaptrack", Grammar::leading("op", &["output"]), 0),
    under("heroku", &["local:run"], Grammar::leading("", &[]), 0),
    under("honcho", &["run"], Grammar::leading("fe", &["procfile", "env"]), 0),
    runs("hwatch", Grammar::leading("n", &["interval"]), 0),
    runs(
        "hyperfine",
        Grammar::leading(
            "wmMrpscCnuSN",
            &[
                "warmup",
                "min-runs",
                "max-runs",
                "runs",
                "prepare",
                "setup",
                "cleanup",
                "conclude",
                "parameter-scan",
                "parameter-list",
                "shell",
                "export-json",
                "export-markdown",
                "export-csv",
                "style",
                "command-name",
                "time-unit",
                "input",
                "output",
            ],
        ),
        0,
    )
    .by(Takes::Texts),
    runs("ifne", Grammar::leading("", &[]), 0),
    under("infisical", &["run"], Grammar::leading("", &["env", "path", "projectId"]), 0),
    transparent("ionice", Grammar::leading("cnpPu", &["class", "classdata", "pid"]), 0),
    under("ip", &["netns"], Grammar::leading("", &[]), 2),
    under("jenv", &["exec"], Grammar::leading("", &[]), 0),
    under("jj", &["util"], Grammar::leading("", &[]), 1),
    behind("just", &["-c", "--command"]),
    runs("kcov", Grammar::leading("", &[]), 1),
    runs("keep-one-running", Grammar::leading("", &[]), 0),
    runs("kitty", Grammar::leading("oTd", &["override", "title", "directory"]), 0),
    behind("konsole", &["-e"]),
    runs("lckdo", Grammar::leading("w", &[]), 1),
    under("limactl", &["shell"], Grammar::leading("", &["workdir"]), 1),
    transparent("linux32", Grammar::leading("", &[]), 0),
    transparent("linux64", Grammar::leading("", &[]), 0),
    behind("lldb", &["--"]),
    transparent("ltrace", Grammar::leading("oepsuaAlnx", &[]), 0),
    under("lxc", &["exec"], Grammar::leading("", &[]), 1),
    behind("lxterminal", &["-e"]),
    under("machinectl", &["shell"], Grammar::leading("E", &["setenv", "uid"]), 1),
    under("mamba", &["run"], Grammar::leading("np", &["name", "prefix", "cwd"]), 0),
    runs("mangohud", Grammar::leading("", &[]), 0),
    under("micromamba", &["run"], Grammar::leading("np", &["name", "prefix", "cwd"]), 0),
    runs("minijail0", Grammar::leading("uGgcbkPSFTv", &[]), 0),
    under("mise", &["exec", "x"], Grammar::leading("Ccj", &["cd", "command", "jobs"]), 0),
    runs("mispipe", Grammar::leading("", &[]), 0).by(Takes::Texts),
    under("mix", &["cmd", "do"], Grammar::leading("", &[]), 0),
    runs("mono", Grammar::leading("", &[]), 0),
    under("multipass", &["exec"], Grammar::leading("", &[]), 1),
    runs("multitime", Grammar::leading("nifroIq", &[]), 0),
    under("n", &["exec"], Grammar::leading("", &[]), 1),
    transparent("nice", Grammar::leading("n", &["adjustment"]), 0),
    behind("nix", &["-c", "--command"]),
    runs("nodemon", Grammar::leading("ewidV", &["exec", "ext", "watch", "ignore", "delay", "config"]), 0),
    under("nodenv", &["exec"], Grammar::leading("", &[]), 0),
    transparent("nohup", Grammar::leading("", &[]), 0),
    behind("nsjail", &["--"]),
    transparent(
        "numactl",
        Grammar::leading("iCNmp", &["interleave", "cpunodebind", "physcpubind", "membind", "preferred"]),
        0,
    ),
    under("nvm", &["exec", "run"], Grammar::leading("", &[]), 1),
    runs("nyc", Grammar::leading("", &[]), 0),
    runs("onchange", Grammar::leading("", &[]), 0),
    under("op", &["run"], Grammar::leading("", &["env-file", "account"]), 0),
    under("opam", &["exec"], Grammar::leading("", &["switch"]), 0),
    runs("openvt", Grammar::leading("c", &["console"]), 0),
    runs("operf", Grammar::leading("", &[]), 0),
    runs("optirun", Grammar::leading("", &[]), 0),
    runs("padsp", Grammar::leading("", &[]), 0),
    runs("pasuspender", Grammar::leading("", &[]), 0),
    under("pdm", &["run"], Grammar::leading("ps", &["project", "site-packages"]), 0),
    runs("pee", Grammar::leading("", &[]), 0).by(Takes::Texts),
    under(
        "perf",
        &["record", "stat", "trace", "mem", "c2c"],
        Grammar::leading("eoFpc", &["event", "output", "freq"]),
        0,
    ),
    under("perlbrew", &["exec"], Grammar::leading("", &["with"]), 0),
    under("pew", &["in"], Grammar::leading("", &[]), 1),
    under("pipenv", &["run"], Grammar::leading("", &[]), 0),
    under("pixi", &["run"], Grammar::leading("e", &["environment", "manifest-path"]), 0),
    under("plenv", &["exec"], Grammar::leading("", &[]), 0),
    under("poetry", &["run"], Grammar::leading("C", &["directory", "project"]), 0),
    runs("prime-run", Grammar::leading("", &[]), 0),
    runs("primusrun", Grammar::leading("", &[]), 0),
    transparent("prlimit", Grammar::leading("p", &["pid"]), 0),
    runs("proot", Grammar::leading("rbRSqwcvkip", &["rootfs", "bind", "cwd", "qemu", "kernel-release"]), 0),
    transparent("proxychains", Grammar::leading("f", &[]), 0),
    transparent("proxychains4", Grammar::leading("f", &[]), 0),
    under("pyenv", &["exec"], Grammar::leading("", &[]), 0),
    runs("qemu-aarch64", Grammar::leading("LEgs", &[]), 0),
    runs("qemu-x86_64", Grammar::leading("LEgs", &[]), 0),
    under("rbenv", &["exec"], Grammar::leading("", &[]), 0),
    runs("reflex", Grammar::leading("rgRGds", &["regex", "glob", "inverse-regex", "decoration"]), 0),
    runs("retry", Grammar::leading("dt", &["delay", "times"]), 0),
    transparent(
        "rlwrap",
        Grammar::leading(
            "bcDefgHlOopPqsStTwz",
            &["break-chars", "history-filename", "prompt-colour", "file"],
        ),
        0,
    ),
    under("rr", &["record", "replay"], Grammar::leading("", &[]), 0),
    under("rtx", &["exec", "x"], Grammar::leading("Ccj", &["cd", "command", "jobs"]), 0),
    runs("run-one", Grammar::leading("", &[]), 0),
    runs("run-one-constantly", Grammar::leading("", &[]), 0),
    runs("run-this-one", Grammar::leading("", &[]), 0),
    under("rustup", &["run"], Grammar::leading("", &[]), 1),
    under("rvm", &["do", "in"], Grammar::leading("", &[]), 0),
    behind("rxvt", &["-e"]),
    under("rye", &["run"], Grammar::leading("", &[]), 0),
    runs("s6-envdir", Grammar::leading("", &[]), 1),
    runs("s6-setuidgid", Grammar::leading("", &[]), 1),
    runs("s6-softlimit", Grammar::leading("", &[]), 0),
    transparent("sccache", Grammar::leading("", &[]), 0),
    runs("schroot", Grammar::leading("cupd", &["chroot", "user", "directory"]), 0),
    under("screen", &["stuff"], Grammar::leading("SphTecst", &[]), 0).by(Takes::Texts),
    runs("screen", Grammar::leading("SphTecstX", &[]), 0),
    transparent("setarch", Grammar::leading("", &[]), 1),
    runs("setlock", Grammar::leading("", &[]), 1),
    transparent("setsid", Grammar::leading("", &[]), 0),
    runs("setuidgid", Grammar::leading("", &[]), 1),
    under("singularity", &["exec"], Grammar::leading("B", &["bind"]), 1),
    under("snap", &["run"], Grammar::leading("", &[]), 1),
    runs("snooze", Grammar::leading("dmDWHMSTtRsJ", &[]), 0),
    runs("softlimit", Grammar::leading("mdslcfaopt", &[]), 0),
    under("sops", &["exec-env", "exec-file"], Grammar::leading("", &[]), 1).by(Takes::Text),
    transparent("ssh-agent", Grammar::leading("tEP", &[]), 0),
    behind("st", &["-e"]),
    under("stack", &["exec"], Grammar::leading("", &[]), 0),
    behind("start-stop-daemon", &["-x", "--exec", "-a", "--startas"]),
    transparent("stdbuf", Grammar::leading("ioe", &["input", "output", "error"]), 0),
    transparent("strace", Grammar::leading("oepsuEPSXbaIO", &[]), 0),
    runs("su-exec", Grammar::leading("", &[]), 1),
    runs("su-to-root", Grammar::leading("", &[]), 0),
    runs("systemd-cat", Grammar::leading("tp", &["identifier", "priority"]), 0),
    runs("systemd-inhibit", Grammar::leading("", &["what", "who", "why", "mode"]), 0),
    runs("systemd-nspawn", Grammar::leading("Daiup", &["directory", "image", "user"]), 0),
    transparent("taskset", Grammar::leading("", &[]), 1),
    under("teller", &["run"], Grammar::leading("", &[]), 0),
    behind("terminator", &["-x", "-e"]),
    transparent("time", Grammar::leading("fo", &["format", "output"]), 0),
    transparent("timeout", Grammar::leading("ks", &["kill-after", "signal"]), 1),
    runs("tini", Grammar::leading("ewpg", &[]), 0),
    under(
        "tmate",
        &["new", "new-session", "neww", "new-window", "splitw", "split-window", "run", "run-shell"],
        Grammar::leading("LSfcdtsnFexyhwlp", &[]),
        0,
    )
    .by(Takes::Text),
    under("tmate", &["send", "send-keys"], Grammar::leading("LSfctN", &[]), 0).by(Takes::Keys),
    under(
        "tmux",
        &[
            "new",
            "new-session",
            "neww",
            "new-window",
            "splitw",
            "split-window",
            "respawnp",
            "respawn-pane",
            "respawnw",
            "respawn-window",
            "run",
            "run-shell",
            "pipe-pane",
            "popup",
            "display-popup",
            "popupp",
            "pipep",
        ],
        Grammar::leading("LSfcdtsnFexyhwlp", &[]),
        0,
    )
    .by(Takes::Text),
    under("tmux", &["send", "send-keys"], Grammar::leading("LSfctN", &[]), 0).by(Takes::Keys),
    under("toolbox", &["run"], Grammar::leading("cd", &["container", "distro"]), 0),
    transparent("torify", Grammar::leading("", &[]), 0),
    transparent("torsocks", Grammar::leading("uaP", &["user", "pass", "address", "port"]), 0),
    under("tox", &["exec"], Grammar::leading("e", &[]), 0),
    runs("trickle", Grammar::leading("udwtlL", &[]), 0),
    runs("ts-node-dev", Grammar::leading("", &[]), 0),
    transparent("tsocks", Grammar::leading("", &[]), 0),
    runs("tsp", Grammar::leading("LNS", &["label"]), 0),
    under("uftrace", &["record", "live"], Grammar::leading("", &[]), 0),
    transparent("unbuffer", Grammar::leading("", &[]), 0),
    behind("urxvt", &["-e"]),
    under(
        "uv",
        &["run"],
        Grammar::leading(
            "p",
            &[
                "python",
                "with",
                "extra",
                "project",
                "directory",
                "from",
                "env-file",
                "group",
                "index",
                "index-url",
                "package",
                "with-editable",
                "with-requirements",
            ],
        ),
        0,
    ),
    under("uv", &["tool"], Grammar::leading("", &[]), 1),
    under("vagrant", &["ssh"], Grammar::leading("c", &["command"]), 0),
    transparent("valgrind", Grammar::leading("", &[]), 0),
    runs("viddy", Grammar::leading("n", &["interval"]), 0),
    under("volta", &["run"], Grammar::leading("", &["node", "npm", "yarn"]), 0),
    runs(
        "watchexec",
        Grammar::leading(
            "ewirdsfn",
            &["exts", "watch", "ignore", "restart", "delay", "signal", "filter", "shell"],
        ),
        0,
    ),
    under("wezterm", &["start"], Grammar::leading("", &[]), 0),
    runs("wine", Grammar::leading("", &[]), 0),
    runs("winpty", Grammar::leading("", &[]), 0),
    runs("with-contenv", Grammar::leading("", &[]), 0),
    runs("workon", Grammar::leading("", &[]), 0),
    behind("x-terminal-emulator", &["-e"]),
    under("xdotool", &["exec"], Grammar::leading("", &["args", "terminator"]), 0),
    behind("xfce4-terminal", &["-x", "-e"]),
    behind("xterm", &["-e"]),
    transparent(
        "xvfb-run",
        Grammar::leading(
            "efnps",
            &["error-file", "auth-file", "server-num", "server-args", "xauth-protocol"],
        ),
        0,
    ),
    under("zellij", &["run", "action"], Grammar::leading("ndc", &["name", "direction", "cwd"]), 0),
];

/// The ways of a program, in the order of the table.
fn ways_of(name: &str) -> &'static [Runner] {
    let from = RUNNERS.partition_point(|runner| runner.name < name);
    let length = RUNNERS[from..].iter().take_while(|runner| runner.name == name).count();
    &RUNNERS[from..from + length]
}

/// Whether a program is in the table.
pub(super) fn is_runner(name: &str) -> bool {
    !ways_of(name).is_empty()
}

/// Runs what a program of the table is given to run; without that its arguments are looked at with suspicion.
pub(super) fn runner(job: &mut Job<'_, '_>) {
    let ways = ways_of(job.name());
    match ways.iter().find_map(|way| Some((way, way.command(job)?))) {
        Some((way, words)) => started(job, way, &words),
        None if ways.iter().all(|way| way.is_transparent) => {}
        None => stranger(job),
    }
}

fn started(job: &mut Job<'_, '_>, way: &Runner, words: &[Text]) {
    match way.takes {
        Takes::Words if words.len() == 1 && words[0].prefix().contains([' ', ';']) => job.shell(&words[0]),
        Takes::Words => job.run(words),
        Takes::Text => job.shell(&sentence(words)),
        Takes::Texts => words.iter().for_each(|text| job.shell(text)),
        Takes::Keys => job.shell(&typed(words)),
    }
    if !way.is_transparent {
        job.judge_both();
    }
}

impl Runner {
    /// The words of the command, where the arguments have one.
    fn command(&self, job: &mut Job<'_, '_>) -> Option<Vec<Text>> {
        if !self.behind.is_empty() {
            let arguments = job.arguments();
            let at = arguments
                .iter()
                .position(|word| word.literal().is_some_and(|text| self.behind.contains(&text)))?;
            let mut words = arguments[at + 1..].to_vec();
            // `--exec PROGRAM -- ARGUMENT…`
            if words.get(1).and_then(Text::literal) == Some("--") {
                words.remove(1);
            }
            return (!words.is_empty()).then_some(words);
        }
        let mut options = job.options(self.grammar);
        if let Some((first, rest)) = options.operands.split_first()
            && !self.commands.is_empty()
        {
            if !first.literal().is_some_and(|word| self.commands.contains(&word)) {
                return None;
            }
            options = self.grammar.read(rest);
        } else if !self.commands.is_empty() {
            return None;
        }
        let mut words = options.operands.get(self.skip..)?.to_vec();
        if words.first().and_then(Text::literal) == Some("--") {
            words.remove(0);
        }
        if options.is_unsure && words.first().is_some_and(|word| word.begins_unknown() && word.splits()) {
            job.opaque("which command it runs is known only when it runs");
        }
        (!words.is_empty()).then_some(words)
    }
}

/// Words with blanks between them.
pub(super) fn sentence(words: &[Text]) -> Text {
    let mut text = Text::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push_lit(" ");
        }
        text.append(word);
    }
    text
}

/// What keys come to that are sent to a terminal one after the other.
fn typed(words: &[Text]) -> Text {
    let mut text = Text::default();
    for word in words {
        match word.literal() {
            Some("Enter" | "KPEnter" | "C-m" | "C-j") => text.push(Part::Lit("\n".to_owned())),
            Some("Space") => text.push_lit(" "),
            Some(key) if key.starts_with("C-") || key.starts_with("M-") => {}
            Some(
                "Tab" | "BTab" | "BSpace" | "Escape" | "Up" | "Down" | "Left" | "Right" | "Home" | "End",
            ) => {}
            _ => text.append(word),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_its_ways_together() {
        assert!(RUNNERS.is_sorted_by_key(|runner| runner.name));
        assert_eq!(ways_of("tmux").len(), 2);
        assert!(is_runner("nice") && !is_runner("nic") && !is_runner(""));
    }

    #[test]
    fn keys_become_what_is_typed() {
        let words = ["rm", "Space", "-rf x", "C-m"].map(Text::lit);
        assert_eq!(typed(&words).literal(), Some("rm -rf x\n"));
    }
}
