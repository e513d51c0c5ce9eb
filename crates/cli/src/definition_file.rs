//! Files in which people describe agents and templates: TOML or JSON.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::failure::{Code, Failure};

/// No description is as long as this.
const LONGEST_BYTES: u64 = 1024 * 1024;

/// Reads a file, or standard input where the path is `-`; JSON when it begins with a brace, TOML otherwise.
pub(crate) fn read(current_directory: &Path, path: &Path) -> Result<Value, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let (shown, text) = if is_stdin {
        (PathBuf::from("standard input"), text_of(std::io::stdin().lock()))
    } else {
        let path = current_directory.join(path);
        let text = fs::File::open(&path).map_err(Failure::from).and_then(text_of);
        (path, text)
    };
    let named = |failure: Failure| Failure {
        message: format!("{}: {}", shown.display(), failure.message),
        ..failure
    };
    let text = text.map_err(named)?;
    let parsed = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| Failure::new(Code::Usage, error))
    } else {
        toml::from_str(&text).map_err(|error| Failure::new(Code::Usage, error.to_string().trim_end()))
    };
    parsed.map_err(named)
}

fn text_of(file: impl std::io::Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    file.take(LONGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_BYTES {
        return Err(Failure::new(Code::Usage, format!("it is larger than {LONGEST_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| Failure::new(Code::Usage, format!("it is not UTF-8: {error}")))
}
