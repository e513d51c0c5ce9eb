//! What any document comes to.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{name::Name, slug::Slug};

fn refusal(json: &Json) -> String {
    Dna::try_from(json).expect_err("refused").to_string()
}

fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    "[a-zäß\n]{1,12}".prop_filter_map("blank", |text| text.parse().ok())
}

fn slugs() -> impl Strategy<Value = BTreeSet<Slug>> {
    prop::collection::btree_set("[a-e]{1,2}".prop_map(|text| text.parse().expect("a slug")), 0..6)
}

fn personality() -> impl Strategy<Value = Personality> {
    let example = (text(), text()).prop_map(|(prompt, reply)| VoiceExample { prompt, reply });
    let texts = || prop::collection::vec(text(), 0..3);
    (
        prop::option::of(text()),
        prop::sample::select(Verbosity::ALL),
        prop::sample::select(Formality::ALL),
        prop::sample::select(vec!["en", "de-AT", "zh-Hant-TW"]),
        prop::collection::vec(text(), 0..3),
        prop::collection::vec(example, 0..3),
        texts(),
        texts(),
        prop::option::of(text()),
    )
        .prop_map(|parts| Personality {
            tone: parts.0,
            verbosity: parts.1,
            formality: parts.2,
            language: parts.3.parse().expect("a language"),
            traits: parts.4,
            voice_examples: parts.5,
            never: parts.7.into_iter().filter(|rule| !parts.6.contains(rule)).collect(),
            always: parts.6,
            custom_instructions: parts.8,
        })
}

fn model() -> impl Strategy<Value = ModelDna> {
    (prop::option::of(text()), 0..=200_u32, 100..=32_000_u32, prop::option::of(text())).prop_map(
        |(name, hundredths, tokens, fallback)| ModelDna {
            fallback: fallback.filter(|fallback| name.as_ref() != Some(fallback)),
            name,
            temperature: Temperature::try_from(f64::from(hundredths) / 100.0).expect("a temperature"),
            max_output_tokens: tokens.try_into().expect("a number of tokens"),
        },
    )
}

fn memory() -> impl Strategy<Value = MemoryDna> {
    let weights = prop::array::uniform5(0..=200_u32).prop_map(|parts| {
        let rest = 1000 - parts[1..].iter().sum::<u32>();
        let of = |signal: Signal| match signal {
            Signal::Semantic => rest,
            Signal::Recency => parts[1],
            Signal::Importance => parts[2],
            Signal::Continuity => parts[3],
            Signal::Relationship => parts[4],
        };
        RetrievalWeights::from_fn(|signal| f64::from(of(signal)) / 1000.0).expect("1 together")
    });
    (100..=8000_u32, any::<bool>(), weights, prop::collection::vec(text(), 0..3)).prop_map(
        |(budget, auto_extract, retrieval_weights, remember_phrases)| MemoryDna {
            token_budget: budget.try_into().expect("a budget"),
            auto_extract,
            retrieval_weights,
            remember_phrases,
        },
    )
}

fn boundaries() -> impl Strategy<Value = Boundaries> {
    let texts = || prop::collection::vec(text(), 0..3);
    let names = "[a-z]{1,9}".prop_map(|text| text.parse::<Name>().expect("a name"));
    let domains = prop::collection::btree_set(
        "(\\*\\.)?[a-z]{1,5}\\.rs".prop_map(|text| text.parse().expect("a domain")),
        0..3,
    );
    (texts(), texts(), prop::option::of(names), prop::sample::select(Autonomy::ALL), domains, 1..=50_u32)
        .prop_map(|(can_do, cannot_do, escalates_to, max_autonomy, allowed_domains, calls)| Boundaries {
            cannot_do: cannot_do.into_iter().filter(|entry| !can_do.contains(entry)).collect(),
            can_do,
            escalates_to,
            max_autonomy,
            allowed_domains,
            max_tool_calls_per_turn: calls.try_into().expect("a number of calls"),
        })
}

fn dna() -> impl Strategy<Value = Dna> {
    let skills = (slugs(), slugs(), slugs()).prop_map(|(shared, custom, disabled)| Skills {
        shared,
        custom,
        disabled,
    });
    (personality(), model(), skills, memory(), boundaries()).prop_map(
        |(personality, model, skills, memory, boundaries)| Dna {
            personality,
            model,
            skills,
            memory,
            boundaries,
        },
    )
}

