//! The commands, one file each.

pub(crate) mod case;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod import_files;
pub(crate) mod import_text;
pub(crate) mod label;
pub(crate) mod man;
pub(crate) mod screen;
pub(crate) mod trace;
pub(crate) mod trace_files;
pub(crate) mod trace_text;
pub(crate) mod verify;
pub(crate) mod verify_compare;
