//! Where the archive is: the flag, the environment, or the user's data folder; and opening it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use archive::{Archive, ArchiveError, Index};

use crate::cli::Global;
use crate::exit::{Coded, Exit};
use crate::in_place::with_reader;
use crate::output::Output;
use crate::progress;
use crate::set_aside;

/// The folder that a command works on.
pub(crate) fn folder(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &global.archive {
        return Ok(folder.clone());
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share"));
    let data = data.or_else(home).ok_or_else(|| {
        Coded::new(Exit::Usage, "there is no data folder to keep an archive in")
            .help("name one: --archive DIR, or DYEPACK_ARCHIVE")
    })?;
    Ok(data.join("dyepack"))
}

/// Opens the archive for reading.
pub(crate) fn read(global: &Global) -> anyhow::Result<Archive> {
    let folder = folder(global)?;
    match Archive::read(&folder) {
        Err(ArchiveError::Missing { .. }) => {
            let message = format!("there is no archive in {}", folder.display());
            Err(Coded::new(Exit::NoData, message).help("dyepack import FILE… makes one").into())
        }
        other => other.map(with_reader).context("cannot open the archive"),
    }
}

/// Opens the archive for writing, and makes it where there is none.
pub(crate) fn write(global: &Global) -> anyhow::Result<Archive> {
    let archive = Archive::open(&folder(global)?).map(with_reader);
    let archive = archive.context("cannot open the archive for writing")?;
    set_aside::sweep(archive.folder());
    Ok(archive)
}

/// The index of an archive; where it must be built, a bar says how far that is.
pub(crate) fn index(archive: &Archive, output: &Output) -> anyhow::Result<Index> {
    let bar = progress::transfers(output, "building the index", archive.rows());
    let index = archive.index_watched(&|rows| bar.set_position(rows));
    bar.finish_and_clear();
    index.context("cannot open the index")
}

/// True if an archive lies in the folder: by what its manifest says of itself, for many programs call
/// something manifest.json.
pub(crate) fn is_archive(folder: &Path) -> bool {
    let Ok(manifest) = File::open(folder.join("manifest.json")) else { return false };
    let mut beginning = Vec::new();
    let read = manifest.take(64).read_to_end(&mut beginning).is_ok();
    let inside = beginning.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    read && inside.is_some_and(|text| text.starts_with(b"\"dyepack.archive\""))
}
