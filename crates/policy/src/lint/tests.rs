//! Every check, by what it finds.

use domain::policy::PolicyKind;
use serde_json::{Value, json};

use super::*;

fn policy(name: &str, kind: PolicyKind, config: Value) -> PolicyText {
    PolicyText { name: name.to_owned(), kind, priority: 100, config }
}

fn found(kind: PolicyKind, config: Value) -> Vec<LintFinding> {
    lint(&[policy("p", kind, config)], &Surroundings::default())
}

/// What is found about one rule, in short: code, severity, suggestion.
fn of_rule(list: &str, rule: &str) -> Vec<(LintCode, Severity, Option<String>)> {
    let findings = found(PolicyKind::Rules, json!({ list: [rule] }));
    findings.into_iter().map(|finding| (finding.code, finding.severity, finding.suggestion)).collect()
}

#[test]
fn rules_are_found_wrong_one_by_one() {
    use LintCode::{AllowsAll, IgnoredByAgent, NeverMatches, RunsAnything, UnknownTool, Unreadable};
    use Severity::{Error, Warning};
    let cases = [
        ("allow", "Bash(command:rm *)", Unreadable, Error, Some("Bash(rm *)")),
        ("deny", "WebFetch(https://example.com/a)", Unreadable, Error, Some("WebFetch(domain:example.com)")),
        ("deny", "WebFetch(domain:*)", Unreadable, Error, Some("WebFetch")),
        ("allow", "mcp__*", Unreadable, Error, Some("mcp__SERVER, for each server")),
        ("allow", "mcp__a__b(x)", Unreadable, Error, Some("mcp__a__b")),
        ("deny", "Bash(rm:*", Unreadable, Error, Some("Bash(rm:*)")),
        ("deny", "", Unreadable, Error, None),
        ("deny", "Bahs(rm:*)", UnknownTool, Error, Some("Bash")),
        ("allow", "bash", UnknownTool, Warning, Some("Bash")),
        ("deny", "Zzz", UnknownTool, Warning, None),
        ("deny", "Zzz*", UnknownTool, Warning, None),
        ("allow", "Write(./a)", IgnoredByAgent, Warning, Some("Edit(./a)")),
        ("deny", "Grep(./a)", IgnoredByAgent, Warning, Some("Read(./a)")),
        ("deny", "Bash( git:*)", IgnoredByAgent, Warning, Some("Bash(git:*)")),
        ("deny", "Bash(git status )", IgnoredByAgent, Warning, Some("Bash(git status)")),
        ("deny", "Web*", IgnoredByAgent, Warning, None),
        ("deny", "Bash( git*x)", NeverMatches, Error, Some("Bash(git*x)")),
        ("deny", "Bash(git  push*x)", NeverMatches, Error, None),
        ("allow", "Bash(cd x && make:*)", NeverMatches, Error, None),
        ("allow", "Bash(* && make)", NeverMatches, Error, None),
        ("allow", "Bash(FOO=1 make:*)", NeverMatches, Error, None),
        ("allow", "Bash(git commit -m \"a b\":*)", NeverMatches, Error, None),
        ("deny", "Bash(git push:* --force)", NeverMatches, Warning, Some("Bash(git push * --force)")),
        ("deny", "Bash(/usr/bin/rm:*)", NeverMatches, Error, Some("Bash(rm:*)")),
        ("allow", "Bash(./build.sh:*)", NeverMatches, Error, None),
        ("deny", "Bash(rm\u{0}:*)", NeverMatches, Error, None),
        ("deny", "Read(a\u{0}b)", NeverMatches, Error, None),
        ("deny", "Read(../a)", NeverMatches, Error, None),
        ("deny", "Read($HOME/.ssh/**)", NeverMatches, Error, Some("Read(~/.ssh/**)")),
        ("deny", "Edit(~root/x)", NeverMatches, Error, None),
        ("deny", "Read(file:///etc/x)", NeverMatches, Error, Some("Read(//etc/x)")),
        ("deny", "Read( a)", NeverMatches, Error, Some("Read(a)")),
        (
            "deny",
            "WebFetch(domain:example.com:8080)",
            NeverMatches,
            Error,
            Some("WebFetch(domain:example.com)"),
        ),
        (
            "deny",
            "mcp__git*__x",
            NeverMatches,
            Error,
            Some("a policy of the kind mcp, or a rule for each server"),
        ),
        ("allow", "Bash", AllowsAll, Warning, None),
        ("allow", "Bash(*)", AllowsAll, Warning, None),
        ("allow", "Bash(:*)", AllowsAll, Warning, None),
        ("allow", "Bash(**)", AllowsAll, Warning, None),
        ("allow", "*", AllowsAll, Warning, None),
        ("allow", "Edit", AllowsAll, Warning, None),
        ("allow", "Edit(//**)", AllowsAll, Warning, None),
        (
            "allow",
            "Bash(python:*)",
            RunsAnything,
            Warning,
            Some("more words, such as the script that it runs"),
        ),
        ("allow", "Bash(env:*)", RunsAnything, Warning, Some("more words, such as the script that it runs")),
        (
            "allow",
            "Bash(xargs *)",
            RunsAnything,
            Warning,
            Some("more words, such as the script that it runs"),
        ),
        ("allow", "Bash(sudo*)", RunsAnything, Warning, Some("more words, such as the script that it runs")),
        (
            "allow",
            "Bash(bash -c:*)",
            RunsAnything,
            Warning,
            Some("more words, such as the script that it runs"),
        ),
        (
            "allow",
            "Bash(docker run:*)",
            RunsAnything,
            Warning,
            Some("more words, such as the script that it runs"),
        ),
    ];
    for (list, rule, code, severity, suggestion) in cases {
        let expected = (code, severity, suggestion.map(str::to_owned));
        assert_eq!(of_rule(list, rule), [expected], "{list}: {rule:?}");
    }
}

