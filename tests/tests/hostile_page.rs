//! `HOSTILE.md` names every test of a stranger, and no other.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_line_of_the_page_names_its_test_and_every_test_of_a_stranger_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("HOSTILE.md")).unwrap();
    let mut tests = BTreeSet::new();
    for file in std::fs::read_dir(root.join("tests")).unwrap().flatten() {
        let source = std::fs::read_to_string(file.path()).unwrap();
        let of_tests = source.split("#[test]\nfn ").skip(1);
        let names = of_tests.filter_map(|rest| rest.split_once('('));
        let names = names.map(|(name, _)| name.to_owned());
        tests.extend(names.filter(|name| name.starts_with("i2_")));
    }
    assert!(tests.len() > 20);
    let quoted = page.split('`').map(str::to_owned);
    let named: BTreeSet<_> = quoted.filter(|name| name.starts_with("i2_")).collect();
    let missing: Vec<_> = tests.symmetric_difference(&named).collect();
    assert!(missing.is_empty(), "on one side only: {missing:?}");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let is_head = |row: &&str| row.starts_with("| what was sent") || row.starts_with("| ---");
    for row in rows.filter(|row| !is_head(row)) {
        assert!(row.contains("| `i2_"), "{row}");
    }
}
