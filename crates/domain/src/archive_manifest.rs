//! What is in an archive: each file with its digest.

use crate::{digest::Sha256Digest, time::Timestamp};

/// The place of a file below the root of its archive: parts separated by `/`, none of them empty, `.` or `..`; at most 4,096
/// bytes and no NUL. Nothing that is joined to it leads out of the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct ArchivedPath(String);

/// A text that is no place below a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a path inside an archive; accepted: a relative path of at most 4096 bytes without . and .. such as src/main.rs"
)]
pub struct InvalidArchivedPath(String);

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ArchivedFile {
    /// Where, below the root.
    pub path: ArchivedPath,
    /// Size of its contents.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// Permission bits.
    pub mode: u32,
    /// When its contents last changed.
    pub modified: Timestamp,
    /// Digest of its contents.
    pub sha256: Sha256Digest,
}

/// The files in an archive in the order of their paths, each path once, and how many they are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ArchiveManifest {
    file_count: u64,
    total_bytes: u64,
    files: Vec<ArchivedFile>,
}

/// A list of files that is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// Two files at one place.
    #[error("{0:?} is in the manifest twice; accepted: each path once")]
    Twice(String),
    /// The counts are not those of the files.
    #[error("the manifest says {said} files and bytes, but lists {listed}")]
    Miscounted {
        /// As written, as `FILES/BYTES`.
        said: String,
        /// As counted.
        listed: String,
    },
}

/// A manifest as somebody wrote it.
#[derive(serde::Deserialize)]
struct Unchecked {
    file_count: u64,
    total_bytes: u64,
    files: Vec<ArchivedFile>,
}

impl ArchivedPath {
    const LONGEST: usize = 4096;

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ArchivedPath {
    type Error = InvalidArchivedPath;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_inside = text.len() <= Self::LONGEST
            && !text.contains('\0')
            && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if is_inside { Ok(Self(text)) } else { Err(InvalidArchivedPath(text)) }
    }
}

impl std::str::FromStr for ArchivedPath {
    type Err = InvalidArchivedPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl std::fmt::Display for ArchivedPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl ArchiveManifest {
    /// The manifest of these files, in any order.
    ///
    /// # Errors
    /// When two of them are at one place.
    pub fn new(mut files: Vec<ArchivedFile>) -> Result<Self, InvalidManifest> {
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if let Some(twice) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(InvalidManifest::Twice(twice[0].path.to_string()));
        }
        let total_bytes = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes));
        Ok(Self { file_count: files.len() as u64, total_bytes, files })
    }

    /// How many files there are.
    #[must_use]
    pub const fn file_count(&self) -> u64 {
        self.file_count
    }

    /// The sizes of all files together, in bytes.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The files in the order of their paths.
    #[must_use]
    pub fn files(&self) -> &[ArchivedFile] {
        &self.files
    }
}

impl TryFrom<Unchecked> for ArchiveManifest {
    type Error = InvalidManifest;

    fn try_from(unchecked: Unchecked) -> Result<Self, Self::Error> {
        let manifest = Self::new(unchecked.files)?;
        let said = (unchecked.file_count, unchecked.total_bytes);
        let listed = (manifest.file_count, manifest.total_bytes);
        if said == listed {
            return Ok(manifest);
        }
        let text = |(files, bytes): (u64, u64)| format!("{files}/{bytes}");
        Err(InvalidManifest::Miscounted { said: text(said), listed: text(listed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, size_bytes: u64) -> ArchivedFile {
        ArchivedFile {
            path: path.parse().unwrap(),
            size_bytes,
            mode: 0o644,
            modified: Timestamp::from_micros(1),
            sha256: Sha256Digest::of(path.as_bytes()),
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_out_of_the_root(text in "[./a\\\\]{0,12}|.*") {
            if let Ok(path) = text.parse::<ArchivedPath>() {
                let joined = std::path::Path::new("/root").join(path.as_str());
                let is_plain = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(std::path::Path::new(path.as_str()).components().all(is_plain));
                prop_assert_eq!(path.as_str(), text);
            }
        }

        #[test]
        fn a_manifest_survives_its_json(sizes in proptest::collection::vec(any::<u32>(), 0..20)) {
            let files = sizes.iter().enumerate().map(|(n, size)| file(&format!("src/{n}.rs"), (*size).into()));
            let manifest = ArchiveManifest::new(files.collect()).unwrap();
            prop_assert_eq!(manifest.total_bytes(), sizes.iter().map(|size| u64::from(*size)).sum::<u64>());
            let json = serde_json::to_string(&manifest).unwrap();
            prop_assert_eq!(serde_json::from_str::<ArchiveManifest>(&json).unwrap(), manifest);
        }
    }

    #[test]
    fn paths_that_could_lead_out_are_refused() {
        for good in ["a", "src/main.rs", "...", "a/..b", "ä b/\\c"] {
            assert!(good.parse::<ArchivedPath>().is_ok(), "{good}");
        }
        for bad in ["", "/etc/passwd", "..", "a/../b", "a/./b", "a//b", "a/", "a\0b", &"a".repeat(4097)] {
            assert!(bad.parse::<ArchivedPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused() {
        let twice = ArchiveManifest::new(vec![file("a", 1), file("b", 1), file("a", 2)]);
        assert_eq!(twice, Err(InvalidManifest::Twice("a".into())));
        let mut json = serde_json::to_value(ArchiveManifest::new(vec![file("a", 1)]).unwrap()).unwrap();
        json["total_bytes"] = 2.into();
        let error = serde_json::from_value::<ArchiveManifest>(json.clone()).unwrap_err().to_string();
        assert_eq!(error, "the manifest says 1/2 files and bytes, but lists 1/1");
        json["files"][0]["path"] = "../a".into();
        let error = serde_json::from_value::<ArchiveManifest>(json).unwrap_err().to_string();
        assert!(error.contains("../a"), "{error}");
    }
}