fn any_json() -> impl Strategy<Value = Json> {
    let names = prop::sample::select(vec![
        "personality",
        "model",
        "skills",
        "memory",
        "boundaries",
        "tone",
        "name",
        "shared",
        "voice_examples",
        "retrieval_weights",
        "semantic",
        "temperature",
        "can_do",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        ".{0,100}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn dna_survives_its_json(dna in dna()) {
        let text = serde_json::to_string(&dna).expect("json");
        prop_assert_eq!(serde_json::from_str::<Dna>(&text).expect("own text"), dna);
    }

    #[test]
    fn no_json_makes_the_parser_panic(json in any_json()) {
        if let Err(error) = Dna::try_from(&json) {
            prop_assert!(error.path.starts_with("dna"), "{error}");
            prop_assert!(error.value.chars().count() <= 81, "{error}");
        }
    }

    #[test]
    fn effective_skills_are_those_that_are_had_and_not_disabled(
        shared in slugs(), custom in slugs(), disabled in slugs()
    ) {
        let skills = Skills { shared, custom, disabled };
        let effective = skills.effective();
        for name in skills.shared.iter().chain(&skills.custom).chain(&skills.disabled) {
            let is_had = skills.shared.contains(name) || skills.custom.contains(name);
            prop_assert_eq!(effective.contains(name), is_had && !skills.disabled.contains(name));
        }
    }

    #[test]
    fn weights_are_accepted_when_they_are_1_together(
        mut parts in prop::array::uniform5(0.0..0.25_f64), excess in -2e-6..2e-6_f64
    ) {
        parts[0] = 1.0 + excess - parts[1..].iter().sum::<f64>();
        prop_assume!(parts[0] >= 0.0);
        let weights = RetrievalWeights::from_fn(|signal| {
            parts[Signal::ALL.iter().position(|other| *other == signal).expect("a signal")]
        });
        if let Ok(weights) = weights {
            // However little was missing, what was accepted is accepted when it is read again.
            let text = serde_json::to_string(&weights).expect("json");
            let json: Json = serde_json::from_str(&text).expect("own text");
            prop_assert!(RetrievalWeights::from_json("dna", &json).is_ok(), "{}", text);
        }
        prop_assert_eq!(weights.is_ok(), (parts.iter().sum::<f64>() - 1.0).abs() <= RetrievalWeights::TOLERANCE);
    }
}

#[test]
fn an_empty_document_is_all_defaults() {
    let dna = Dna::try_from(&json!({})).expect("defaults");
    assert_eq!(dna, Dna::default());
    let shown = serde_json::to_value(&dna).expect("json");
    let weights = json!({ "semantic": 0.35, "recency": 0.2, "importance": 0.2, "continuity": 0.15, "relationship": 0.1 });
    assert_eq!(shown["memory"]["retrieval_weights"], weights);
    assert_eq!(shown["boundaries"]["max_autonomy"], "ask");
    assert_eq!(Dna::try_from(&json!({ "model": { "name": null } })), Ok(Dna::default()), "null is left out");
}

#[test]
fn a_refusal_names_the_place_the_value_and_what_is_accepted() {
    let cases = [
        (json!([]), "dna = [] is refused; accepted: an object"),
        (
            json!({ "model": { "temperature": 3.1 } }),
            "dna.model.temperature = 3.1 is refused; accepted: 0 to 2",
        ),
        (
            json!({ "model": { "max_output_tokens": 99 } }),
            "dna.model.max_output_tokens = 99 is refused; accepted: a whole number from 100 to 32000",
        ),
        (
            json!({ "model": { "name": "m", "fallback": "m" } }),
            "dna.model.fallback = \"m\" is refused; accepted: another model than name",
        ),
        (
            json!({ "model": { "temprature": 1 } }),
            "dna.model.temprature = 1 is refused; accepted: the fields name, temperature, max_output_tokens, fallback",
        ),
        (
            json!({ "personality": { "verbosity": "chatty" } }),
            "dna.personality.verbosity = \"chatty\" is refused; accepted: concise, balanced, detailed",
        ),
        (
            json!({ "personality": { "language": "deutsch!" } }),
            "dna.personality.language = \"deutsch!\" is refused; accepted: a language tag such as en or de-AT",
        ),
        (
            json!({ "personality": { "voice_examples": [{ "prompt": "hi" }] } }),
            "dna.personality.voice_examples[0].reply = null is refused; accepted: 1 to 4000 characters without \
             control characters",
        ),
        (
            json!({ "personality": { "always": ["a"], "never": ["b", "a"] } }),
            "dna.personality.never[1] = \"a\" is refused; accepted: what does not also stand in always",
        ),
        (
            json!({ "skills": { "custom": ["Not A Slug"] } }),
            "dna.skills.custom[0] = \"Not A Slug\" is refused; accepted: 1 to 63 of a-z, 0-9 and -, beginning and \
             ending with a letter or digit",
        ),
        (
            json!({ "memory": { "token_budget": 8001 } }),
            "dna.memory.token_budget = 8001 is refused; accepted: a whole number from 100 to 8000",
        ),
        (
            json!({ "memory": { "auto_extract": "yes" } }),
            "dna.memory.auto_extract = \"yes\" is refused; accepted: true or false",
        ),
        (
            json!({ "boundaries": { "max_tool_calls_per_turn": 0 } }),
            "dna.boundaries.max_tool_calls_per_turn = 0 is refused; accepted: a whole number from 1 to 50",
        ),
        (
            json!({ "boundaries": { "allowed_domains": ["https://docs.rs"] } }),
            "dna.boundaries.allowed_domains[0] = \"https://docs.rs\" is refused; accepted: a host name such as \
             docs.rs, or *.docs.rs for all below it",
        ),
        (json!({ "boundaries": { "can_do": vec!["a"; 101] } }), "accepted: a list of at most 100"),
    ];
    for (json, expected) in cases {
        let said = refusal(&json);
        assert!(said.ends_with(expected), "{said}");
    }
}

#[test]
fn weights_that_are_not_1_together_are_refused() {
    let weights = |semantic: f64| {
        json!({ "memory": { "retrieval_weights": {
            "semantic": semantic, "recency": 0.25, "importance": 0.125, "continuity": 0.125, "relationship": 0
        } } })
    };
    assert!(Dna::try_from(&weights(0.5)).is_ok());
    assert!(Dna::try_from(&weights(0.500_000_5)).is_ok(), "within the tolerance");
    let said = refusal(&weights(0.75));
    assert!(said.starts_with("dna.memory.retrieval_weights = {"), "{said}");
    assert!(said.ends_with("accepted: weights with the sum 1, not 1.25"), "{said}");
    assert!(refusal(&weights(-0.5)).starts_with("dna.memory.retrieval_weights.semantic = -0.5 is refused"));
    let some = json!({ "memory": { "retrieval_weights": { "semantic": 1 } } });
    assert!(
        refusal(&some).starts_with("dna.memory.retrieval_weights.recency = null is refused"),
        "all or none"
    );
}
