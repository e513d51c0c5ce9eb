//! Containers and clusters: what of them runs a command, reads files, or removes much.

use super::{job::Job, options::Grammar, remote::command_there};
use crate::{effect::Class, text::Text};

/// Options of `docker run` and `docker exec` that take a value.
const STARTED: Grammar = Grammar::leading(
    "evuwpmhcla",
    &[
        "env",
        "env-file",
        "volume",
        "user",
        "workdir",
        "publish",
        "name",
        "entrypoint",
        "network",
        "memory",
        "cpus",
        "hostname",
        "mount",
        "label",
        "platform",
        "add-host",
        "device",
        "gpus",
        "restart",
        "cap-add",
        "cap-drop",
        "security-opt",
        "tmpfs",
        "ulimit",
        "pid",
        "ipc",
        "shm-size",
        "pull",
        "log-driver",
    ],
);

/// `docker`, `podman`, `nerdctl`
pub(super) fn docker(job: &mut Job<'_, '_>) {
    let grammar = Grammar::leading("Hlc", &["host", "context", "config", "log-level"]);
    let options = job.options(grammar);
    let mut words = options.operands;
    while matches!(words.first().and_then(Text::literal), Some("container" | "compose" | "image")) {
        words.remove(0);
        while words.first().is_some_and(|word| word.prefix().starts_with('-')) {
            let takes = matches!(
                words[0].literal(),
                Some("-f" | "--file" | "-p" | "--project-name" | "--env-file" | "--profile")
            );
            if let (true, Some(path)) = (takes, words.get(1).cloned()) {
                job.read(&path);
                if matches!(words[0].literal(), Some("-f" | "--file")) {
                    // It says what is mounted and run.
                    let (place, name) = (job.place(&path), job.name().to_owned());
                    job.walker.script_file(&place, &name, job.scope);
                }
                words.remove(1);
            }
            words.remove(0);
        }
    }
    let Some(command) = words.first().and_then(Text::literal).map(str::to_owned) else { return };
    let rest = &words[1..];
    match command.as_str() {
        "exec" | "run" | "create" => started(job, rest),
        "pull" | "push" => {
            if let Some(image) = rest.iter().find(|word| !word.prefix().starts_with('-')) {
                pulled(job, image);
            }
        }
        "cp" => {
            for path in
                rest.iter().filter(|word| !word.prefix().starts_with('-') && !word.prefix().contains(':'))
            {
                job.read(path);
            }
        }
        "build" | "buildx" => {
            let inner = Grammar::new(
                "ft",
                &["file", "tag", "build-arg", "secret", "ssh", "target", "platform", "output"],
            )
            .read(rest);
            for path in inner.values(&["-f", "--file"]) {
                job.read(path);
            }
            for secret in
                inner.values(&["--secret"]).filter_map(Text::literal).map(str::to_owned).collect::<Vec<_>>()
            {
                let source = secret
                    .split(',')
                    .find_map(|part| part.split_once('=').filter(|(name, _)| name.starts_with("s")));
                if let Some((_, path)) = source {
                    job.read(&Text::lit(path));
                }
            }
        }
        "system" | "volume" if rest.first().and_then(Text::literal) == Some("prune") => {
            job.class(Class::BulkDelete, "it removes all that is not in use");
        }
        _ => {}
    }
}

/// A container is started, or a command in one.
fn started(job: &mut Job<'_, '_>, rest: &[Text]) {
    let inner = STARTED.read(rest);
    for path in inner.values(&["--env-file"]) {
        job.read(path);
    }
    for volume in inner.values(&["-v", "--volume"]).cloned().collect::<Vec<_>>() {
        if let Some((source, _)) = volume.split_once(':') {
            let source = Text::lit(source);
            mounted(job, &source);
        }
    }
    for mount in inner.values(&["--mount"]).filter_map(Text::literal).map(str::to_owned).collect::<Vec<_>>() {
        let source = mount
            .split(',')
            .find_map(|part| part.strip_prefix("source=").or_else(|| part.strip_prefix("src=")));
        if let Some(source) = source {
            mounted(job, &Text::lit(source));
        }
    }
    if inner.has(&["--privileged"]) {
        job.opaque("a privileged container reaches the whole machine");
    }
    if let Some(image) = inner.operands.first() {
        pulled(job, image);
    }
    command_there(job, inner.operands.get(1..).unwrap_or_default());
}

/// An image whose name begins with a host comes from there.
fn pulled(job: &mut Job<'_, '_>, image: &Text) {
    let host = image.prefix().split_once('/').map(|(host, _)| host);
    if let Some(host) = host.filter(|host| host.contains(['.', ':'])) {
        let host = host.split(':').next().unwrap_or(host).to_owned();
        job.connect_host(&Text::lit(host), "https");
    }
}

/// A folder of this machine inside of a container can be read and written there.
fn mounted(job: &mut Job<'_, '_>, source: &Text) {
    if source.prefix().starts_with(['/', '.', '~']) || source.begins_unknown() {
        job.read_below(source);
        if source.suffix().ends_with("docker.sock") || source.suffix().ends_with("podman.sock") {
            job.opaque("it gives a container the daemon that starts containers");
        }
        if source.literal() == Some("/") {
            job.opaque("it mounts the whole machine into a container");
        }
        job.read(source);
    }
}

/// `kubectl`, `oc`: what runs there, and files it reads.
pub(super) fn kubectl(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    if let Some(at) = words.iter().position(|word| word.literal() == Some("--")) {
        command_there(job, &words[at + 1..]);
    }
    let options = Grammar::new(
        "fnclp",
        &[
            "filename",
            "namespace",
            "container",
            "context",
            "kubeconfig",
            "from-file",
            "from-env-file",
            "patch-file",
        ],
    )
    .read(&words);
    for path in options.values(&["-f", "--filename", "--kubeconfig", "--from-file", "--from-env-file"]) {
        if path.prefix().contains("://") {
            let url = path.clone();
            job.connect_url(&url);
        } else {
            job.read(path);
            if let Some((_, file)) = path.split_once('=') {
                job.read(&file);
            }
        }
    }
    let said: Vec<&str> = options.operands.iter().filter_map(Text::literal).collect();
    if said.first() == Some(&"cp") {
        for path in options.operands[1..].iter().filter(|word| !word.prefix().contains(':')) {
            job.read(path);
        }
    }
    if said.first() == Some(&"delete")
        && words.iter().any(|word| matches!(word.literal(), Some("--all" | "-A" | "--all-namespaces")))
    {
        job.class(Class::BulkDelete, "it deletes all of a kind");
    }
}
