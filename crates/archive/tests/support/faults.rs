//! A disk with faults: does what it is asked in a temporary folder, and knows beside that what of it is
//! durable. It can fail an operation, write half of one, be full, fail to read, and lose its power; then it
//! shows what a real disk may show afterwards.
//!
//! Durable is what was synced: bytes of a file by syncing it, names by syncing their folder. Of everything
//! else, a disk that lost its power has all, nothing, the first of it, or any part of it: a write may have
//! arrived whole, cut off, or cut off with zeros behind it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use archive::{Disk, Opening, RealDisk};

use super::Dice;

/// What is going to happen. Operations that change something are counted from 0, from where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// One operation fails; of a write some bytes arrive.
    Fails {
        at: u64,
        is_full: bool,
    },
    /// From one operation on nothing can be written or made, as on a full disk.
    Full {
        from: u64,
    },
    /// From one operation on there is no power; that one may or may not have reached the disk.
    Off {
        from: u64,
    },
    /// One reading of a file fails.
    Unreadable {
        path: PathBuf,
        at: u64,
    },
}

/// Something that happened to the bytes of a file.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Debug, Default)]
struct Node {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Entry {
    File(usize),
    Folder,
}

/// Names of a folder that were set (to an entry) or removed at once.
type Names = Vec<(String, Option<Entry>)>;

#[derive(Debug, Default)]
struct Folder {
    current: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
    pending: Vec<Names>,
}

#[derive(Debug)]
struct State {
    nodes: Vec<Node>,
    folders: BTreeMap<PathBuf, Folder>,
    fault: Fault,
    steps: u64,
    reads: u64,
    is_off: bool,
    has_met: bool,
    dice: Dice,
    log: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct FaultyDisk {
    top: tempfile::TempDir,
    state: Mutex<State>,
}

/// What becomes of an operation.
enum Verdict {
    Done,
    Fails(io::Error),
    /// The power goes with it.
    Lost,
}

fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn full() -> io::Error {
    io::Error::from_raw_os_error(28)
}

fn split(path: &Path) -> (PathBuf, String) {
    let name = path.file_name().unwrap().to_str().unwrap();
    (path.parent().unwrap().to_path_buf(), name.to_string())
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Cut(length) => bytes.resize(*length, 0),
        Change::Write { at, bytes: new } => {
            let end = at + new.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[*at..end].copy_from_slice(new);
        }
    }
}

/// Which of the changes that were not synced arrived.
#[derive(Clone, Copy)]
enum Arrival {
    Nothing,
    All,
    First,
    Some,
}

impl Arrival {
    fn chosen(dice: &mut Dice) -> Arrival {
        [Arrival::Nothing, Arrival::All, Arrival::First, Arrival::Some][dice.below(4) as usize]
    }

    /// Of so many changes, which arrived.
    fn of(self, count: usize, dice: &mut Dice) -> Vec<bool> {
        match self {
            Arrival::Nothing => vec![false; count],
            Arrival::All => vec![true; count],
            Arrival::First => {
                let first = dice.below(count as u64 + 1) as usize;
                (0..count).map(|at| at < first).collect()
            }
            Arrival::Some => (0..count).map(|_| dice.below(2) == 0).collect(),
        }
    }
}

impl Node {
    /// What the file holds if not all arrives that was not synced.
    fn survivor(&self, arrival: Arrival, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let arrived = arrival.of(self.pending.len(), dice);
        for (change, has_arrived) in self.pending.iter().zip(arrived) {
            match change {
                _ if has_arrived => apply(&mut bytes, change),
                Change::Write { at, bytes: new } if !matches!(arrival, Arrival::Nothing) => {
                    let length = dice.below(new.len() as u64 + 1) as usize;
                    let mut torn = new[..length].to_vec();
                    match dice.below(3) {
                        0 => continue,
                        1 => {}
                        _ => torn.resize(new.len(), 0),
                    }
                    apply(&mut bytes, &Change::Write { at: *at, bytes: torn });
                }
                _ => {}
            }
        }
        bytes
    }
}

impl State {
    fn find(&self, path: &Path) -> Option<&Entry> {
        let (folder, name) = split(path);
        self.folders.get(&folder)?.current.get(&name)
    }

    fn node(&mut self, path: &Path) -> Option<&mut Node> {
        match self.find(path) {
            Some(Entry::File(node)) => {
                let node = *node;
                self.nodes.get_mut(node)
            }
            _ => None,
        }
    }

    fn change(&mut self, path: &Path, change: Change) {
        if let Some(node) = self.node(path) {
            node.pending.push(change);
        }
    }

    /// Changes names in a folder, all at once.
    fn name(&mut self, folder: &Path, names: Names) {
        let Some(folder) = self.folders.get_mut(folder) else { return };
        for (name, entry) in &names {
            match entry {
                Some(entry) => folder.current.insert(name.clone(), entry.clone()),
                None => folder.current.remove(name),
            };
        }
        folder.pending.push(names);
    }

