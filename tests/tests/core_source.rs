//! What can be read off the core's source; that no path to a panic is left is proven when an image is linked, by
//! `.ci/firmware`.

use std::fs;
use std::path::{Path, PathBuf};

fn core() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src")
}

/// Every file below a folder, with its text but for comments and features.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .lines()
                .filter(|line| !line.contains("feature ="))
                .map(|line| line.split("//").next().unwrap());
            let name = path.strip_prefix(core()).unwrap().display().to_string();
            found.push((name, code.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}

/// The files with one of these words in their code.
fn with_word(words: &[&str]) -> Vec<String> {
    let has_word = |code: &str| {
        code.split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| words.contains(&word))
    };
    let found = files(&core())
        .into_iter()
        .filter(|(_, code)| has_word(code));
    let mut names: Vec<String> = found.map(|(name, _)| name).collect();
    names.sort();
    names
}

#[test]
fn h1_no_file_but_the_cell_has_unsafe_code() {
    assert_eq!(with_word(&["unsafe"]), ["cell.rs"]);
    assert!(with_word(&["fn"]).len() > 25, "the files were not found");
}

#[test]
fn h1_nothing_allocates_but_the_storage_of_a_host_behind_its_feature() {
    assert_eq!(with_word(&["alloc"]), ["lib.rs", "owned.rs"]);
    assert_eq!(with_word(&["std"]), [""; 0]);
    let root = fs::read_to_string(core().join("lib.rs")).unwrap();
    assert!(root.contains("#![no_std]\n#![deny(unsafe_code)]\n"));
    for gated in ["extern crate alloc;", "mod owned;"] {
        assert!(root.contains(&format!("#[cfg(feature = \"alloc\")]\n{gated}")));
    }
}

#[test]
fn h1_no_number_is_a_floating_point_one() {
    assert_eq!(with_word(&["f32", "f64"]), [""; 0]);
}
