//! Finding what was said.

use domain::{
    full_text::TextQuery,
    id::SessionId,
    message::{ContentBlock, Message, MessageBody, MessageType},
    timeline::{Change, TimelineItem},
    tool_call::ToolCall,
};
use provost_store::{FoundRow, FoundText, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    what_was_said_is_found_by_its_words,
    signs_of_print_separate_words,
    all_words_must_be_there_and_the_best_is_first,
    only_people_and_the_model_are_searched,
    tool_calls_are_found_by_their_names_and_inputs,
    a_replaced_text_is_found_by_its_new_words_only,
    whatever_a_person_types_is_a_query,
    a_text_of_any_length_is_stored,
    another_team_finds_nothing,
    a_deleted_session_is_not_searched,
}

async fn search(fixture: &Fixture, query: &str, session: Option<SessionId>) -> Vec<FoundText> {
    let query = TextQuery::new(query);
    fixture.read(move |team| team.message_search().search(&query, session, 10)).await.unwrap()
}

async fn say(fixture: &Fixture, session: SessionId, text: &str) -> Message {
    let message = sample::message(session, text);
    let items = vec![sample::created(TimelineItem::Message(message.clone()))];
    let sequence = fixture.change(session, items).await.unwrap()[0].sequence;
    Message { sequence, ..message }
}

async fn what_was_said_is_found_by_its_words(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let long =
        format!("{} The tests are running in src/main.rs: ünïcode {}", "so ".repeat(200), "end ".repeat(200));
    let said = say(fixture, session, &long).await;
    say(fixture, session, "nothing of it").await;
    for query in
        ["tests", "TEST", "run tests", "main.rs", "src/main.rs", "ünïcode", "\"the tests\" OR (running)"]
    {
        let query = query.replace("OR", "");
        let found = search(fixture, &query, None).await;
        let [place] = &found[..] else { panic!("{query}: {found:?}") };
        assert_eq!((place.session_id, place.sequence), (session, said.sequence), "{query}");
        assert_eq!(place.row, FoundRow::Message(said.id));
        assert!(place.snippet.contains("tests are running in src/main.rs"), "{query}: {}", place.snippet);
    }
    assert_eq!(search(fixture, "absent", None).await, []);
}

async fn signs_of_print_separate_words(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let said = say(fixture, session, "“oolong”—über… «l’eau»·Mühe 🍵assam→京都。").await;
    for query in ["oolong", "über", "l eau", "„l’eau“", "Mühe", "assam", "京都"] {
        let found = search(fixture, query, None).await;
        assert_eq!(found.iter().map(|place| place.sequence).collect::<Vec<_>>(), [said.sequence], "{query}");
    }
    for query in ["uber", "Muhe"] {
        assert_eq!(search(fixture, query, None).await, [], "{query}");
    }
}

async fn all_words_must_be_there_and_the_best_is_first(fixture: &Fixture) {
    let (first, second) = (fixture.insert_session().await, fixture.insert_session().await);
    let passing =
        say(fixture, first, &format!("the compiler is named once {}", "filler word ".repeat(300))).await;
    let about = say(fixture, second, "compiler compiler: the compiler").await;
    say(fixture, second, "linker").await;
    let rows = |found: Vec<FoundText>| found.iter().map(|place| place.row).collect::<Vec<_>>();
    let expected = [FoundRow::Message(about.id), FoundRow::Message(passing.id)];
    assert_eq!(rows(search(fixture, "compiler", None).await), expected);
    assert_eq!(rows(search(fixture, "compiler", Some(first)).await), expected[1..]);
    assert_eq!(rows(search(fixture, "filler compiler", None).await), expected[1..]);
    assert_eq!(rows(search(fixture, "linker compiler", None).await), []);
    let query = TextQuery::new("compiler");
    let one = fixture.read(move |team| team.message_search().search(&query, None, 1)).await.unwrap();
    assert_eq!(rows(one), expected[..1]);
}

async fn only_people_and_the_model_are_searched(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for &message_type in MessageType::ALL {
        let mut message = sample::message(session, "");
        message.body = MessageBody::text(message_type, format!("needle of {message_type}"));
        fixture.change(session, vec![sample::created(TimelineItem::Message(message))]).await.unwrap();
    }
    let mut snippets: Vec<_> =
        search(fixture, "needle", None).await.into_iter().map(|place| place.snippet).collect();
    snippets.sort_unstable();
    assert_eq!(snippets, ["needle of assistant", "needle of user"]);
}

