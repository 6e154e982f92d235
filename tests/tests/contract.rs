//! `CONTRACT.md` says what the tests say, and the other way round.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The row that a test names, if it names one: `c3_…` is C3's.
fn row_of(test: &str) -> Option<String> {
    let (row, rest) = test.split_once('_')?;
    let (letter, number) = row.split_at_checked(1)?;
    let named = ("a"..="i").contains(&letter) && number.parse::<u8>().is_ok() && !rest.is_empty();
    named.then(|| row.to_uppercase())
}

/// Every test function below this folder that names a row.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in source.lines().map(str::trim) {
                if let Some(signature) = line.strip_prefix("fn ")
                    && let Some((name, _)) = signature.split_once('(')
                    && row_of(name).is_some()
                {
                    assert!(is_test, "{name} names a row and is no test");
                    assert!(found.insert(name.to_owned()), "there are two tests {name}");
                }
                is_test = line == "#[test]";
            }
        }
    }
}

/// The status of each row, and the tests that it names.
fn rows() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("tests/CONTRACT.md")).unwrap();
    let mut rows = BTreeMap::new();
    let mut row = String::new();
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            row = name.to_owned();
            rows.insert(row.clone(), (String::new(), BTreeSet::new()));
        } else if let Some((status, tests)) = rows.get_mut(&row) {
            if let Some((word, _)) = line
                .strip_prefix("**")
                .and_then(|line| line.split_once("**"))
            {
                *status = word.to_owned();
            } else if let Some(test) = line
                .strip_prefix("- `")
                .and_then(|line| line.strip_suffix('`'))
            {
                assert_eq!(row_of(test).as_ref(), Some(&row), "{test} under {row}");
                tests.insert(test.to_owned());
            }
        }
    }
    rows
}

#[test]
fn every_test_that_names_a_row_is_on_the_page_and_every_test_on_the_page_exists() {
    let mut found = BTreeSet::new();
    for folder in ["core", "std-adapter", "tests"] {
        tests_below(&Path::new(ROOT).join(folder), &mut found);
    }
    let named: BTreeSet<String> = rows().into_values().flat_map(|(_, tests)| tests).collect();
    let missing: Vec<_> = found.symmetric_difference(&named).collect();
    assert!(missing.is_empty(), "on one side only: {missing:?}");
}

#[test]
fn a_row_that_is_kept_has_a_test_and_one_that_is_not_yet_kept_has_none() {
    let rows = rows();
    assert_eq!(rows.len(), 51);
    for (row, (status, tests)) in rows {
        match status.as_str() {
            "kept" => assert!(!tests.is_empty(), "{row} is kept and has no test"),
            "in part" => {}
            "not yet" => assert!(tests.is_empty(), "{row} is not kept and has tests"),
            other => panic!("{row} is {other:?}"),
        }
    }
}