#[test]
fn rules_that_are_as_they_should_be_are_left_alone() {
    let rules = [
        "Bash(git push:*)",
        "Bash(git push *)",
        "Bash(*gcloud*)",
        "Bash(npm run test:*)",
        "Bash(rm -rf /:*)",
        "Bash(python manage.py test:*)",
        "Bash(python -m pytest:*)",
        "Bash(python3)",
        "Bash(ls -la)",
        "Bash(timeout 5 make:*)",
        "Bash(command -v:*)",
        "Bash(env)",
        "Read(./**)",
        "Read(/src/**)",
        "Read(~/.ssh/**)",
        "Edit(//etc/**)",
        "Edit(.env)",
        "WebFetch(domain:docs.rs)",
        "WebFetch(domain:*.docs.rs)",
        "WebFetch(domain:127.0.0.1)",
        "mcp__github",
        "mcp__github__get_*",
        "mcp__github__*",
        "Task(reviewer)",
        "Skill(deploy)",
        "WebSearch",
    ];
    for rule in rules {
        for list in ["deny", "ask", "allow"] {
            assert_eq!(of_rule(list, rule), [], "{list}: {rule}");
        }
    }
    for rule in ["Bash", "*", "Edit", "Bash(python:*)", "Bash(sudo:*)"] {
        assert_eq!(of_rule("deny", rule), [], "{rule}");
    }
}

