//! The repository as the rules see it: its manifests, its Rust files, its SQL files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::manifest::Manifest;
use super::source::Source;

/// Everything that the rules look at; paths are relative to the repository.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// The root's and one of each crate.
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) sources: Vec<Source>,
    pub(crate) sql_files: Vec<PathBuf>,
}

impl Workspace {
    /// Reads the root's manifest and the crates under `root`. Hidden folders and those named `target` are left out.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut workspace = Self::default();
        workspace.read_file(root, Path::new("Cargo.toml"))?;
        for folder in ["crates", "xtask"] {
            workspace.read_folder(root, Path::new(folder))?;
        }
        Ok(workspace)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        let entries =
            fs::read_dir(root.join(folder)).with_context(|| format!("reading {}", folder.display()))?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = folder.join(&name);
            let is_hidden = name.to_string_lossy().starts_with('.');
            if root.join(&path).is_dir() {
                if name != "target" && !is_hidden {
                    self.read_folder(root, &path)?;
                }
            } else if !is_hidden {
                self.read_file(root, &path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, root: &Path, path: &Path) -> Result<()> {
        let context = || format!("reading {}", path.display());
        let text = || fs::read_to_string(root.join(path)).with_context(context);
        if path.ends_with("Cargo.toml") {
            self.manifests.push(Manifest::parse(path, &text()?).with_context(context)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            self.sources.push(Source::parse(path, &text()?).with_context(context)?);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            self.sql_files.push(path.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
impl Workspace {
    /// A workspace of these files, for a test of a rule.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut workspace = Self::default();
        for (path, text) in files {
            let path = Path::new(path);
            if path.ends_with("Cargo.toml") {
                workspace.manifests.push(Manifest::parse(path, text).unwrap());
            } else {
                workspace.sources.push(Source::parse(path, text).unwrap());
            }
        }
        workspace
    }
}
