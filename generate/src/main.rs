//! Writes the typed models of Go, Java and Python from `catalogue/`.
//!
//!     payseal-generate [--check] [--root DIR]
//!
//! With `--check` nothing is written: it names the files that differ from what would be, and exits with 1 if there are any.

mod describe;
#[path = "../../build/facts.rs"]
mod facts;
mod go;
mod java;
#[path = "../../build/load.rs"]
mod load;
#[path = "../../build/model.rs"]
mod model;
mod names;
mod naming;
mod objects;
#[path = "../../build/overlay.rs"]
mod overlay;
mod plan;
#[cfg(test)]
mod promises;
mod python;
mod tree;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
    for mut catalogue in load::load(&root.join("catalogue"))? {
        let source = format!("catalogue/{}", catalogue.file);
        let mut names = BTreeMap::new();
        let mut calls = BTreeMap::new();
        for family in &mut catalogue.families {
            if !family.typed {
                continue;
            }
            objects::name(family).map_err(|problem| format!("{}: {problem}", family.name))?;
            if !family.names.is_empty() {
                names.insert(&family.name, &family.names);
            }
            let package = Package::plan(&catalogue.provider, &source, family);
            go::write(root, &package, &mut tree)?;
            java::write(&package, &mut tree);
            python::write(&package, &mut tree);
            calls.insert(package.name.to_owned(), go::calls(&package));
        }
        if !calls.is_empty() {
            go::write_calls(root, &catalogue.provider, &source, &calls, &mut tree)?;
        }
        if !names.is_empty() {
            let table = catalogue.file.trim_end_matches(".json");
            let file = format!("catalogue/overlay/{table}-names.json");
            tree.record(file, names::write(table, &names));
        }
    }
    Ok(tree)
}