async fn tool_calls_are_found_by_their_names_and_inputs(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let call = ToolCall {
        tool_name: "mcp__tickets__close".into(),
        tool_input: json!({"command": "cargo\nnextest", "ids": [4711, {"deep": "purple"}]}),
        ..sample::tool_call(session)
    };
    let created =
        fixture.change(session, vec![sample::created(TimelineItem::ToolCall(call.clone()))]).await.unwrap();
    for query in ["nextest", "4711", "purple", "tickets close", "mcp__tickets__close"] {
        let found = search(fixture, query, None).await;
        let [place] = &found[..] else { panic!("{query}: {found:?}") };
        assert_eq!((place.row, place.sequence), (FoundRow::ToolCall(call.id), created[0].sequence));
        assert_eq!(place.snippet, "mcp__tickets__close cargo nextest 4711 purple");
    }
    assert_eq!(search(fixture, "command", None).await, [], "keys are not what was said");
    let TimelineItem::ToolCall(call) = created[0].item.clone() else { panic!("{created:?}") };
    let same = (Change::Updated, TimelineItem::ToolCall(ToolCall { retries: 1, ..call.clone() }));
    let edited = ToolCall { tool_input: json!({"command": "echo"}), ..call };
    let edited = (Change::Updated, TimelineItem::ToolCall(edited));
    fixture.change(session, vec![same.clone()]).await.unwrap();
    assert_eq!(search(fixture, "nextest", None).await.len(), 1);
    fixture.change(session, vec![edited]).await.unwrap();
    assert_eq!(
        (search(fixture, "nextest", None).await, search(fixture, "echo", None).await.len()),
        (vec![], 1)
    );
}

async fn a_replaced_text_is_found_by_its_new_words_only(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let partial = Message { is_partial: true, ..sample::message(session, "first words") };
    let created =
        fixture.change(session, vec![sample::created(TimelineItem::Message(partial))]).await.unwrap();
    assert_eq!(search(fixture, "first", None).await.len(), 1);
    let TimelineItem::Message(mut whole) = created[0].item.clone() else { panic!("{created:?}") };
    whole.is_partial = false;
    whole.body.content.blocks = vec![ContentBlock::Text { text: "other words".into() }];
    fixture.change(session, vec![(Change::Replaced, TimelineItem::Message(whole))]).await.unwrap();
    assert_eq!(search(fixture, "first", None).await, []);
    let found = search(fixture, "other words", None).await;
    assert_eq!(found.iter().map(|place| place.sequence).collect::<Vec<_>>(), [1]);
}

async fn whatever_a_person_types_is_a_query(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let said = say(fixture, session, "it said don't panic in résumé.txt, 100% sure").await;
    for (query, is_found) in [
        ("don't panic", true),
        ("\"don't panic", true),
        ("panic*", true),
        ("+panic -sure", true),
        ("(panic", true),
        ("text:panic", false),
        ("panic OR absent", false),
        ("100%", true),
        ("résumé.txt", true),
        ("panic & ! | <-> sure", true),
        ("'; DROP TABLE messages; --", false),
        ("", false),
        (" \n\t\0", false),
        ("-- \" ' * :", false),
        ("— … «»", false),
        ("🦀", false),
        ("NEAR(panic sure)", false),
        (&"panic ".repeat(5000), true),
        (&"x".repeat(100_000), false),
    ] {
        let found = search(fixture, query, None).await;
        let rows: Vec<_> = found.iter().map(|place| place.row).collect();
        let expected = if is_found { vec![FoundRow::Message(said.id)] } else { vec![] };
        assert_eq!(rows, expected, "{query:.60}");
    }
}

async fn a_text_of_any_length_is_stored(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    // Different words, so that nothing is counted twice; hyphens, dots and slashes, which make words of words.
    let words: String =
        (0..400_000).map(|number| format!("{number:x}-{number:x}.org/äöü{number} ")).collect();
    say(fixture, session, &words).await;
    let wide: String = (0..20_000_u32)
        .filter_map(|number| char::from_u32(0x1_0400 + number % 80).zip(char::from_u32(0x4E00 + number)))
        .flat_map(|(first, second)| [first, second, '’'])
        .collect();
    say(fixture, session, &wide).await;
    let call = ToolCall { tool_input: json!({"content": words}), ..sample::tool_call(session) };
    fixture.change(session, vec![sample::created(TimelineItem::ToolCall(call))]).await.unwrap();
    assert_eq!(search(fixture, "äöü7", None).await.len(), 2, "the beginning of a long text is searched");
}

async fn another_team_finds_nothing(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    say(fixture, session, "a secret").await;
    for session in [None, Some(session)] {
        let query = TextQuery::new("secret");
        let found = fixture
            .store
            .read(move |conn| conn.team(other).message_search().search(&query, session, 10))
            .await;
        assert_eq!(found, Ok::<_, StoreError>(vec![]));
    }
}

async fn a_deleted_session_is_not_searched(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    say(fixture, session, "a secret").await;
    assert_eq!(search(fixture, "secret", None).await.len(), 1);
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(5))).await.unwrap();
    assert_eq!(search(fixture, "secret", None).await, []);
}