    /// Counts an operation and says what becomes of it.
    fn verdict(&mut self, what: &str, path: &Path, makes: bool) -> Verdict {
        if self.is_off {
            return Verdict::Fails(broken());
        }
        let number = self.steps;
        self.steps += 1;
        let verdict = match self.fault {
            Fault::Fails { at, is_full } if at == number => {
                Verdict::Fails(if is_full { full() } else { broken() })
            }
            Fault::Full { from } if from <= number && makes => Verdict::Fails(full()),
            Fault::Off { from } if from <= number => Verdict::Lost,
            _ => Verdict::Done,
        };
        self.has_met |= !matches!(verdict, Verdict::Done);
        self.is_off |= matches!(verdict, Verdict::Lost);
        let note = match verdict {
            Verdict::Done => "",
            Verdict::Fails(_) => " FAILS",
            Verdict::Lost => " POWER OFF",
        };
        let (folder, name) = split(path);
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.log.push(format!("{number} {what} {folder}/{name}{note}"));
        verdict
    }

    fn reading(&mut self, path: &Path) -> io::Result<()> {
        if self.is_off {
            return Err(broken());
        }
        if let Fault::Unreadable { path: bad, at } = &self.fault
            && bad == path
        {
            self.reads += 1;
            if self.reads == at + 1 {
                self.has_met = true;
                self.log.push(format!("UNREADABLE {}", path.display()));
                return Err(broken());
            }
        }
        Ok(())
    }
}

impl FaultyDisk {
    pub(crate) fn new(seed: u64) -> Arc<FaultyDisk> {
        FaultyDisk::over(tempfile::tempdir().unwrap(), seed)
    }

    /// A disk on which all that is in a folder is durable.
    fn over(top: tempfile::TempDir, seed: u64) -> Arc<FaultyDisk> {
        let mut state = State {
            nodes: Vec::new(),
            folders: BTreeMap::new(),
            fault: Fault::None,
            steps: 0,
            reads: 0,
            is_off: false,
            has_met: false,
            dice: Dice(seed),
            log: Vec::new(),
        };
        scan(top.path(), &mut state);
        Arc::new(FaultyDisk { top, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder on it, which is durable.
    pub(crate) fn top(&self) -> &Path {
        self.top.path()
    }

    /// Says what is to happen from here on.
    pub(crate) fn arm(&self, fault: Fault) {
        let mut state = self.state();
        state.log.push(format!("-- {fault:?}"));
        (state.fault, state.steps, state.reads, state.has_met) = (fault, 0, 0, false);
    }

    /// True if what was asked for has happened.
    pub(crate) fn has_met(&self) -> bool {
        self.state().has_met
    }

    /// How many operations there were since something was asked for.
    pub(crate) fn steps(&self) -> u64 {
        self.state().steps
    }

    /// The last operations, for whoever looks for what went wrong.
    pub(crate) fn log(&self) -> Vec<String> {
        let state = self.state();
        state.log[state.log.len().saturating_sub(60)..].to_vec()
    }

    /// Files that are there, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let state = self.state();
        let of = |(path, folder): (&PathBuf, &Folder)| {
            let files = folder.current.iter().filter(|(_, e)| matches!(e, Entry::File(_)));
            files.map(|(name, _)| path.join(name)).collect::<Vec<_>>()
        };
        state.folders.iter().flat_map(of).collect()
    }

    /// The disk as it may be after the power went: another folder.
    pub(crate) fn after_power_cut(&self, seed: u64) -> Arc<FaultyDisk> {
        let state = self.state();
        let mut dice = Dice(seed);
        let next = tempfile::tempdir().unwrap();
        self.survive(&state, self.top(), next.path(), &mut dice);
        let disk = FaultyDisk::over(next, seed);
        disk.state().log = [&state.log[..], &["-- the power was cut".to_string()]].concat();
        disk
    }

    fn survive(&self, state: &State, folder: &Path, target: &Path, dice: &mut Dice) {
        let Some(known) = state.folders.get(folder) else { return };
        let mut names = known.durable.clone();
        let arrived = Arrival::chosen(dice).of(known.pending.len(), dice);
        for (change, _) in known.pending.iter().zip(arrived).filter(|(_, arrived)| *arrived) {
            for (name, entry) in change {
                match entry {
                    Some(entry) => names.insert(name.clone(), entry.clone()),
                    None => names.remove(name),
                };
            }
        }
        for (name, entry) in names {
            match entry {
                Entry::File(node) => {
                    let bytes = state.nodes[node].survivor(Arrival::chosen(dice), dice);
                    fs::write(target.join(&name), bytes).unwrap();
                }
                Entry::Folder => {
                    fs::create_dir(target.join(&name)).unwrap();
                    self.survive(state, &folder.join(&name), &target.join(&name), dice);
                }
            }
        }
    }

    /// An operation that happens or does not: what the disk does, and what that changes.
    fn step(
        &self,
        (what, path, makes): (&str, &Path, bool),
        real: impl FnOnce() -> io::Result<()>,
        model: impl FnOnce(&mut State),
    ) -> io::Result<()> {
        let mut state = self.state();
        match state.verdict(what, path, makes) {
            Verdict::Done => {
                real()?;
                model(&mut state);
                Ok(())
            }
            Verdict::Fails(error) => Err(error),
            Verdict::Lost => {
                model(&mut state);
                Err(broken())
            }
        }
    }
}

fn scan(folder: &Path, state: &mut State) {
    let mut found = Folder::default();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        let entry = if entry.path().is_dir() {
            scan(&entry.path(), state);
            Entry::Folder
        } else {
            let durable = fs::read(entry.path()).unwrap();
            state.nodes.push(Node { durable, pending: Vec::new() });
            Entry::File(state.nodes.len() - 1)
        };
        found.current.insert(name, entry);
    }
    found.durable = found.current.clone();
    state.folders.insert(folder.to_path_buf(), found);
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, how: Opening) -> io::Result<File> {
        let is_there = self.state().find(path).is_some();
        if how == Opening::Read || (how == Opening::Keep && is_there) {
            self.state().reading(path)?;
            return RealDisk.open(path, how);
        }
        let mut file = Err(broken());
        let open = || {
            file = RealDisk.open(path, how);
            file.as_ref().map(drop).map_err(|error| error.kind().into())
        };
        self.step(("make", path, true), open, |state| {
            if is_there {
                return state.change(path, Change::Cut(0));
            }
            state.nodes.push(Node::default());
            let (folder, name) = split(path);
            let entry = Entry::File(state.nodes.len() - 1);
            state.name(&folder, vec![(name, Some(entry))]);
        })?;
        file
    }

