//! The files that shall be, and the folders that belong to the generator.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::MARK;

/// Where generated files live. Others may stand among them; what carries the mark and is not wanted any more goes.
const FOLDERS: [&str; 6] = [
    "bindings/go/alipay",
    "bindings/go/wechat",
    "bindings/java/payseal/src/main/java/io/payseal/alipay",
    "bindings/java/payseal/src/main/java/io/payseal/wechat",
    "bindings/python/src/payseal/alipay",
    "bindings/python/src/payseal/wechat",
];

#[derive(Default)]
pub struct Tree {
    /// By path from the repository's root.
    files: BTreeMap<PathBuf, String>,
}

impl Tree {
    pub fn add(&mut self, path: impl Into<PathBuf>, text: String) {
        let path = path.into();
        assert!(
            text.contains(MARK),
            "{} says nothing of where it is from",
            path.display()
        );
        assert!(
            FOLDERS.iter().any(|folder| path.starts_with(folder)),
            "{} is not in a folder of the generator",
            path.display()
        );
        let before = self.files.insert(path.clone(), text);
        assert!(before.is_none(), "{} is written twice", path.display());
    }

    /// A file that is read again next time.
    pub fn record(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), text);
    }

    /// The files that are missing, differ, or should not be.
    pub fn compare(&self, root: &Path) -> Result<Vec<PathBuf>, String> {
        let differs = |(path, text): &(&PathBuf, &String)| {
            fs::read_to_string(root.join(path)).ok().as_ref() != Some(*text)
        };
        let mut stale: Vec<PathBuf> = self
            .files
            .iter()
            .filter(differs)
            .map(|(path, _)| path.clone())
            .collect();
        stale.extend(self.orphans(root));
        Ok(stale)
    }

    pub fn write(&self, root: &Path) -> Result<(), String> {
        let failed = |path: &Path, problem| format!("{}: {problem}", path.display());
        for orphan in self.orphans(root) {
            fs::remove_file(root.join(&orphan)).map_err(|problem| failed(&orphan, problem))?;
        }
        for (path, text) in &self.files {
            let file = root.join(path);
            if fs::read_to_string(&file).ok().as_ref() == Some(text) {
                continue; // builds go by the time of a file
            }
            fs::create_dir_all(file.parent().unwrap_or(root))
                .map_err(|problem| failed(path, problem))?;
            fs::write(&file, text).map_err(|problem| failed(path, problem))?;
        }
        Ok(())
    }

    fn orphans(&self, root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        FOLDERS
            .iter()
            .for_each(|folder| marked(root, Path::new(folder), &mut found));
        found.retain(|path| !self.files.contains_key(path));
        found.sort();
        found
    }
}

fn marked(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => marked(root, &path, found),
            Ok(kind) if kind.is_file() => {
                let head = fs::read_to_string(root.join(&path)).unwrap_or_default();
                if head.lines().take(3).any(|line| line.contains(MARK)) {
                    found.push(path);
                }
            }
            _ => {}
        }
    }
}
