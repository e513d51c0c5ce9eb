//! The symbolic links on the way of paths, as the disk has them now.

use std::{
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

use policy::Links;

/// The most places that are looked at for one call.
const MOST_LOOKS: usize = 4096;
/// The most links on the way of one path; the kernel gives up there too.
const MOST_LINKS: usize = 40;

/// More places to look at than anybody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it touches more places than are looked at for one call ({MOST_LOOKS})")]
pub(crate) struct TooManyPlaces;

/// Every link on the way of these absolute paths, with where it leads. What is not there, or cannot be looked at, is no link.
pub(crate) fn find(paths: &[String]) -> Result<Links, TooManyPlaces> {
    let mut found = Links::default();
    let mut looks = 0;
    for path in paths {
        follow(Path::new(path), &mut found, &mut looks)?;
    }
    Ok(found)
}

fn follow(path: &Path, found: &mut Links, looks: &mut usize) -> Result<(), TooManyPlaces> {
    let mut at = PathBuf::from("/");
    let mut ahead = steps(path);
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        match step {
            Step::Root => at = PathBuf::from("/"),
            Step::Up => drop(at.pop()),
            Step::Into(name) => {
                at.push(name);
                *looks += 1;
                if *looks > MOST_LOOKS {
                    return Err(TooManyPlaces);
                }
                let Ok(target) = target(&at) else { return Ok(()) };
                let Some(target) = target else { continue };
                found.0.insert(at.to_string_lossy().into_owned(), target.to_string_lossy().into_owned());
                links += 1;
                if links > MOST_LINKS {
                    return Ok(());
                }
                at.pop();
                ahead.extend(steps(&target));
            }
        }
    }
    Ok(())
}

/// One step on the way of a path.
enum Step {
    Root,
    Up,
    Into(OsString),
}

/// The steps of a path, the first one last.
fn steps(path: &Path) -> Vec<Step> {
    let step = |component: Component<'_>| match component {
        Component::RootDir | Component::Prefix(_) => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
        Component::CurDir => None,
    };
    path.components().rev().filter_map(step).collect()
}

/// Where a link leads; `None` when it is none.
fn target(path: &Path) -> io::Result<Option<PathBuf>> {
    let is_link = fs::symlink_metadata(path)?.file_type().is_symlink();
    is_link.then(|| fs::read_link(path)).transpose()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(paths: &[&Path]) -> Vec<(String, String)> {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        let mut found: Vec<_> = find(&paths).expect("few places").0.into_iter().collect();
        found.sort();
        found
    }

    #[test]
    fn links_are_found_where_they_lead_and_beyond() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("exists");
        fs::create_dir(root.join("real")).expect("a folder");
        symlink("real", root.join("first")).expect("a link");
        symlink("../second-target", root.join("real/second")).expect("a link");
        let shown = |path: &str| root.join(path).display().to_string();
        assert_eq!(
            found(&[&root.join("first/second/file")]),
            [(shown("first"), "real".to_owned()), (shown("real/second"), "../second-target".to_owned()),]
        );
        assert_eq!(found(&[&root.join("real"), &root.join("not/there")]), []);
    }

    #[test]
    fn a_loop_of_links_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("exists");
        symlink("b", root.join("a")).expect("a link");
        symlink("a", root.join("b")).expect("a link");
        assert_eq!(found(&[&root.join("a/x")]).len(), 2);
    }

    #[test]
    fn more_places_than_anybody_looks_at_are_refused() {
        let paths: Vec<_> = (0..=MOST_LOOKS).map(|number| format!("/nothing-there-{number}")).collect();
        assert_eq!(find(&paths), Err(TooManyPlaces));
    }
}
