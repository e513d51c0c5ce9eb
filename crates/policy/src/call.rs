//! A call of a tool, and what it would do.

use serde_json::Value;

use crate::{
    effect::{Effect, Effects, Endpoint, Place, Written},
    shell::{Folders, Scope, Walker},
    surroundings::Surroundings,
    text::{Part, Text},
};

/// A call of a tool that is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The tool.
    pub tool_name: &'c str,
    /// What it is given.
    pub input: &'c Value,
    /// The folder it works in, absolute.
    pub cwd: &'c str,
}

/// What the call would do.
pub(crate) fn effects_of(call: &Call<'_>, surroundings: &Surroundings) -> Effects {
    let mut effects = Effects::default();
    effects.push(Effect::Tool(call.tool_name.to_owned()));
    if let Err(problem) = gather(call, surroundings, &mut effects) {
        effects.push(Effect::Unreadable(problem));
    }
    let through = effects.iter().filter_map(Effect::place).find(|place| place.leads_through_process());
    if let Some(path) = through.map(|place| place.path.to_string()) {
        effects.push(Effect::Unreadable(format!(
            "{path} leads through an open folder or another process, nobody knows where"
        )));
    }
    effects
}

fn gather(call: &Call<'_>, surroundings: &Surroundings, effects: &mut Effects) -> Result<(), String> {
    match call.tool_name {
        "Bash" => {
            let command = text(call, "command")?;
            let mut walker = Walker::new(surroundings);
            let mut scope = Scope::new(&crate::path::normal(call.cwd));
            walker.program(command, &mut scope, None);
            effects.0.append(&mut walker.effects.0);
        }
        "Read" => read(call, "file_path", effects)?,
        "NotebookRead" => read(call, "notebook_path", effects)?,
        "Write" | "Edit" | "MultiEdit" => write(call, "file_path", effects)?,
        "NotebookEdit" => write(call, "notebook_path", effects)?,
        "LS" => {
            for place in places(call, optional(call, "path")?.unwrap_or("."))? {
                effects.push(Effect::List(place));
            }
        }
        "Grep" => {
            let path = optional(call, "path")?.filter(|path| !path.is_empty()).unwrap_or(".");
            for place in places(call, path)? {
                if let Some(glob) = optional(call, "glob")? {
                    for glob in alternatives(glob)? {
                        effects.push(Effect::Read(below(&place, &glob, true)));
                    }
                }
                effects.push(Effect::Read(place.clone()));
                effects.push(Effect::ReadBelow(place));
            }
        }
        "Glob" => {
            let pattern = text(call, "pattern")?;
            let path = optional(call, "path")?.filter(|path| !path.is_empty()).unwrap_or(".");
            for place in places(call, path)? {
                for pattern in alternatives(pattern)? {
                    effects.push(Effect::Read(below(&place, &pattern, false)));
                }
                effects.push(Effect::List(place));
            }
        }
        "WebFetch" => {
            let url = text(call, "url")?;
            let target = Text::lit(url);
            if url.trim().to_lowercase().starts_with("file:") {
                for place in places(call, url.trim())? {
                    effects.push(Effect::Read(place));
                }
            }
            effects.push(Effect::Connect(Endpoint { target, is_url: true, scheme: None }));
        }
        _ => {}
    }
    Ok(())
}

fn read(call: &Call<'_>, field: &str, effects: &mut Effects) -> Result<(), String> {
    for place in places(call, text(call, field)?)? {
        effects.push(Effect::Read(place));
    }
    Ok(())
}

fn write(call: &Call<'_>, field: &str, effects: &mut Effects) -> Result<(), String> {
    for place in places(call, text(call, field)?)? {
        effects.push(Effect::Write(place, Written::Changed));
    }
    Ok(())
}

/// The path as it stands, and as a program that trims it would take it.
fn places(call: &Call<'_>, path: &str) -> Result<Vec<Place>, String> {
    if path.contains('\0') {
        return Err("its path contains NUL".to_owned());
    }
    if path.chars().any(crate::lookalike::is_direction) {
        return Err("its path contains a character that turns the text around".to_owned());
    }
    let cwd = Folders { known: vec![crate::path::normal(call.cwd)], has_unknown: false };
    let place = |path: &str| Place { path: Text::lit(path), cwd: cwd.clone() };
    let trimmed = path.trim();
    let mut all = vec![place(path)];
    if trimmed != path && !trimmed.is_empty() {
        all.push(place(trimmed));
    }
    Ok(all)
}

/// What the braces of a pattern stand for.
fn alternatives(pattern: &str) -> Result<Vec<String>, String> {
    crate::shell::expand_braces(pattern).ok_or_else(|| "its pattern stands for too many".to_owned())
}

/// A pattern of names below a folder, of any depth when it is `anywhere`.
fn below(folder: &Place, pattern: &str, anywhere: bool) -> Place {
    let mut path = if pattern.starts_with(['/', '~']) { Text::default() } else { folder.path.clone() };
    if !path.is_empty() {
        path.push_lit("/");
        if anywhere && !pattern.contains('/') {
            path.push(Part::Star);
            path.push(Part::Star);
            path.push_lit("/");
        }
    }
    let mut rest = pattern.strip_prefix('!').unwrap_or(pattern);
    while let Some(at) = rest.find(['*', '?', '[']) {
        path.push_lit(&rest[..at]);
        let wildcard = &rest[at..];
        let length = match wildcard.as_bytes()[0] {
            b'[' => {
                path.push(Part::One(None));
                wildcard.find(']').map_or(wildcard.len(), |end| end + 1)
            }
            b'*' => {
                path.push(Part::Star);
                1
            }
            _ => {
                path.push(Part::One(None));
                1
            }
        };
        rest = &wildcard[length..];
    }
    path.push_lit(rest);
    Place { path, cwd: folder.cwd.clone() }
}

fn text<'c>(call: &Call<'c>, field: &str) -> Result<&'c str, String> {
    match call.input.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        Some(Value::String(_)) => Err(format!("its field {field} is empty")),
        Some(_) => Err(format!("its field {field} is no text")),
        None => Err(format!("its field {field} is missing")),
    }
}

fn optional<'c>(call: &Call<'c>, field: &str) -> Result<Option<&'c str>, String> {
    match call.input.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("its field {field} is no text")),
    }
}
