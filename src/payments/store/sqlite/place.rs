//! Where the file is, and whether it may be there.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::url::{Url, invalid};
use crate::error::{Code, Error, Result};

pub struct Place {
    /// Absolute: a host may change its working directory, and SQLite gives other meanings to `:memory:` and `file:`.
    pub path: PathBuf,
    pub lock_timeout: Duration,
}

impl Place {
    pub fn of(url: &Url) -> Result<Place> {
        let (path, parameters) = url.file()?;
        if path.is_empty() || path.starts_with(':') || path.starts_with("file:") {
            return Err(invalid(
                "the URL names no file, and what is only in memory is lost in a crash; write sqlite:PATH, such as sqlite:payments.db",
            ));
        }
        if path.ends_with('/') {
            return Err(is_folder());
        }
        Ok(Place {
            path: std::path::absolute(&path).map_err(|error| {
                invalid(format!("the path of the store cannot be used: {error}"))
            })?,
            lock_timeout: parameters.lock_timeout,
        })
    }

    /// Makes the file, which only its owner may read, unless it is there.
    pub fn create(&self) -> Result<()> {
        if self.path.is_dir() {
            return Err(is_folder());
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        if let Some(kind) = network_file_system(folder) {
            return Err(invalid(format!(
                "{} is on a network file system ({kind}), whose locks and syncs SQLite cannot rely on; put the file on a local disk, or use a database server",
                self.path.display()
            )));
        }
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path);
        match made {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.cannot_create(&error)),
        }
    }

    /// The same failure with the name of the file.
    pub fn named(&self, error: Error) -> Error {
        let file = format!("the store's file {}", self.path.display());
        error.reworded(|message| message.replacen("the store's file", &file, 1))
    }

    fn cannot_create(&self, error: &std::io::Error) -> Error {
        let path = self.path.display();
        let code = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                return invalid(format!(
                    "the folder of {path} does not exist; make it first"
                ));
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Code::StoreReadOnly,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::StoreFull,
            _ => Code::StoreUnavailable,
        };
        Error::new(code, format!("the file {path} cannot be made: {error}"))
    }
}

fn is_folder() -> Error {
    invalid("the URL of the store names a folder; name a file in it")
}

/// The name of the file system, if it is one over a network as far as the kernel tells.
#[cfg(target_os = "linux")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    const KNOWN: [(u64, &str); 9] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x517b, "SMB"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x7461_636f, "OCFS2"),
    ];
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: zeros are a statfs, which the call fills.
    let stat = unsafe {
        let mut stat: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &mut stat) == 0).then_some(stat)
    }?;
    let kind = stat.f_type as u64 & 0xffff_ffff;
    KNOWN
        .iter()
        .find(|known| known.0 == kind)
        .map(|known| known.1)
}

#[cfg(target_os = "macos")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: zeros are a statfs, which the call fills.
    let stat = unsafe {
        let mut stat: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &mut stat) == 0).then_some(stat)
    }?;
    (stat.f_flags & libc::MNT_LOCAL as u32 == 0).then_some("not local")
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}
