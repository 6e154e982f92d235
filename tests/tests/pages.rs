//! The pages of faults name their tests, and no other: `HOSTILE.md` every test of a stranger, `FAULTS.md` every one of a fault.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every test here whose file and name are of this kind.
fn tests(is_of_kind: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in std::fs::read_dir(Path::new(ROOT).join("tests")).unwrap() {
        let file = file.unwrap();
        let source = std::fs::read_to_string(file.path()).unwrap();
        let of_tests = source.split("#[test]\nfn ").skip(1);
        let names = of_tests.filter_map(|rest| rest.split_once('('));
        let file = file.file_name();
        let file = file.to_str().unwrap();
        let names = names.map(|(name, _)| name.to_owned());
        tests.extend(names.filter(|name| is_of_kind(file, name)));
    }
    tests
}

/// The tests that each row of a page's tables names, in its last column.
fn rows(page: &str) -> Vec<BTreeSet<String>> {
    let page = std::fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let is_head = |row: &&str| row.starts_with("| what was ") || row.starts_with("| ---");
    let named = rows.filter(|row| !is_head(row)).map(|row| {
        let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let named: BTreeSet<_> = last.split(", ").map(str::to_owned).collect();
        assert!(named.iter().all(|name| name.starts_with('`')), "{row}");
        named.iter().map(|name| name.replace('`', "")).collect()
    });
    named.collect()
}

#[test]
fn every_row_of_hostile_names_its_test_and_every_test_of_a_stranger_is_on_the_page() {
    let named: BTreeSet<_> = rows("HOSTILE.md").into_iter().flatten().collect();
    let of_strangers = tests(|_, name| name.starts_with("i2_"));
    assert!(of_strangers.len() > 20);
    let missing: Vec<_> = named.symmetric_difference(&of_strangers).collect();
    assert!(missing.is_empty(), "on one side only: {missing:?}");
}

#[test]
fn every_row_of_faults_names_its_tests_and_every_test_of_a_fault_is_on_the_page() {
    let named: BTreeSet<_> = rows("FAULTS.md").into_iter().flatten().collect();
    let of_faults = tests(|file, _| file.starts_with("faults_"));
    assert!(of_faults.len() > 15);
    let missing: Vec<_> = of_faults.difference(&named).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    // Faults that others test, too, are named where those tests are.
    let all = tests(|_, _| true);
    let unknown: Vec<_> = named.difference(&all).collect();
    assert!(unknown.is_empty(), "no such test: {unknown:?}");
}
