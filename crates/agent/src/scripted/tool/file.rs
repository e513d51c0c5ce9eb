//! Reading and changing files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::ToolOutput;

/// Files larger than this are not read.
const LARGEST_FILE: u64 = 1024 * 1024;

/// `Read`: a file as text.
pub(super) fn read(folder: &Path, input: &Value) -> ToolOutput {
    attempt(folder, input, |path| {
        let text = load(path)?;
        let detail =
            json!({ "type": "text", "file": { "filePath": path, "numLines": text.lines().count() } });
        Ok(ToolOutput::success(text, detail))
    })
}

/// `Write`: a file as a whole; missing folders are made.
pub(super) fn write(folder: &Path, input: &Value) -> ToolOutput {
    attempt(folder, input, |path| {
        let content = input["content"].as_str().ok_or("content is missing")?;
        let kind = if path.exists() { "update" } else { "create" };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
        let words = format!("File {kind}d successfully at: {}", path.display());
        Ok(ToolOutput::success(words, json!({ "type": kind, "filePath": path })))
    })
}

/// `Edit`: replaces a text that must stand in the file exactly once, unless `replace_all` is set.
pub(super) fn edit(folder: &Path, input: &Value) -> ToolOutput {
    attempt(folder, input, |path| {
        let old =
            input["old_string"].as_str().filter(|old| !old.is_empty()).ok_or("old_string is missing")?;
        let new = input["new_string"].as_str().ok_or("new_string is missing")?;
        let text = load(path)?;
        let found = text.matches(old).count();
        if found == 0 {
            return Err(Problem(format!("String to replace not found in file: {old}")));
        }
        if found > 1 && input["replace_all"] != true {
            return Err(Problem(format!(
                "Found {found} matches of the string to replace, but replace_all is false"
            )));
        }
        fs::write(path, text.replace(old, new))?;
        let words = format!("The file {} has been updated.", path.display());
        Ok(ToolOutput::success(words, json!({ "filePath": path, "oldString": old, "newString": new })))
    })
}

/// Why a file tool failed, for the model.
struct Problem(String);

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn attempt(
    folder: &Path,
    input: &Value,
    act: impl FnOnce(&PathBuf) -> Result<ToolOutput, Problem>,
) -> ToolOutput {
    let Some(path) = input["file_path"].as_str().filter(|path| !path.is_empty()) else {
        return ToolOutput::error("file_path is missing");
    };
    let path = folder.join(path);
    act(&path).unwrap_or_else(|Problem(problem)| ToolOutput::error(format!("{}: {problem}", path.display())))
}

fn load(path: &Path) -> Result<String, Problem> {
    if path.metadata()?.len() > LARGEST_FILE {
        return Err(Problem(format!("the file is larger than {LARGEST_FILE} bytes")));
    }
    Ok(fs::read_to_string(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_read_and_edited_in_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = write(folder.path(), &json!({ "file_path": "deep/a.txt", "content": "one two one" }));
        assert!(!written.is_error, "{written:?}");
        let ambiguous = json!({ "file_path": "deep/a.txt", "old_string": "one", "new_string": "1" });
        assert!(edit(folder.path(), &ambiguous).content.contains("Found 2 matches"));
        let everywhere =
            json!({ "file_path": "deep/a.txt", "old_string": "one", "new_string": "1", "replace_all": true });
        assert!(!edit(folder.path(), &everywhere).is_error);
        assert_eq!(read(folder.path(), &json!({ "file_path": "deep/a.txt" })).content, "1 two 1");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_for_the_model() {
        let output = read(Path::new("/nowhere"), &json!({ "file_path": "a" }));
        assert!(output.is_error && output.content.starts_with("/nowhere/a: "), "{output:?}");
        assert!(read(Path::new("/"), &json!({})).is_error);
    }
}
