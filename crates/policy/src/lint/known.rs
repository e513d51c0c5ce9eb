//! Tools that the agent CLI has, and programs that run whatever they are given.

/// Names of the agent CLI's tools, those of earlier and later versions included.
pub const TOOLS: [&str; 49] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "KillBash",
    "KillShell",
    "LS",
    "LSP",
    "ListMcpResourcesTool",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "PowerShell",
    "Read",
    "ReadMcpResourceTool",
    "RemoteTrigger",
    "ScheduleWakeup",
    "SendMessage",
    "SendUserFile",
    "Skill",
    "SlashCommand",
    "StructuredOutput",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TeamCreate",
    "TeamDelete",
    "TodoRead",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

/// Shells, interpreters, and programs whose arguments are a command.
const RUNNERS: [&str; 60] = [
    "Rscript",
    "ash",
    "bash",
    "builtin",
    "bun",
    "bunx",
    "busybox",
    "chroot",
    "command",
    "csh",
    "cscript",
    "dash",
    "deno",
    "doas",
    "emacs",
    "env",
    "eval",
    "exec",
    "fish",
    "flock",
    "gdb",
    "ionice",
    "irb",
    "julia",
    "ksh",
    "lua",
    "nice",
    "node",
    "nohup",
    "npx",
    "nsenter",
    "osascript",
    "parallel",
    "perl",
    "php",
    "pkexec",
    "powershell",
    "pwsh",
    "python",
    "python2",
    "python3",
    "ruby",
    "runuser",
    "screen",
    "script",
    "setsid",
    "sh",
    "ssh",
    "stdbuf",
    "su",
    "sudo",
    "systemd-run",
    "tclsh",
    "time",
    "timeout",
    "tmux",
    "uvx",
    "watch",
    "xargs",
    "zsh",
];

/// The same in two words.
const RUNNERS_OF_TWO: [(&str, &str); 12] = [
    ("docker", "exec"),
    ("docker", "run"),
    ("go", "run"),
    ("kubectl", "exec"),
    ("npm", "exec"),
    ("pipx", "run"),
    ("pnpm", "dlx"),
    ("pnpm", "exec"),
    ("podman", "exec"),
    ("podman", "run"),
    ("uv", "run"),
    ("yarn", "dlx"),
];

/// Whether a tool of the agent CLI is called like this.
pub(super) fn is_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

/// What of these first words of a command runs anything, where what follows is free.
pub(super) fn runner(words: &[String]) -> Option<String> {
    let program = words.first()?.rsplit('/').next().unwrap_or_default();
    let is_free = |words: &[String]| words.iter().all(|word| word.starts_with('-'));
    let second = words.get(1).map(String::as_str);
    if program == "command" && matches!(second, Some("-v" | "-V")) {
        return None;
    }
    if RUNNERS.contains(&program) {
        return is_free(&words[1..]).then(|| program.to_owned());
    }
    let second = second?;
    let is_runner = RUNNERS_OF_TWO.contains(&(program, second));
    (is_runner && is_free(&words[2..])).then(|| format!("{program} {second}"))
}