    fn read(&self, path: &Path, file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.state().reading(path)?;
        RealDisk.read(path, file, into, at)
    }

    fn write(&self, path: &Path, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.state();
        let verdict = state.verdict("write", path, true);
        let arrives = match &verdict {
            Verdict::Fails(_) if state.is_off => return Err(broken()),
            Verdict::Fails(_) => state.dice.below(bytes.len() as u64 + 1) as usize,
            Verdict::Done | Verdict::Lost => bytes.len(),
        };
        let bytes = &bytes[..arrives];
        RealDisk.write(path, file, bytes, at)?;
        state.change(path, Change::Write { at: at as usize, bytes: bytes.to_vec() });
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::Fails(error) => Err(error),
            Verdict::Lost => Err(broken()),
        }
    }

    fn cut(&self, path: &Path, file: &File, length: u64) -> io::Result<()> {
        let real = || RealDisk.cut(path, file, length);
        let model = |state: &mut State| state.change(path, Change::Cut(length as usize));
        self.step(("cut", path, false), real, model)
    }

    /// What a failed sync has not brought to the disk is never brought there, as on Linux.
    fn sync(&self, path: &Path, _: &File) -> io::Result<()> {
        let mut state = self.state();
        let verdict = state.verdict("sync", path, false);
        if state.is_off {
            return Err(broken());
        }
        let mut dice = Dice(state.dice.next());
        let Some(node) = state.node(path) else { return Ok(()) };
        let arrival = match verdict {
            Verdict::Done => Arrival::All,
            _ => Arrival::chosen(&mut dice),
        };
        node.durable = node.survivor(arrival, &mut dice);
        node.pending.clear();
        match verdict {
            Verdict::Fails(error) => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if !folder.starts_with(self.top()) {
            return Ok(()); // durable already
        }
        let mut state = self.state();
        match state.verdict("sync folder", folder, false) {
            Verdict::Done => {
                let missing = || io::Error::from(io::ErrorKind::NotFound);
                let folder = state.folders.get_mut(folder).ok_or_else(missing)?;
                folder.durable = folder.current.clone();
                folder.pending.clear();
                Ok(())
            }
            Verdict::Fails(error) => Err(error),
            Verdict::Lost => Err(broken()),
        }
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if self.state().folders.contains_key(folder) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let real = || RealDisk.make_folder(folder);
        self.step(("make folder", folder, true), real, |state| {
            let (above, name) = split(folder);
            state.name(&above, vec![(name, Some(Entry::Folder))]);
            state.folders.insert(folder.to_path_buf(), Folder::default());
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let real = || RealDisk.rename(from, to);
        self.step(("rename to", to, false), real, |state| {
            let ((folder, old), (same, new)) = (split(from), split(to));
            assert_eq!(folder, same, "renamed from folder to folder");
            let Some(entry) = state.find(from).cloned() else { return };
            state.name(&folder, vec![(old, None), (new, Some(entry))]);
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.state().find(path).is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let real = || RealDisk.remove(path);
        self.step(("remove", path, false), real, |state| {
            let (folder, name) = split(path);
            state.name(&folder, vec![(name, None)]);
        })
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let real = || RealDisk.remove_folder(folder);
        self.step(("remove folder", folder, false), real, |state| {
            let (above, name) = split(folder);
            state.name(&above, vec![(name, None)]);
            state.folders.retain(|path, _| !path.starts_with(folder));
        })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.state().reading(folder)?;
        RealDisk.names(folder)
    }

    fn true_path(&self, path: &Path) -> io::Result<PathBuf> {
        self.state().reading(path)?;
        RealDisk.true_path(path)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.state().reading(path)?;
        RealDisk.length(path)
    }
}
