//! Which program does what. What is not here is a stranger, whose arguments are looked at with suspicion.

use super::{
    archive, container, copy, disk, editor, find, git, interpreter, job::Job, network, package, read, remote,
    remove, runner, sed, shells, tongue, wrapper, write,
};

/// Gathers the effects of one run of a program.
pub(super) type Handler = fn(&mut Job<'_, '_>);

/// What a program does; `None` for one that nobody here knows.
pub(super) fn handler(name: &str) -> Option<Handler> {
    reader(name)
        .or_else(|| changer(name))
        .or_else(|| wrapper(name))
        .or_else(|| talker(name))
        .or_else(|| is_interpreter(name).then_some(interpreter::interpreter as Handler))
        .or_else(|| runner::is_runner(name).then_some(runner::runner as Handler))
        .or_else(|| tongue::is_speaker(name).then_some(tongue::speaker as Handler))
}

/// Text, facts, and what reads files.
fn reader(name: &str) -> Option<Handler> {
    Some(match name {
        "echo" | "printf" | "true" | "false" | ":" | "test" | "[" | "[[" | "expr" | "seq" | "sleep"
        | "date" | "pwd" | "whoami" | "id" | "groups" | "uname" | "hostname" | "tty" | "nproc" | "arch"
        | "basename" | "dirname" | "which" | "whereis" | "type" | "tput" | "clear" | "locale" | "getconf"
        | "cal" | "bc" | "dc" | "factor" | "uptime" | "free" | "df" | "ps" | "top" | "pgrep" | "lsof"
        | "jobs" | "yes" | "tr" | "printenv" | "realpath" | "readlink" | "w" | "who" | "last" | "users"
        | "vmstat" | "iostat" | "lscpu" | "lsblk" | "lsusb" | "lspci" | "uuidgen" | "numfmt" | "cowsay"
        | "figlet" | "sw_vers" | "system_profiler" | "stty" | "ss" | "netstat" | "ifconfig" | "dmesg"
        | "pstree" | "pidof" | "apropos" | "whatis" | "info" => read::text_only,
        "cat" | "tac" | "head" | "tail" | "less" | "more" | "bat" | "batcat" | "nl" | "od" | "xxd"
        | "hexdump" | "hd" | "strings" | "wc" | "sort" | "uniq" | "cut" | "paste" | "column" | "fold"
        | "fmt" | "comm" | "join" | "diff" | "sdiff" | "colordiff" | "cmp" | "md5sum" | "sha1sum"
        | "sha224sum" | "sha256sum" | "sha384sum" | "sha512sum" | "b2sum" | "shasum" | "md5" | "cksum"
        | "sum" | "file" | "rev" | "look" | "iconv" | "pr" | "expand" | "unexpand" | "tsort" | "ptx"
        | "shuf" | "zless" | "zmore" | "cloc" | "tokei" | "scc" | "delta" | "glow" | "mdcat" | "csvlook"
        | "vd" | "readelf" | "objdump" | "nm" | "ldd" | "size" | "exiftool" | "pdftotext" | "most"
        | "ccat" | "highlight" | "pygmentize" | "jless" | "fx" | "gron" => read::files,
        "ls" | "dir" | "vdir" | "stat" | "du" | "tree" | "exa" | "eza" | "lsd" | "dust" | "ncdu" | "l"
        | "ll" => read::listed,
        "grep" | "egrep" | "fgrep" | "zgrep" | "rg" | "ag" | "ack" | "ripgrep" | "ugrep" => read::search,
        "jq" | "yq" | "dasel" | "xq" | "tomlq" | "gojq" => read::query,
        "sed" | "gsed" => sed::sed,
        "awk" | "gawk" | "mawk" | "nawk" => read::awk,
        "getent" => read::entries,
        "notify-send" | "terminal-notifier" | "logger" | "say" | "espeak" | "wall" | "pbcopy" | "xclip"
        | "xsel" | "wl-copy" | "bd" | "jira" | "linear" | "hub" | "claude" | "codex" | "gemini" | "aider"
        | "llm" | "ollama" => read::prose,
        "base64" | "base32" | "basenc" | "uuencode" | "uudecode" | "gpg" | "qrencode" => read::coder,
        "openssl" => read::openssl,
        _ => return None,
    })
}

/// Files are made, changed, copied, removed; disks.
fn changer(name: &str) -> Option<Handler> {
    Some(match name {
        "touch" | "mkdir" | "mkfifo" | "mknod" | "truncate" | "split" | "csplit" => write::files,
        "tee" | "sponge" => write::tee,
        "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" | "setfattr" | "xattr" => write::change_mode,
        "patch" => write::patch,
        "dd" | "dcfldd" | "dc3dd" => write::dd,
        "mktemp" => read::text_only,
        "cp" | "mv" | "ln" | "install" | "gcp" | "gmv" => copy::copy,
        "rsync" => copy::rsync,
        "rm" | "grm" | "zf_rm" => remove::rm,
        "rmdir" | "unlink" | "trash" | "trash-put" | "gio" => remove::few,
        "shred" | "wipe" | "srm" => remove::shred,
        "rimraf" | "del-cli" | "del" | "deltree" | "remove_directory" => remove::rimraf,
        "find" | "gfind" => find::find,
        "fd" | "fdfind" => find::fd,
        "tar" | "bsdtar" | "gtar" => archive::tar,
        "zip" | "7z" | "7za" | "rar" => archive::zip,
        "unzip" | "unrar" => archive::unzip,
        "cpio" | "pax" => archive::cpio,
        "gzip" | "gunzip" | "zcat" | "bzip2" | "bunzip2" | "bzcat" | "xz" | "unxz" | "xzcat" | "zstd"
        | "unzstd" | "zstdcat" | "lz4" | "pigz" | "compress" | "uncompress" => archive::compress,
        // Disks.
        _ if name == "mkfs" || name.starts_with("mkfs.") => disk::make_filesystem,
        "mke2fs" | "mkswap" | "mkdosfs" | "mkntfs" | "newfs" | "mkfatfs" | "mkudffs" => disk::make_filesystem,
        "wipefs" | "sgdisk" | "parted" | "blkdiscard" | "diskutil" | "nvme" | "cryptsetup" | "hdparm"
        | "fdisk" | "cfdisk" | "sfdisk" | "gdisk" | "cgdisk" | "format" | "badblocks" | "zpool" | "mdadm"
        | "pvremove" | "vgremove" | "lvremove" | "nwipe" | "scrub" | "sg_format" | "diskpart" | "zfs"
        | "bcachefs" | "dmsetup" => disk::format,
        _ => return None,
    })
}

