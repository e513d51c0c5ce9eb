//! Searching memories by their words.

use domain::memory::{MemoryStatus, MemoryType};
use provost_store::{Expected, MemoryFilter};

use super::memory::{change, draft, put, put_new, tags, write};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    words_are_found_in_keys_and_contents,
    signs_of_print_separate_words,
    rows_with_all_words_come_before_rows_with_any,
    better_matches_come_first,
    a_search_by_text_is_filtered,
    what_changed_or_is_gone_is_not_found_by_its_old_words,
    no_text_of_a_person_is_an_error,
    the_longest_memory_is_stored_and_found,
}

async fn search(fixture: &Fixture, text: &str, filter: MemoryFilter, limit: u32) -> Vec<String> {
    let text = text.to_owned();
    let read = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).memories().search_by_text(&text, &filter, limit)
    };
    let found = fixture.store.read(read).await.unwrap();
    assert!(found.is_sorted_by(|left, right| left.score >= right.score));
    found.into_iter().map(|scored| scored.item.key.to_string()).collect()
}

async fn found(fixture: &Fixture, text: &str) -> Vec<String> {
    let mut keys = search(fixture, text, MemoryFilter::default(), 10).await;
    keys.sort();
    keys
}

async fn words_are_found_in_keys_and_contents(fixture: &Fixture) {
    put_new(fixture, draft("project:a", "deploy-command", "Run `make deploy` in /srv/app")).await;
    put_new(fixture, draft("project:a", "entry", "The program begins in src/main.rs, see parse_arguments"))
        .await;
    put_new(fixture, draft("project:a", "größe", "Ärger über Größen")).await;
    for text in ["deploy", "DEPLOYING", "command", "srv", "make app"] {
        assert_eq!(found(fixture, text).await, ["deploy-command"], "{text}");
    }
    for text in ["main.rs", "main", "src/main.rs", "arguments", "programs"] {
        assert_eq!(found(fixture, text).await, ["entry"], "{text}");
    }
    assert_eq!(found(fixture, "größe").await, ["größe"]);
    assert_eq!(
        found(fixture, "grosse große grösse").await,
        [""; 0],
        "letters with signs are letters of their own"
    );
    assert_eq!(found(fixture, "teapot").await, [""; 0]);
}

async fn signs_of_print_separate_words(fixture: &Fixture) {
    for (index, sign) in
        ["“", "”", "‘", "’", "„", "«", "»", "‹", "›", "–", "—", "…", "•", "·", "\u{a0}", "→", "。", "🍵", "×"]
            .into_iter()
            .enumerate()
    {
        let content = format!("{sign}oolong{index}{sign}über{index}{sign}");
        put_new(fixture, draft("user:ada", &format!("{index}"), &content)).await;
        for word in ["oolong", "über"] {
            assert_eq!(found(fixture, &format!("{word}{index}")).await, [index.to_string()], "{sign}");
        }
    }
}

async fn rows_with_all_words_come_before_rows_with_any(fixture: &Fixture) {
    put_new(fixture, draft("user:ada", "green", "green tea")).await;
    put_new(fixture, draft("user:ada", "black", "black tea")).await;
    put_new(fixture, draft("user:ada", "coffee", "coffee")).await;
    assert_eq!(found(fixture, "green tea").await, ["green"]);
    assert_eq!(found(fixture, "white tea").await, ["black", "green"]);
    assert_eq!(found(fixture, "coffee or green").await, ["coffee", "green"]);
}

async fn better_matches_come_first(fixture: &Fixture) {
    let filling = "and many other words about all kinds of things that nobody asked for ".repeat(5);
    put_new(fixture, draft("user:ada", "long", &format!("tea {filling}"))).await;
    put_new(fixture, draft("user:ada", "short", "tea, tea and tea")).await;
    for number in 0..5 {
        put_new(fixture, draft("user:ada", &format!("other {number}"), "coffee")).await;
    }
    assert_eq!(search(fixture, "tea", MemoryFilter::default(), 10).await, ["short", "long"]);
    assert_eq!(search(fixture, "tea", MemoryFilter::default(), 1).await, ["short"]);
    assert_eq!(search(fixture, "tea", MemoryFilter::default(), 0).await, [""; 0]);
}

