//! Looking at sessions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixture::Home;

on_both_databases!(
    an_empty_list_is_no_error,
    pages_of_sessions_join_to_the_whole_list,
    pages_of_a_timeline_join_to_the_whole_timeline,
);

fn an_empty_list_is_no_error(home: &Home) {
    let list = home.provost(&["session", "list"]).succeed().says(&["no sessions", "provost demo"]);
    assert_eq!(list.text(), "");
    assert_eq!(home.json(&["session", "list"]), json!({ "data": [], "next_cursor": null }));
    home.provost(&["session", "show", "last"]).exit(4);
}

fn pages_of_sessions_join_to_the_whole_list(home: &Home) {
    for _ in 0..5 {
        home.play(&json!([[{ "say": "hi" }]])).succeed();
    }
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    let mut sizes = Vec::new();
    loop {
        let mut arguments = vec!["session", "list", "--limit", "2"];
        arguments.extend(cursor.as_ref().map(|cursor| ["--cursor", cursor]).into_iter().flatten());
        let page = home.json(&arguments);
        let found = page["data"].as_array().expect("a list");
        sizes.push(found.len());
        ids.extend(found.iter().map(|session| session["id"].to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    let whole: Vec<_> = home.sessions().iter().map(|session| session["id"].to_string()).collect();
    assert_eq!(ids, whole);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 5);
    let newest_first = whole.windows(2).all(|pair| pair[0] > pair[1]);
    assert!(newest_first, "{whole:?}");
    let text = home.provost(&["session", "list", "--limit", "2"]).succeed();
    assert_eq!(text.text().lines().count(), 3, "a heading and two sessions");
    text.says(&["--cursor"]);
}

fn pages_of_a_timeline_join_to_the_whole_timeline(home: &Home) {
    let said: Vec<_> = (0..10).map(|number| json!({ "say": format!("line {number}") })).collect();
    home.play(&json!([said])).succeed();
    let whole = home.timeline();
    let mut joined: Vec<Value> = Vec::new();
    let mut after = 0;
    loop {
        let after_text = after.to_string();
        let page = home.json(&["session", "timeline", "last", "--after", &after_text, "--limit", "7"]);
        joined.extend(page["data"].as_array().expect("a list").iter().cloned());
        match page["next_after"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(joined, whole);
    let beyond = home.json(&["session", "timeline", "last", "--after", "100000"]);
    assert_eq!((&beyond["data"], &beyond["next_after"]), (&json!([]), &Value::Null));
    let text = home.provost(&["session", "timeline", "last", "--limit", "3"]).succeed();
    assert_eq!(text.text().lines().count(), 3);
    text.says(&["--after 3"]);
}

#[test]
fn show_tells_what_a_person_wants_to_know() {
    let home = Home::new();
    let spend = json!({ "spend": { "usd": 0.5, "input_tokens": 12, "output_tokens": 3 } });
    home.play(&json!([[{ "say": "the answer" }, spend]])).args(&["--name", "my session"]).succeed();
    let text = home.provost(&["session", "show", "last"]).succeed().text();
    let id = home.last()["id"].as_str().expect("an id").to_owned();
    for words in ["my session", &id, "completed", "scripted", "$0.5", "12 in, 3 out", "the answer"] {
        assert!(text.contains(words), "{words:?} is missing in:\n{text}");
    }
}

#[test]
fn a_list_is_filtered_by_status() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.play(&json!([[{ "crash": 1 }]])).exit(1);
    let failed = home.json(&["session", "list", "--status", "failed"]);
    assert_eq!(failed["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(failed["data"][0]["status"], "failed");
    let none = home.json(&["session", "list", "--status", "waiting"]);
    assert_eq!(none["data"], json!([]));
}