#[test]
fn the_other_kinds_are_checked() {
    use LintCode::{AllowsAll, IgnoredByAgent, NeverMatches, NoEffect, Shadowed, UnknownTool, Unreadable};
    use PolicyKind::{Command, FileAccess, Mcp, Network, Rules, Schedule, ToolList};
    let cases = [
        (Rules, json!({}), NoEffect),
        (Rules, json!({ "deni": [], "default": "ask" }), Unreadable),
        (ToolList, json!({ "deny": ["Bahs"] }), UnknownTool),
        (ToolList, json!({ "deny": ["mcp__github"] }), NeverMatches),
        (ToolList, json!({ "allow": ["*"] }), AllowsAll),
        (Mcp, json!({ "allow": ["*"] }), AllowsAll),
        (Mcp, json!({ "deny": ["mcp__a"] }), Unreadable),
        (Mcp, json!({}), NoEffect),
        (FileAccess, json!({}), NoEffect),
        (FileAccess, json!({ "restricted": ["/a/../b"] }), NeverMatches),
        (FileAccess, json!({ "write_restricted": ["$HOME/x"] }), NeverMatches),
        (FileAccess, json!({ "restricted_except": ["/a"] }), NoEffect),
        (Command, json!({}), NoEffect),
        (Command, json!({ "classes": { "recursive_force_remov": "deny" } }), Unreadable),
        (Command, json!({ "blocked": ["cd x && make"] }), NeverMatches),
        (Command, json!({ "blocked": ["make"], "removable": ["./target/**"] }), NoEffect),
        (Command, json!({ "classes": { "bulk_delete": "deny" }, "removable": ["/"] }), AllowsAll),
        (Network, json!({ "deny": ["https://a"] }), Unreadable),
        (Network, json!({ "deny": ["a.example:80"] }), NeverMatches),
        (Network, json!({ "deny": ["*.a.example"], "allow": ["b.a.example"] }), Shadowed),
        (Network, json!({ "allow": ["169.254.169.254"] }), Shadowed),
        (Network, json!({ "metadata": "allow" }), AllowsAll),
        (Network, json!({ "allow": ["0.0.0.0/0"] }), AllowsAll),
        (Network, json!({ "schemes": ["https://"] }), NeverMatches),
        (Schedule, json!({ "windows": [{ "from": "08:00", "to": "08:00" }] }), NoEffect),
        (Schedule, json!({ "windows": [{ "from": "08:00", "to": "9" }] }), Unreadable),
        (
            Schedule,
            json!({ "windows": [{ "from": "08:00", "to": "17:00" }], "tools": ["Bahs"] }),
            UnknownTool,
        ),
    ];
    for (kind, config, code) in cases {
        let codes: Vec<_> = found(kind, config.clone()).iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{kind}: {config}");
    }
    assert_eq!(of_rule("deny", "Web*")[0].0, IgnoredByAgent);
    let class = found(Command, json!({ "classes": { "recursive_force_remov": "deny" } }));
    assert_eq!(class[0].suggestion.as_deref(), Some("recursive_force_remove"));
}

/// The rules that are found superfluous among these, by what and where.
fn superfluous(config: Value) -> Vec<(String, LintCode)> {
    let codes = [LintCode::Shadowed, LintCode::Repeated, LintCode::Redundant];
    let found = found(PolicyKind::Rules, config).into_iter().filter(|finding| codes.contains(&finding.code));
    found.map(|finding| (finding.field.unwrap_or_default(), finding.code)).collect()
}