/// Other programs run inside these.
fn wrapper(name: &str) -> Option<Handler> {
    Some(match name {
        "env" => wrapper::env,
        "sudo" | "doas" | "run0" | "pkexec" | "please" | "pfexec" | "dzdo" | "sudoedit" => {
            wrapper::privileged
        }
        "su" | "runuser" | "sg" => wrapper::switch_user,
        "exec" | "command" | "builtin" => wrapper::shell_word,
        "flock" | "watch" | "script" | "entr" => wrapper::texted,
        "xargs" | "gxargs" => wrapper::xargs,
        "parallel" => wrapper::parallel,
        "busybox" | "toybox" | "coreutils" | "shx" => wrapper::applet,
        "chroot" | "unshare" | "nsenter" | "systemd-run" | "bwrap" | "setpriv" | "capsh" => {
            wrapper::elsewhere
        }
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "mksh" | "rbash" | "yash" | "pdksh" => shells::shell,
        "fish" | "pwsh" | "powershell" | "cmd" | "nu" | "xonsh" | "csh" | "tcsh" | "elvish" => {
            shells::other_shell
        }
        _ => return None,
    })
}

/// Versions, networks, containers, projects.
fn talker(name: &str) -> Option<Handler> {
    Some(match name {
        "git" => git::git,
        "curl" => network::curl,
        "wget" | "wget2" => network::wget,
        "nc" | "ncat" | "netcat" | "telnet" => network::socket,
        "socat" => network::socat,
        "http" | "https" | "xh" | "aria2c" | "lynx" | "w3m" | "links" | "elinks" | "fetch" | "axel"
        | "ftp" | "lftp" | "GET" | "lwp-request" | "httpie" | "websocat" | "grpcurl" | "wrk" | "ab"
        | "hey" | "siege" => network::urls,
        "ping" | "ping6" | "dig" | "nslookup" | "host" | "traceroute" | "tracepath" | "mtr" | "whois"
        | "nmap" => network::hosts,
        "ssh" | "mosh" | "autossh" => remote::ssh,
        "scp" | "sftp" => remote::scp,
        "docker" | "podman" | "nerdctl" | "docker-compose" => container::docker,
        "kubectl" | "oc" => container::kubectl,
        "npm" | "pnpm" | "yarn" => package::npm,
        "npx" | "pnpx" | "bunx" => package::npx,
        "pipx" | "uvx" => package::tool_run,
        "nix" => package::nix,
        "cargo" => package::cargo,
        "pip" | "pip3" | "gem" | "go" => package::installer,
        "make" | "gmake" | "remake" => package::make,
        "crontab" | "at" | "batch" => package::later,
        "gh" | "glab" => package::gh,
        "vim" | "vi" | "nvim" | "gvim" | "rvim" | "view" | "rview" | "vimdiff" | "nvimdiff" | "ex" | "ed"
        | "red" | "emacs" | "emacsclient" | "nano" | "pico" | "micro" | "code" | "hx" | "kak" | "joe"
        | "jed" | "mg" => editor::editor,
        "man" | "journalctl" | "systemctl" => editor::manual,
        "brew" | "starship" | "zoxide" | "dircolors" | "lesspipe" => read::nothing,
        _ => return None,
    })
}

fn is_interpreter(name: &str) -> bool {
    let base = name.trim_end_matches(|next: char| next.is_ascii_digit() || next == '.');
    matches!(
        base,
        "python"
            | "pypy"
            | "ipython"
            | "pythonw"
            | "node"
            | "nodejs"
            | "deno"
            | "bun"
            | "tsx"
            | "ts-node"
            | "perl"
            | "ruby"
            | "jruby"
            | "irb"
            | "php"
            | "lua"
            | "luajit"
            | "tclsh"
            | "wish"
            | "Rscript"
            | "R"
            | "julia"
            | "guile"
            | "racket"
            | "groovy"
            | "scala"
            | "osascript"
            | "elixir"
            | "erl"
            | "swipl"
            | "ghc"
            | "expect"
            | "jrunscript"
            | "kotlin"
            | "sbcl"
            | "ecl"
            | "clisp"
            | "clojure"
            | "clj"
            | "bb"
            | "crystal"
            | "hy"
            | "gosh"
            | "csi"
            | "chez"
            | "raku"
            | "rakudo"
            | "slsh"
            | "jimsh"
            | "newlisp"
            | "janet"
            | "fennel"
            | "ocaml"
            | "zx"
            | "coffee"
    )
}
