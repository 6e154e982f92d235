//! `HOSTILE.md` names every test of a stranger, and no other.

use std::collections::BTreeSet;
use std::path::Path;

/// What stands between two of these and begins as a test of a stranger does.
fn names(text: &str, before: &str, after: char) -> BTreeSet<String> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split_once(after))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.starts_with("i2_"))
        .collect()
}

#[test]
fn every_line_of_the_page_names_its_test_and_every_test_of_a_stranger_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("HOSTILE.md")).unwrap();
    let mut tests = BTreeSet::new();
    for file in std::fs::read_dir(root.join("tests")).unwrap().flatten() {
        let source = std::fs::read_to_string(file.path()).unwrap();
        tests.extend(names(&source, "#[test]\nfn ", '('));
    }
    assert!(tests.len() > 20);
    let named = names(&page, "`", '`');
    let missing: Vec<_> = tests.symmetric_difference(&named).collect();
    assert!(missing.is_empty(), "on one side only: {missing:?}");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| what was sent")) {
        assert!(row.contains("`i2_"), "{row}");
    }
}
