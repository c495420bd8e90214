//! Panics stop at the boundary. The guard itself is tested beside its source; here, that nothing goes round it.

use std::path::Path;

#[test]
fn this_build_unwinds_and_so_does_the_released_one() {
    let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new("a test")));
    assert!(caught.is_err());
    let manifest =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    assert!(
        release
            .lines()
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.starts_with("panic = \"unwind\""))
    );
    assert!(!manifest.contains("panic = \"abort\""));
}

#[test]
fn every_exported_function_runs_inside_the_guard() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for part in source.split("#[unsafe(no_mangle)]").skip(1) {
            let function = part.split("\n}\n").next().unwrap();
            let name = function
                .split("fn ")
                .nth(1)
                .unwrap()
                .split('(')
                .next()
                .unwrap();
            let guarded = ["call(error, ||", "infallible(", "read(error, "]
                .iter()
                .any(|guard| function.contains(guard));
            let cannot_fail = ["payseal_version", "payseal_abi_version"].contains(&name);
            assert!(guarded || cannot_fail, "{name} is not guarded");
            count += 1;
        }
    }
    let header =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/payseal.h")).unwrap();
    let declared = header.matches(" payseal_").count() - header.matches("struct payseal_").count();
    assert!(
        count >= 30 && declared >= count,
        "{count} functions, {declared} in the header"
    );
}
