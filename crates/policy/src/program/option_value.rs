//! Options that name programs, scripts and files: a table, an entry for each program and what its options mean.

use super::{job::Job, remote::host_of, stranger};
use crate::text::Text;

/// Options of a program that mean the same.
struct Named {
    program: &'static str,
    options: &'static [&'static str],
    means: Means,
}

/// What the value of an option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// A command that the program starts.
    Runs,
    /// The same, with commas between its words.
    RunsList,
    /// A command that it starts somewhere else.
    Perhaps,
    /// A text that may hold commands.
    Holds,
    /// `name=command`, where the name is one of those that take a command.
    Setting,
    /// A file of code that it loads.
    Starts,
    Reads,
    /// A host, perhaps with a user before it and a port or a path behind it, or a URL.
    Host,
    Writes,
    /// It writes, which a rule for the program, that otherwise only reads, does not allow.
    Aside,
}

const fn option(program: &'static str, options: &'static [&'static str], means: Means) -> Named {
    Named { program, options, means }
}

/// Parts of the names of settings whose value is a command.
const SETTINGS: [&str; 13] = [
    "invoke",
    "command",
    "pager",
    "editor",
    "hook",
    "alias",
    "linker",
    "runner",
    "extensions",
    "tools",
    "diff",
    "program",
    "executable",
];

/// Values that name a program which only shows.
const HARMLESS: [&str; 8] = ["", "cat", "less", "more", "true", "false", "bat", "delta"];

/// Sorted by program.
const OPTIONS: &[Named] = &[
    option("7z", &["-o"], Means::Writes),
    option("7za", &["-o"], Means::Writes),
    option("ab", &["-p", "-u"], Means::Reads),
    option("ab", &["-g", "-e"], Means::Writes),
    option("age", &["-o", "--output"], Means::Writes),
    option("age", &["-i", "--identity"], Means::Reads),
    option("agetty", &["-l", "--login-program"], Means::Runs),
    option("ansible", &["-a", "--args"], Means::Perhaps),
    option("ansible-playbook", &[OPERANDS], Means::Starts),
    option("ant", &["-f", "-file", "-buildfile"], Means::Starts),
    option("apt", &["-o", "--option"], Means::Setting),
    option("apt-get", &["-o", "--option"], Means::Setting),
    option("aptitude", &["-o"], Means::Setting),
    option(
        "aria2c",
        &[
            "--on-download-start",
            "--on-download-complete",
            "--on-download-error",
            "--on-download-pause",
            "--on-download-stop",
            "--on-bt-download-complete",
        ],
        Means::Runs,
    ),
    option("aria2c", &["-i", "--input-file", "--conf-path"], Means::Reads),
    option("aria2c", &["-d", "--dir"], Means::Writes),
    option("as", &["-o"], Means::Writes),
    option("bats", &[OPERANDS], Means::Starts),
    option("bazel", &["--run_under"], Means::Runs),
    option("blender", &["--python", "-P"], Means::Starts),
    option("blender", &["--python-expr"], Means::Holds),
    option("borg", &["--rsh", "--remote-path"], Means::Runs),
    option("bpftrace", &[OPERANDS], Means::Starts),
    option("btop", &["--config"], Means::Reads),
    option("c++", &["-o"], Means::Writes),
    option("c++", &["-wrapper"], Means::RunsList),
    option("c++", &["-fplugin", "-specs"], Means::Starts),
    option("cargo", &["--target-dir"], Means::Writes),
    option("cc", &["-o"], Means::Writes),
    option("cc", &["-wrapper"], Means::RunsList),
    option("cc", &["-fplugin", "-specs"], Means::Starts),
    option(
        "chromium",
        &["--renderer-cmd-prefix", "--utility-cmd-prefix", "--gpu-launcher", "--browser-subprocess-path"],
        Means::Runs,
    ),
    option("chronyd", &["-q"], Means::Holds),
    option("clang", &["-o"], Means::Writes),
    option("clang", &["-fplugin", "-load"], Means::Starts),
    option("clang++", &["-o"], Means::Writes),
    option("clang++", &["-fplugin", "-load"], Means::Starts),
    option("cmake", &["-P"], Means::Starts),
    option("convert", &["-write", LAST], Means::Writes),
    option("cpp", &["-o"], Means::Writes),
    option("cqlsh", &[OPERANDS], Means::Host),
    option("ctest", &["-S", "--script"], Means::Starts),
    option("cwebp", &["-o"], Means::Writes),
    option("date", &["-f", "--file", "-r"], Means::Reads),
    option("ddrescue", &["--log-events"], Means::Writes),
    option("delta", &["--pager"], Means::Runs),
    option("dialog", &["--textbox", "--editbox", "--tailbox"], Means::Reads),
    option("dig", &["-f"], Means::Reads),
    option("dmesg", &["-F", "--file"], Means::Reads),
    option("dnf", &["-c", "--config"], Means::Starts),
    option("dnsmasq", &["--dhcp-script"], Means::Runs),
    option("docker", &["--iidfile", "--cidfile", "--metadata-file"], Means::Writes),
    option("dotenv", &["-e", "-f", "--file"], Means::Reads),
    option("dotenvx", &["-f", "--env-file"], Means::Reads),
    option("doxygen", &["-g"], Means::Writes),
    option("dumpcap", &["-w"], Means::Writes),
    option("enscript", &["-p", "-o"], Means::Writes),
    option("env-cmd", &["-f", "--file"], Means::Reads),
    option("esbuild", &["--outfile", "--outdir"], Means::Writes),
    option("eslint", &["-o", "--output-file"], Means::Writes),
    option(
        "eslint",
        &["-c", "--config", "--rulesdir", "--resolve-plugins-relative-to", "-f", "--format"],
        Means::Starts,
    ),
    option("exiftool", &["-o"], Means::Writes),
    option("ffmpeg", &["-filter_script"], Means::Reads),
    option("ffmpeg", &[LAST], Means::Writes),
    option("file", &["-f", "--files-from"], Means::Reads),
    option("flatpak", &["--command"], Means::Runs),
    option("fzf", &["--preview", "--bind", "--become"], Means::Holds),
    option("g++", &["-o"], Means::Writes),
    option("g++", &["-wrapper"], Means::RunsList),
    option("g++", &["-fplugin", "-specs"], Means::Starts),
    option("gcc", &["-o"], Means::Writes),
    option("gcc", &["-wrapper"], Means::RunsList),
    option("gcc", &["-fplugin", "-specs"], Means::Starts),
    option("gdb", &["-x", "--command"], Means::Starts),
    option("genisoimage", &["-o"], Means::Writes),
    option("gfortran", &["-o"], Means::Writes),
    option("gh", &["--hostname"], Means::Host),
    option("ghc", &["-o", "-outputdir"], Means::Writes),
    option("ghc", &["-pgmF", "-pgmc", "-pgml"], Means::Runs),
    option("gimp", &["-b", "--batch"], Means::Holds),
    option("gnuplot", &[OPERANDS], Means::Starts),
    option("go", &["-o"], Means::Writes),
    option("go", &["-vettool"], Means::Starts),
    option(
        "google-chrome",
        &["--renderer-cmd-prefix", "--utility-cmd-prefix", "--gpu-launcher"],
        Means::Runs,
    ),
    option("gpg", &["--output"], Means::Writes),
    option("gpg", &["--photo-viewer"], Means::Runs),
    option("gpg2", &["-o", "--output"], Means::Writes),
    option("gradle", &["-b", "--build-file", "-I", "--init-script", "-c", "--settings-file"], Means::Starts),
    option("gs", &["-o"], Means::Writes),
    option("gtime", &["-o", "--output"], Means::Writes),
    option("hatch", &["--env-file"], Means::Reads),
    option("helm", &["--post-renderer"], Means::Runs),
    option("hg", &["--config"], Means::Setting),
    option("http", &["-o", "--output"], Means::Writes),
    option("http", &["--session-read-only"], Means::Reads),
    option(
        "hyperfine",
        &["--prepare", "-p", "--setup", "-s", "--cleanup", "-c", "--conclude", "-C"],
        Means::Runs,
    ),
    option("hyperfine", &["--export-json", "--export-csv", "--export-markdown"], Means::Writes),
    option("influx", &["-host", "--host"], Means::Host),
    option("inkscape", &["-o", "--export-filename"], Means::Writes),
    option("inkscape", &["--actions"], Means::Holds),
    option("inotifywait", &["--fromfile"], Means::Reads),
    option("inotifywait", &["-o", "--outfile"], Means::Writes),
    option("insmod", &[OPERANDS], Means::Starts),
    option("ip", &["-b", "-batch"], Means::Reads),
    option("ipmitool", &["-H"], Means::Host),
    option("iptables-restore", &["-M", "--modprobe"], Means::Runs),
    option("java", &["-jar", "-javaagent", "-agentpath"], Means::Starts),
    option("java", &["-XX:OnError", "-XX:OnOutOfMemoryError"], Means::Runs),
    option("javac", &["-d", "-s", "-h"], Means::Writes),
    option("javac", &["-processorpath"], Means::Starts),
    option("jest", &["-c", "--config", "--globalSetup", "--setupFiles"], Means::Starts),
    option("jj", &["--config", "--config-toml"], Means::Setting),
    option("jshell", &[OPERANDS], Means::Starts),
    option("just", &["--justfile", "-f"], Means::Starts),
    option("k6", &["--config"], Means::Starts),
    option("kubectl", &["--kubeconfig"], Means::Reads),
    option("kubectl", &["--server", "-s"], Means::Host),
    option("launchctl", &[OPERANDS], Means::Starts),
    option("ld", &["-o", "-Map"], Means::Writes),
    option("ld", &["-plugin"], Means::Starts),
    option("ldapsearch", &["-h", "-H"], Means::Host),
    option("less", &["-o", "-O", "--log-file", "--LOG-FILE"], Means::Aside),
    option("logger", &["-n", "--server"], Means::Host),
    option("logrotate", &["-m", "--mail"], Means::Runs),
    option("logrotate", &["-s", "--state", "-l", "--log"], Means::Writes),
    option("logrotate", &[OPERANDS], Means::Starts),
    option("ls", &["--from-file"], Means::Reads),
    option("ltrace", &["-o", "--output"], Means::Writes),
    option("m4", &[OPERANDS], Means::Starts),
    option("magick", &["-write", LAST], Means::Writes),
    option("mail", &["-a", "-A", "--attach"], Means::Reads),
    option("mailx", &["-a", "-A"], Means::Reads),
    option("make", &["--shell"], Means::Runs),
    option("mariadb", &["--pager"], Means::Runs),
    option("mariadb", &["--defaults-file", "--defaults-extra-file"], Means::Reads),
    option("mariadb", &["-h", "--host"], Means::Host),
    option("mitmdump", &["-s", "--scripts"], Means::Starts),
    option("mitmdump", &["-w"], Means::Writes),
    option("mitmproxy", &["-s", "--scripts"], Means::Starts),
    option("mkisofs", &["-o"], Means::Writes),
    option("mksquashfs", &[LAST], Means::Writes),
    option("mktemp", &["-p", "--tmpdir"], Means::Writes),
    option("mocha", &[OPERANDS], Means::Starts),
    option("mongosh", &["--host"], Means::Host),
    option("mosquitto_pub", &["-f"], Means::Reads),
    option("mosquitto_pub", &["-h"], Means::Host),
    option("mosquitto_sub", &["-h"], Means::Host),
    option("mpv", &["--script", "--scripts"], Means::Starts),
    option("mtr", &["-F", "--filename"], Means::Reads),
    option("mutt", &["-a", "-i", "-H"], Means::Reads),
    option("mvn", &["-f", "--file"], Means::Starts),
    option("mvn", &["-D", "--define"], Means::Setting),
    option("mysql", &["--pager"], Means::Runs),
    option("mysql", &["--defaults-file", "--defaults-extra-file"], Means::Reads),
    option("mysql", &["-h", "--host"], Means::Host),
    option("mysqldump", &["-r", "--result-file"], Means::Writes),
    option("mysqldump", &["--defaults-file", "--defaults-extra-file"], Means::Reads),
    option("mysqldump", &["-h", "--host"], Means::Host),
    option("nano", &["-s", "--speller"], Means::Runs),
    option("neomutt", &["-a", "-i", "-H"], Means::Reads),
    option("ninja", &["-f"], Means::Starts),
    option("nix", &["--run", "--command-text"], Means::Runs),
    option("nix-build", &["-o", "--out-link"], Means::Writes),
    option("nix-shell", &["--run", "--command"], Means::Runs),
    option("nmap", &["--script"], Means::Starts),
    option("nmap", &["-oN", "-oX", "-oG", "-oA"], Means::Writes),
    option("nmap", &["-iL"], Means::Reads),
    option("nodemon", &["-x", "--exec"], Means::Runs),
    option("npm", &["--script-shell", "--shell"], Means::Runs),
    option("npx", &["--script-shell", "--shell"], Means::Runs),
    option("ntpdate", &[OPERANDS], Means::Host),
    option("nvcc", &["-o"], Means::Writes),
    option("objcopy", &["--dump-section"], Means::Writes),
    option("ocamlc", &["-o"], Means::Writes),
    option("ocamlfind", &["-o"], Means::Writes),
    option("ocamlopt", &["-o"], Means::Writes),
    option("octave", &[OPERANDS], Means::Starts),
    option("op", &["--env-file"], Means::Reads),
    option(
        "openvpn",
        &[
            "--up",
            "--down",
            "--route-up",
            "--ipchange",
            "--tls-verify",
            "--auth-user-pass-verify",
            "--client-connect",
            "--learn-address",
        ],
        Means::Runs,
    ),
    option("openvpn", &["--config", "--auth-user-pass"], Means::Reads),
    option("packer", &["-var-file"], Means::Reads),
    option("pandoc", &["-o", "--output", "--extract-media"], Means::Writes),
    option("pandoc", &["-F", "--filter", "-L", "--lua-filter"], Means::Starts),
    option("pandoc", &["--pdf-engine"], Means::Runs),
    option("pdftotext", &[LAST], Means::Writes),
    option("perf", &["-o", "--output"], Means::Writes),
    option("pg_dump", &["-f", "--file"], Means::Writes),
    option("pg_dump", &["-h", "--host"], Means::Host),
    option("pg_dumpall", &["-f", "--file"], Means::Writes),
    option("php", &["-c"], Means::Reads),
    option("pip", &["--log", "-t", "--target", "--cache-dir"], Means::Writes),
    option("pip", &["--python"], Means::Runs),
    option("pip3", &["--log", "-t", "--target", "--cache-dir"], Means::Writes),
    option("pip3", &["--python"], Means::Runs),
    option("playwright", &["-c", "--config"], Means::Starts),
    option("pnpm", &["--script-shell"], Means::Runs),
    option("poetry", &["--env-file"], Means::Reads),
    option("postfix", &["-c"], Means::Starts),
    option("pppd", &["connect", "disconnect", "pty"], Means::Runs),
    option("prettier", &["--plugin", "--config"], Means::Starts),
    option(
        "protoc",
        &["--cpp_out", "--python_out", "--java_out", "--go_out", "--descriptor_set_out"],
        Means::Writes,
    ),
    option("psql", &["-o", "--output", "-L", "--log-file"], Means::Writes),
    option("psql", &["-f", "--file"], Means::Reads),
    option("psql", &["-h", "--host"], Means::Host),
    option("py.test", &[OPERANDS], Means::Starts),
    option("pytest", &["--basetemp", "--junitxml", "--junit-xml"], Means::Writes),
    option("pytest", &[OPERANDS], Means::Starts),
    option("qpdf", &[LAST], Means::Writes),
    option("rake", &["-f", "--rakefile"], Means::Starts),
    option("rclone", &["--sftp-ssh", "--metadata-mapper", "--password-command"], Means::Runs),
    option("rclone", &["--config"], Means::Reads),
    option("redis-cli", &["-h"], Means::Host),
    option("restic", &["--password-command"], Means::Runs),
    option("restic", &["--password-file", "-p", "--files-from"], Means::Reads),
    option("restic", &["-o", "--option"], Means::Setting),
    option("rg", &["--hostname-bin"], Means::Runs),
    option("rpm", &["--pipe"], Means::Runs),
    option("rpmbuild", &["--pipe"], Means::Runs),
    option("rtl_433", &["-w"], Means::Writes),
    option("run-parts", &[OPERANDS], Means::Starts),
    option("rustc", &["-o", "--out-dir"], Means::Writes),
    option("rustc", &["-C", "--codegen"], Means::Setting),
    option("sar", &["-o"], Means::Writes),
    option("scons", &["-f", "--file"], Means::Starts),
    option("scrot", &["-e", "--exec"], Means::Runs),
    option("sendmail", &["-C"], Means::Reads),
    option("shuf", &["-o", "--output"], Means::Aside),
    option("siege", &["-f", "--file"], Means::Reads),
    option("smbclient", &[OPERANDS], Means::Host),
    option("smtp-cli", &["--host"], Means::Host),
    option("snmpwalk", &[OPERANDS], Means::Host),
    option("socat", &["-lf"], Means::Writes),
    option("sops", &["--config"], Means::Reads),
    option("sort", &["-T"], Means::Aside),
    option("sox", &["--plot"], Means::Reads),
    option("sox", &[LAST], Means::Writes),
    option("split", &["--filter"], Means::Runs),
    option("sqlite3", &["-init"], Means::Starts),
    option("ss", &["-F", "--filter"], Means::Reads),
    option("ssh", &["-E"], Means::Writes),
    option("ssh", &["-I"], Means::Starts),
    option("ssh-add", &["-s"], Means::Starts),
    option("ssh-copy-id", &["-i"], Means::Reads),
    option("ssh-copy-id", &[OPERANDS], Means::Host),
    option("ssh-keygen", &["-D"], Means::Starts),
    option("ssh-keygen", &["-f"], Means::Writes),
    option("ssh-keyscan", &["-f"], Means::Reads),
    option("ssh-keyscan", &[OPERANDS], Means::Host),
    option("sshfs", &["-o"], Means::Setting),
    option("sshfs", &[OPERANDS], Means::Host),
    option("strace", &["-o", "--output"], Means::Writes),
    option("strip", &["-o"], Means::Writes),
    option("svn", &["--editor-cmd", "--diff-cmd", "--diff3-cmd"], Means::Runs),
    option("svn", &["-F", "--file"], Means::Reads),
    option("svn", &["--config-option"], Means::Setting),
    option("swaks", &["--server", "-s"], Means::Host),
    option("swiftc", &["-o"], Means::Writes),
    option("tar", &["--index-file", "--volno-file"], Means::Writes),
    option("task", &["-t", "--taskfile"], Means::Starts),
    option("tcc", &["-o"], Means::Writes),
    option("tcpdump", &["-z"], Means::Runs),
    option("tcpdump", &["-w"], Means::Writes),
    option("tcpdump", &["-r", "-F", "-V"], Means::Reads),
    option("terraform", &["-out"], Means::Writes),
    option("tesseract", &["-c"], Means::Holds),
    option("tftp", &[OPERANDS], Means::Host),
    option("time", &["-o", "--output"], Means::Writes),
    option("tmate", &["-f"], Means::Starts),
    option("tmate", &["-c"], Means::Runs),
    option("tmux", &["-c"], Means::Runs),
    option("tmux", &["-f"], Means::Starts),
    option("tree", &["-o"], Means::Aside),
    option("tree", &["--fromfile"], Means::Reads),
    option("tsc", &["--outFile", "--outDir", "--outfile", "--outdir"], Means::Writes),
    option("tshark", &["-w"], Means::Writes),
    option("tshark", &["-X"], Means::Starts),
    option("unison", &["-sshcmd"], Means::Runs),
    option("useradd", &["-s", "--shell"], Means::Runs),
    option("uv", &["--env-file"], Means::Reads),
    option("vagrant", &["-c", "--command"], Means::Perhaps),
    option("valgrind", &["--log-file", "--xml-file"], Means::Writes),
    option("virsh", &["--xml"], Means::Reads),
    option("vitest", &["-c", "--config"], Means::Starts),
    option("vncviewer", &[OPERANDS], Means::Host),
    option("w3m", &["-o"], Means::Setting),
    option("webpack", &["-c", "--config"], Means::Starts),
    option("wget", &["--use-askpass"], Means::Runs),
    option("whiptail", &["--textbox"], Means::Reads),
    option("whois", &["-h"], Means::Host),
    option("wkhtmltopdf", &[LAST], Means::Writes),
    option("wrk", &["-s", "--script"], Means::Starts),
    option("xfreerdp", &[OPERANDS], Means::Host),
    option("xmllint", &["-o", "--output"], Means::Writes),
    option("xsltproc", &["-o", "--output"], Means::Writes),
    option("youtube-dl", &["--exec", "--external-downloader"], Means::Runs),
    option("youtube-dl", &["-o", "--output"], Means::Writes),
    option("youtube-dl", &["-a", "--batch-file", "--cookies"], Means::Reads),
    option(
        "yt-dlp",
        &["--exec", "--exec-before-download", "--downloader", "--external-downloader", "--netrc-cmd"],
        Means::Runs,
    ),
    option("yt-dlp", &["-o", "--output", "-P", "--paths"], Means::Writes),
    option("yt-dlp", &["-a", "--batch-file", "--cookies", "--config-location"], Means::Reads),
    option("yum", &["-c", "--config"], Means::Starts),
    option("zellij", &["--config", "--layout"], Means::Starts),
    option("zig", &["-femit-bin"], Means::Writes),
];

/// Stands in a list of options for the operands.
const OPERANDS: &str = "";
/// Stands in a list of options for the last of several operands.
const LAST: &str = "$";

/// Follows the options of a program that are in the table.
pub(super) fn follow(job: &mut Job<'_, '_>) {
    let from = OPTIONS.partition_point(|entry| entry.program < job.name());
    for entry in OPTIONS[from..].iter().take_while(|entry| entry.program == job.name()).collect::<Vec<_>>() {
        for option in entry.options {
            for value in values(job.arguments(), option) {
                follow_one(job, entry.means, option, &value);
            }
        }
    }
}

fn follow_one(job: &mut Job<'_, '_>, means: Means, option: &str, value: &Text) {
    match means {
        Means::Runs => started(job, value),
        Means::RunsList => started(job, &Text::lit(value.masked().replace(',', " "))),
        Means::Perhaps => job.walker.payload_apart(value, job.scope),
        Means::Holds => {
            if let Some(text) = value.literal() {
                stranger::perhaps_holds(job, text);
            }
        }
        Means::Setting => {
            let Some((name, command)) = value.split_once('=') else { return };
            let name = name.to_lowercase();
            if SETTINGS.iter().any(|part| name.contains(part)) {
                let command = command.masked();
                started(job, &Text::lit(command.trim_matches(['"', '\'', '!', '=', ':'])));
                job.opaque(format!("{} {option} {name} names a program", job.name()));
            }
        }
        Means::Starts => {
            if value.prefix().starts_with(['/', '~', '.']) || value.literal().is_none() {
                let (place, name) = (job.place(value), job.name().to_owned());
                job.walker.script_file(&place, &name, job.scope);
            }
            job.read(value);
        }
        Means::Reads => job.read(value),
        Means::Host if value.prefix().contains("://") => job.connect_url(value),
        Means::Host => job.connect_host(&host_of(value), "tcp"),
        Means::Writes | Means::Aside => match value.strip_prefix("|").or_else(|| value.strip_prefix("!")) {
            Some(command) => started(job, &command),
            None if means == Means::Aside => job.write_aside(value),
            None => job.write(value),
        },
    }
}

/// A command that an option names; the program is judged as well as what it starts.
fn started(job: &mut Job<'_, '_>, command: &Text) {
    if command.literal().is_some_and(|text| HARMLESS.contains(&text)) {
        return;
    }
    let printed = job.printed.clone();
    job.shell(command);
    job.judge_both();
    job.printed = printed;
}

/// The values of an option: in the next word, behind `=`, or behind a letter, which may stand in a cluster of others.
pub(super) fn values(arguments: &[Text], option: &str) -> Vec<Text> {
    if option == OPERANDS {
        return arguments.iter().filter(|word| !word.prefix().starts_with('-')).cloned().collect();
    }
    if option == LAST {
        let is_one = arguments.len() > 1 && !arguments[arguments.len() - 1].prefix().starts_with('-');
        return arguments.last().filter(|_| is_one).cloned().into_iter().collect();
    }
    let mut values = Vec::new();
    let letter = option.strip_prefix('-').filter(|rest| rest.len() == 1);
    for (at, word) in arguments.iter().enumerate() {
        let prefix = word.prefix();
        let next = || arguments.get(at + 1).cloned();
        if word.literal() == Some(option) {
            values.extend(next());
        } else if let Some(rest) = word.strip_prefix(option) {
            if let Some(value) = rest.strip_prefix("=") {
                values.push(value);
            } else if rest.prefix().starts_with(':') || letter.is_some() {
                values.push(rest);
            }
        } else if let Some(letter) = letter
            && prefix.starts_with('-')
            && !prefix.starts_with("--")
            && let Some(found) = prefix.find(letter).filter(|found| *found > 0)
            && prefix[1..found].chars().all(|other| other.is_ascii_alphabetic())
        {
            let attached = word.without_prefix(found + 1);
            values.extend(if attached.is_empty() { next() } else { Some(attached) });
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(OPTIONS.is_sorted_by_key(|entry| entry.program));
    }

    #[test]
    fn values_are_found_in_all_places() {
        let found = |line: &str, option: &str| -> Vec<String> {
            let words: Vec<Text> = line.split(' ').map(Text::lit).collect();
            values(&words, option).iter().map(ToString::to_string).collect()
        };
        assert_eq!(found("-o a -ob -xo c --o d", "-o"), ["a", "b", "c"]);
        assert_eq!(found("--out a --out=b --output c", "--out"), ["a", "b"]);
        assert_eq!(found("-XX:OnError=x", "-XX:OnError"), ["x"]);
    }
}
