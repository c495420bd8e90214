//! A file that is there whole or not at all: written under another name beside its place, and renamed when every check has passed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Outcome, Result};

/// The file under its temporary name. Dropped before `keep` it leaves nothing behind.
pub(super) struct Saving {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_kept: bool,
    /// A forked child has a copy of this, and may not remove its parent's file.
    process: u32,
}

impl Saving {
    /// `suffix` keeps two downloads to one path apart.
    pub fn begin(path: &Path, suffix: &str) -> Result<Saving> {
        let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
            return Err(failed(path, "it is no place for a file"));
        };
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{suffix}.part"));
        let temporary = path.with_file_name(temporary);
        let file = options()
            .open(&temporary)
            .map_err(|error| failed(path, &explain(&error)))?;
        Ok(Saving {
            file,
            temporary,
            path: path.to_owned(),
            is_kept: false,
            process: std::process::id(),
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.attempt(|file| file.write_all(bytes))
    }

    /// Forgets what was written after the first `length` bytes.
    pub fn rewind(&mut self, length: u64) -> Result<()> {
        self.attempt(|file| {
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length)).map(drop)
        })
    }

    /// Gives the file its name, replacing what had it, once all of it is on the disk.
    pub fn keep(mut self) -> Result<()> {
        self.attempt(|file| file.sync_all())?;
        fs::rename(&self.temporary, &self.path)
            .map_err(|error| failed(&self.path, &explain(&error)))?;
        self.is_kept = true;
        // That the name survives a loss of power is for the folder to say; where folders cannot be synced there is nothing to do.
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn attempt(&mut self, work: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        work(&mut self.file).map_err(|error| failed(&self.path, &explain(&error)))
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        if !self.is_kept && self.process == std::process::id() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Bills are nobody else's business.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The kind alone: the system's own text is in the system's language.
fn explain(error: &io::Error) -> String {
    format!("{}", error.kind())
}

fn failed(path: &Path, problem: &str) -> Error {
    Error::new(
        Code::FileFailed,
        format!("the file {} cannot be written: {problem}", path.display()),
    )
    .with_outcome(Outcome::NotSent)
    .with_field("path")
}
