//! Values cut down for the record of a run. What a tool is given and gives stands whole in its tool call; what every hook was
//! given of it need not stand there once more.

use serde_json::Value;

/// About how many bytes of texts and items are kept, of all of a value together.
const KEPT: usize = 8 * 1024;
/// Of one text.
const KEPT_OF_TEXT: usize = 1024;
/// What an item counts beside its text.
const ITEM: usize = 8;

/// The value as it is when it is small; otherwise with its long texts and lists cut, and marked where they are.
pub(super) fn shortened(value: &Value) -> Value {
    shorten(value, &mut KEPT.clone())
}

fn shorten(value: &Value, left: &mut usize) -> Value {
    *left = left.saturating_sub(ITEM);
    match value {
        Value::String(text) => Value::String(cut(text, left)),
        Value::Array(items) => {
            let mut kept: Vec<_> = Vec::new();
            for item in items {
                if *left == 0 {
                    kept.push(Value::String(format!("… {} more", items.len() - kept.len())));
                    break;
                }
                kept.push(shorten(item, left));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => {
            let mut kept = serde_json::Map::new();
            for (name, field) in fields {
                if *left == 0 {
                    kept.insert("…".to_owned(), Value::String(format!("{} more", fields.len() - kept.len())));
                    break;
                }
                kept.insert(cut(name, left), shorten(field, left));
            }
            Value::Object(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn cut(text: &str, left: &mut usize) -> String {
    let end = text.floor_char_boundary(KEPT_OF_TEXT.min(*left));
    *left = left.saturating_sub(end);
    if end == text.len() {
        text.to_owned()
    } else {
        format!("{}… {} bytes more", &text[..end], text.len() - end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_small_stays_as_it_is() {
        let value =
            json!({ "tool_name": "Bash", "tool_input": { "command": "ls", "n": [1, 2.5, null, true] } });
        assert_eq!(shortened(&value), value);
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let short = shortened(&json!({ "content": "ä".repeat(2000) }));
        let text = short["content"].as_str().expect("a text");
        assert!(text.starts_with("ää") && text.ends_with("… 2976 bytes more"), "{text}");
        let many = shortened(&json!(vec![1; 100_000]));
        assert!(many.to_string().len() < 4 * KEPT, "{}", many.to_string().len());
        assert_eq!(many.as_array().and_then(|items| items.last()), Some(&json!("… 98977 more")));
        let wide: Value = (0..10_000)
            .map(|n| (n.to_string(), json!("x".repeat(500))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert!(shortened(&wide).to_string().len() < 2 * KEPT);
    }
}
