//! JSON in one form, so that equal values have equal digests wherever they were stored.

use serde_json::Value;

/// The value as text: keys sorted, no spaces, numbers and texts as `serde_json` prints them.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            // In which order a map keeps its keys depends on how `serde_json` was built.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(text, value);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(text, item);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({ "b": [{ "z": 1, "a": "\"\n" }], "a": null, "": true });
        assert_eq!(canonical_json(&value), r#"{"":true,"a":null,"b":[{"a":"\"\n","z":1}]}"#);
    }

    proptest! {
        #[test]
        fn the_text_is_the_value(keys in prop::collection::vec(".{0,5}", 0..6), number in any::<i64>()) {
            let value = json!({ "list": keys, "map": keys.iter().map(|key| (key.clone(), number)).collect::<std::collections::BTreeMap<_, _>>() });
            let back: Value = serde_json::from_str(&canonical_json(&value)).expect("valid");
            prop_assert_eq!(back, value);
        }
    }
}
