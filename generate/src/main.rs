//! Writes the typed models of Go, Java and Python from `catalogue/`.
//!
//!     payseal-generate [--check] [--root DIR]
//!
//! With `--check` nothing is written: it names the files that differ from what would be, and exits with 1 if there are any.

mod describe;
mod go;
mod java;
#[path = "../../build/model.rs"]
mod model;
mod naming;
mod plan;
mod python;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use model::Catalogue;
use plan::Package;
use tree::Tree;

/// How every generated file can be told from one that a person wrote.
pub const MARK: &str = "enerated by payseal-generate from ";

fn main() -> ExitCode {
    let mut root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut check = false;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), &mut arguments) {
            ("--check", _) => check = true,
            ("--root", rest) => match rest.next() {
                Some(folder) => root = PathBuf::from(folder),
                None => return usage(),
            },
            _ => return usage(),
        }
    }
    match generate(&root).and_then(|tree| {
        if check {
            tree.compare(&root)
        } else {
            tree.write(&root).map(|()| Vec::new())
        }
    }) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            stale
                .iter()
                .for_each(|file| eprintln!("stale: {}", file.display()));
            eprintln!("run: cargo run -p payseal-generate");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("payseal-generate: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: payseal-generate [--check] [--root DIR]");
    ExitCode::from(2)
}

fn generate(root: &Path) -> Result<Tree, String> {
    let mut tree = Tree::default();
    for file in catalogues(&root.join("catalogue"))? {
        let text = fs::read_to_string(&file)
            .map_err(|problem| format!("{}: {problem}", file.display()))?;
        let catalogue: Catalogue = serde_json::from_str(&text)
            .map_err(|problem| format!("{}: {problem}", file.display()))?;
        let source = format!(
            "catalogue/{}",
            file.file_name().unwrap_or_default().to_string_lossy()
        );
        for family in &catalogue.families {
            let package = Package::plan(&catalogue.provider, &source, family);
            go::write(root, &package, &mut tree)?;
            java::write(&package, &mut tree);
            python::write(&package, &mut tree);
        }
    }
    Ok(tree)
}

fn catalogues(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        fs::read_dir(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    Ok(files)
}