#[test]
fn rules_are_compared() {
    use LintCode::{Redundant, Repeated, Shadowed};
    let cases = [
        (json!({ "deny": ["Bash(git:*)"], "allow": ["Bash(git push:*)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "ask": ["Bash(git:*)"], "allow": ["Bash(git push)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Bash(git:*)"], "ask": ["Bash(git *)"] }), vec![("ask[0]", Shadowed)]),
        (
            json!({ "deny": ["Bash"], "allow": ["Bash(ls:*)", "Bash"] }),
            vec![("allow[0]", Shadowed), ("allow[1]", Shadowed)],
        ),
        (json!({ "deny": ["*"], "allow": ["WebFetch(domain:a.example)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Bash(*push*)"], "allow": ["Bash(git push:*)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Bash(git*)"], "allow": ["Bash(git*push)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Read(./**)"], "allow": ["Read(./src/*)"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Edit(**/.env)"], "allow": ["Edit(~/.env)"] }), vec![("allow[0]", Shadowed)]),
        (
            json!({ "deny": ["WebFetch(domain:*.a.example)"], "allow": ["WebFetch(domain:b.a.example)"] }),
            vec![("allow[0]", Shadowed)],
        ),
        (json!({ "deny": ["mcp__a"], "allow": ["mcp__a__get_*"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["mcp__a__get_*"], "allow": ["mcp__a__get_x"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "deny": ["Edit"], "allow": ["Write"] }), vec![("allow[0]", Shadowed)]),
        (json!({ "allow": ["Bash(ls:*)", "Bash(ls:*)"] }), vec![("allow[1]", Repeated)]),
        (json!({ "allow": ["Bash(git push:*)", "Bash(git:*)"] }), vec![("allow[0]", Redundant)]),
        (json!({ "deny": ["Task", "Task(x)"] }), vec![("deny[1]", Redundant)]),
        // What looks alike and is not.
        (json!({ "deny": ["Bash(git push:*)"], "allow": ["Bash(git:*)"] }), vec![]),
        (json!({ "deny": ["Bash(git push *)"], "allow": ["Bash(git push)"] }), vec![]),
        (json!({ "deny": ["Read(./src/*)"], "allow": ["Read(./src/a)"] }), vec![]),
        (json!({ "deny": ["Read"], "allow": ["Read(./a)"] }), vec![]),
        (json!({ "allow": ["Bash(ls:*)"], "deny": ["Read(./**)"] }), vec![]),
        (json!({ "allow": ["*", "Bash(ls:*)"] }), vec![]),
        (json!({ "deny": ["Bash(*push*)"], "ask": ["Bash(git push:*)"] }), vec![]),
        (json!({ "ask": ["Bash(ls:*)"], "deny": ["Bash(lsof:*)"] }), vec![]),
    ];
    for (config, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(|(field, code)| (field.to_owned(), code)).collect();
        assert_eq!(superfluous(config.clone()), expected, "{config}");
    }
}

#[test]
fn policies_are_compared_with_each_other() {
    let rules = |name, config| policy(name, PolicyKind::Rules, config);
    let set = [
        rules("a", json!({ "allow": ["Bash(git push:*)", "mcp__x__y"] })),
        rules("b", json!({ "deny": ["Bash(git:*)"] })),
        policy("c", PolicyKind::Mcp, json!({ "deny": ["x"] })),
    ];
    let findings = lint(&set, &Surroundings::default());
    let said: Vec<_> = findings.iter().map(|finding| (finding.policy.as_str(), finding.code)).collect();
    assert_eq!(said, [("a", LintCode::Shadowed), ("a", LintCode::Shadowed)]);
    assert!(findings[0].message.contains("of the policy b"), "{:?}", findings[0]);
    // An ask does not keep the default of a policy for servers away, an allow does.
    let tied = [
        rules("a", json!({ "allow": ["mcp__x__y"] })),
        rules("b", json!({ "ask": ["mcp__x"] })),
        policy("c", PolicyKind::Mcp, json!({ "default": "deny" })),
    ];
    assert_eq!(lint(&tied, &Surroundings::default()), []);
}

#[test]
fn broken_details_are_found_and_nothing_is_upset_by_them() {
    for kind in PolicyKind::ALL {
        for config in [
            json!(null),
            json!([]),
            json!("x"),
            json!({ "deny": 1, "allow": [1, null], "windows": "x", "classes": [] }),
        ] {
            let findings = found(*kind, config.clone());
            assert!(findings.iter().any(|finding| finding.code == LintCode::Unreadable), "{kind} {config}");
        }
    }
}

#[test]
fn huge_policies_are_linted_in_time() {
    let begun = std::time::Instant::now();
    let many: Vec<String> = (0..5000).map(|number| format!("Bash(x{number}:*)")).collect();
    let codes: Vec<_> =
        found(PolicyKind::Rules, json!({ "deny": many })).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [LintCode::NotCompared]);
    let long = ["*a".repeat(200_000), "**/a/".repeat(500), "a".repeat(500_000)];
    for text in &long {
        let twice =
            [format!("Bash({text})"), format!("Read({text})"), format!("Edit({text}x)"), text.clone()];
        let allow: Vec<String> = twice.iter().map(|rule| rule.replacen('a', "aa", 1)).collect();
        found(PolicyKind::Rules, json!({ "deny": twice, "allow": allow }));
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}
