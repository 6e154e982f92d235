//! `MUTANTS.md` names functions that are there.

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The function of a mutant, if it is in one: `replace this -> That with …`, or `… in this`.
fn function(mutant: &str) -> Option<&str> {
    let named = match mutant.rsplit_once(" in ") {
        Some((_, function)) => function,
        None => {
            let replaced = mutant.strip_prefix("replace ").expect("a mutant");
            let end = replaced.find(" -> ").or_else(|| replaced.find(" with "));
            &replaced[..end.expect("a mutant")]
        }
    };
    let name = named.rsplit_once("::").map_or(named, |(_, name)| name);
    // What is replaced in a constant has no name.
    name.starts_with(char::is_alphabetic).then_some(name)
}

#[test]
fn a_mutant_that_is_listed_is_one_of_a_function_that_its_file_has() {
    let page = std::fs::read_to_string(format!("{ROOT}/tests/MUTANTS.md")).unwrap();
    let listed = page.lines().filter_map(|line| line.strip_prefix("- `"));
    let mut count = 0;
    for mutant in listed.filter_map(|line| line.strip_suffix('`')) {
        let (file, mutant) = mutant.split_once(": ").expect("a file and a mutant");
        let source = std::fs::read_to_string(format!("{ROOT}/{file}"));
        let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
        if let Some(name) = function(mutant) {
            let is_there =
                source.contains(&format!("fn {name}(")) || source.contains(&format!("fn {name}<"));
            assert!(is_there, "{file} has no {name}");
        }
        count += 1;
    }
    assert!(count > 50, "{count} were found");
}

#[test]
fn the_function_of_a_mutant_is_told() {
    for (mutant, name) in [
        ("replace | with & in short_message", Some("short_message")),
        (
            "replace ByteCell<N>::head -> [u8; 4] with [0; 4]",
            Some("head"),
        ),
        (
            "replace <impl Drop for Forkable<T>>::drop with ()",
            Some("drop"),
        ),
        ("delete match arm A::B in Stream<R, T>::poll", Some("poll")),
        ("replace - with +", None),
    ] {
        assert_eq!(function(mutant), name);
    }
}
