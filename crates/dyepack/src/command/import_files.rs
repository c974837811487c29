//! The files that an import is given: those named and those in named folders, and what to call each so
//! that no two are taken for one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::archive_folder;
use crate::exit::{Coded, Exit};
use crate::output::plain;

/// What was found at the paths that were named.
pub(crate) struct Found {
    /// By path, hidden ones left out.
    pub(crate) files: Vec<PathBuf>,
    /// Folders that are archives: what is in them was imported once, and is no file of anybody's.
    pub(crate) archives: Vec<PathBuf>,
}

/// Files as named, and those in named folders.
pub(crate) fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found { files: Vec::new(), archives: Vec::new() };
    let mut folders: Vec<(PathBuf, usize)> = Vec::new();
    for path in paths {
        let meta = fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
        match (meta.is_dir(), meta.is_file()) {
            (true, _) => folders.push((path.clone(), 0)),
            (_, true) => found.files.push(path.clone()),
            // A pipe or a device may never end, and says something else when it is read again.
            _ => {
                let message = format!("{}: neither a file nor a folder", path.display());
                return Err(Coded::new(Exit::Usage, message).into());
            }
        }
    }
    while let Some((folder, depth)) = folders.pop() {
        if archive_folder::is_archive(&folder) {
            found.archives.push(folder);
            continue;
        }
        let entries = fs::read_dir(&folder);
        let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            // Links are not followed: a folder of exports must not lead elsewhere, or in circles.
            let kind = fs::symlink_metadata(&path)?.file_type();
            match (hidden, kind.is_dir(), kind.is_file()) {
                (true, _, _) => {}
                (_, true, _) if depth < 16 => folders.push((path, depth + 1)),
                (_, _, true) => found.files.push(path),
                _ => {}
            }
        }
    }
    for paths in [&mut found.files, &mut found.archives] {
        paths.sort();
        paths.dedup();
    }
    Ok(found)
}

/// What to call each of these files: its name, or where several have one name, the shortest end of its
/// path that no other has.
pub(crate) fn names(paths: &[&Path]) -> Vec<String> {
    let mut names: Vec<String> =
        paths.iter().map(|path| end_of(path, 1).unwrap_or_default()).collect();
    for length in 2.. {
        let mut count: HashMap<&String, usize> = HashMap::new();
        names.iter().for_each(|name| *count.entry(name).or_default() += 1);
        let shared = (0..names.len()).filter(|at| count[&names[*at]] > 1);
        let longer: Vec<(usize, String)> =
            shared.filter_map(|at| Some((at, end_of(paths[at], length)?))).collect();
        if longer.is_empty() {
            break;
        }
        longer.into_iter().for_each(|(at, name)| names[at] = name);
    }
    names
}

/// The last parts of a path, fit for a terminal; `None` if it has fewer.
fn end_of(path: &Path, length: usize) -> Option<String> {
    let parts: Vec<_> = path.components().collect();
    let from = parts.len().checked_sub(length)?;
    Some(plain(&parts[from..].iter().collect::<PathBuf>().to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two wallets' exports had one name, in every summary, remark and result.
    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let check = |paths: &[&str], want: &[&str]| {
            let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
            assert_eq!(names(&paths), want);
        };
        check(&["d1/export.csv", "d2/other.csv"], &["export.csv", "other.csv"]);
        check(&["in/d1/a.csv", "in/d2/a.csv", "in/b.csv"], &["d1/a.csv", "d2/a.csv", "b.csv"]);
        check(&["x/d/a.csv", "y/d/a.csv", "e/a.csv"], &["x/d/a.csv", "y/d/a.csv", "e/a.csv"]);
        check(&["a.csv", "d/a.csv", "/d/d/a.csv"], &["a.csv", "d/a.csv", "d/d/a.csv"]);
        check(&["d\u{1b}/a.csv", "e/a.csv"], &["d\u{fffd}/a.csv", "e/a.csv"]);
        check(&[], &[]);
    }
}
