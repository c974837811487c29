//! Small files, whole: read up to a limit, written so that they are there entirely or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Links that are followed from one to the next, as Linux does.
const MAX_LINKS: usize = 40;

/// The bytes of a file, or its first `most` and one more: enough for a reader to refuse it as too long,
/// however long it is.
pub(crate) fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let context = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(context)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).with_context(context)?;
    Ok(bytes)
}

/// Writes a file so that it is there whole or not at all. A link stays one, and what it leads to is
/// written; devices and pipes are written to, because a file in their place would be none of them.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    match stream(path).with_context(context)? {
        Some(mut stream) => stream.write_all(bytes).with_context(context),
        None => replace(path, bytes).with_context(context),
    }
}

/// True if what is there takes bytes and keeps no file.
pub(crate) fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|known| is_own(&known) || !(known.is_file() || known.is_dir()))
}

/// What two paths are compared by: where they lead, also if nothing is there yet.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let target = target(path).unwrap_or_else(|_| path.to_path_buf());
    let in_folder = || Some(folder_of(&target).canonicalize().ok()?.join(target.file_name()?));
    target.canonicalize().ok().or_else(in_folder).unwrap_or(target)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target(path)?;
    let mut file =
        tempfile::Builder::new().permissions(permissions()).tempfile_in(folder_of(&target))?;
    file.write_all(bytes)?;
    // Without it a power failure could leave the new name and none of its bytes.
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

/// What is open already, or a device or pipe that can be; `None` where a file belongs.
fn stream(path: &Path) -> io::Result<Option<File>> {
    let Ok(known) = fs::metadata(path) else { return Ok(None) };
    if let Some(own) = own(&known) {
        return Ok(Some(own));
    }
    if known.is_file() || known.is_dir() {
        return Ok(None);
    }
    OpenOptions::new().write(true).open(path).map(Some)
}

/// Our stdout or stderr, if it is this file (`--hops /dev/stdout > all.txt`): what is printed later has
/// to come after it, and not to a file that was renamed away.
fn own(known: &Metadata) -> Option<File> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    [stdout.as_fd(), stderr.as_fd()].into_iter().find_map(|open| {
        let open = File::from(open.try_clone_to_owned().ok()?);
        let same = open.metadata().ok()?;
        ((same.dev(), same.ino()) == (known.dev(), known.ino())).then_some(open)
    })
}

fn is_own(known: &Metadata) -> bool {
    own(known).is_some()
}

/// Where links lead; the last may lead to what is not there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            // No link, or nothing there.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many links"))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// What a file made for others to read may be: the user's mask still applies.
fn permissions() -> fs::Permissions {
    fs::Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Links were replaced by files of their names.
    #[test]
    fn a_link_stays_a_link() {
        let room = tempfile::tempdir().expect("a folder");
        let at = |name: &str| room.path().join(name);
        fs::create_dir(at("far")).expect("made");
        fs::write(at("far/old"), "old").expect("written");
        let check = |link: &str, leads_to: &str, file: &str| {
            symlink(leads_to, at(link)).expect("linked");
            write(&at(link), b"new").expect("written");
            assert_eq!(fs::read(at(file)).expect("there"), b"new", "{link}");
            assert!(at(link).is_symlink() && !at(file).is_symlink(), "{link}");
            assert_eq!(canonical(&at(link)), canonical(&at(file)), "{link}");
        };
        check("to-old", "far/old", "far/old");
        check("to-nothing", "far/new", "far/new");
        check("to-link", "to-old", "far/old");
        symlink("round", at("round")).expect("linked");
        assert!(write(&at("round"), b"x").is_err() && at("round").is_symlink());
        // Nothing but the links and what they lead to is left.
        assert_eq!(fs::read_dir(at("far")).expect("a folder").count(), 2);
    }

    /// A device was replaced by a file, as root for everybody.
    #[test]
    fn a_full_device_is_an_error_and_stays_one() {
        let room = tempfile::tempdir().expect("a folder");
        for (name, takes) in [("full", false), ("null", true)] {
            let link = room.path().join(name);
            symlink(Path::new("/dev").join(name), &link).expect("linked");
            assert_eq!(write(&link, b"x").is_ok(), takes, "{name}");
            assert!(is_stream(&link) && link.is_symlink(), "{name}");
        }
    }
}