async fn a_search_by_text_is_filtered(fixture: &Fixture) {
    let mut episode = draft("user:ada", "episode", "tea");
    episode.fact.memory_type = MemoryType::Episodic;
    episode.tags = tags(&["hot"]);
    put_new(fixture, episode).await;
    let disputed = put_new(fixture, draft("user:bob", "disputed", "tea")).await.id;
    write(fixture, move |memories| memories.set_status(disputed, MemoryStatus::Disputed, None, &change(2)))
        .await
        .unwrap();
    let any = MemoryFilter::default();
    let cases = [
        (MemoryFilter { namespaces: vec!["user:bob".parse().unwrap()], ..any.clone() }, "disputed"),
        (MemoryFilter { memory_type: Some(MemoryType::Episodic), ..any.clone() }, "episode"),
        (MemoryFilter { status: Some(MemoryStatus::Disputed), ..any.clone() }, "disputed"),
        (MemoryFilter { tags: tags(&["hot"]).into_iter().collect(), ..any.clone() }, "episode"),
    ];
    for (filter, expected) in cases {
        assert_eq!(search(fixture, "tea", filter.clone(), 10).await, [expected], "{filter:?}");
    }
}

async fn what_changed_or_is_gone_is_not_found_by_its_old_words(fixture: &Fixture) {
    let id = put_new(fixture, draft("user:ada", "drink", "tea")).await.id;
    put(fixture, Expected::Version(1), draft("user:ada", "drink", "coffee"), 2).await.unwrap();
    assert_eq!((found(fixture, "tea").await.len(), found(fixture, "coffee").await.len()), (0, 1));
    write(fixture, move |memories| memories.delete(id, None, &change(3))).await.unwrap();
    assert!(found(fixture, "coffee").await.is_empty());
    write(fixture, move |memories| memories.restore(id, &change(4))).await.unwrap();
    assert_eq!(found(fixture, "coffee").await, ["drink"]);
}

async fn no_text_of_a_person_is_an_error(fixture: &Fixture) {
    put_new(fixture, draft("user:ada", "drink", "tea and \"sugar\"")).await;
    let texts = [
        "",
        " ",
        "\0",
        "\"",
        "tea\"",
        "tea AND",
        "NOT",
        "tea*",
        "(tea",
        "^tea",
        "key:tea",
        "-tea",
        "tea & | ! <-> :*",
        "' OR 1=1 --",
        "NEAR(tea, 2)",
        "{tea}",
        "\\",
        "🍵",
        "\u{301}",
    ];
    for text in texts {
        search(fixture, text, MemoryFilter::default(), 10).await;
    }
    let long = "tea ".repeat(10_000) + &"x".repeat(100_000);
    search(fixture, &long, MemoryFilter::default(), 10).await;
    assert_eq!(found(fixture, "tea* (\"sugar\"").await, ["drink"]);
}

async fn the_longest_memory_is_stored_and_found(fixture: &Fixture) {
    let mut content = String::new();
    for number in 0..100_000 {
        let word = format!("{number:x}q ");
        if content.len() + word.len() > 100_000 {
            break;
        }
        content.push_str(&word);
    }
    let namespace = format!("user:{}", "n".repeat(495));
    let mut long = draft(&namespace, &"k".repeat(500), &content);
    long.fact.subject = Some("s".repeat(300).parse().unwrap());
    long.tags = ["t".repeat(100).parse().unwrap()].into();
    put_new(fixture, long).await;
    assert_eq!(found(fixture, "3ffq 10q").await.len(), 1);
}
