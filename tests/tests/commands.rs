//! Every command on a page is run by CI, or a page says that it is not, and how long it takes.
//!
//! A command is a line of a block of `sh`, what is typed in one of `console`, and code in a text that begins with the name of a program. It is
//! marked as one that CI does not run by a comment behind it, `# long: …` or `# by hand: …`, or by its row of a table that has a column
//! `how long`. What has such a row in `CONTRIBUTING.md` may be named on any page.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_tests::pages;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const PROGRAMS: [&str; 8] = [
    "apt", "bash", "cargo", "pip", "python3", "rustup", "tidegate", "unshare",
];

/// A command, what CI runs that runs it, and the words there that do.
const RUN: [(&str, &str, &str); 26] = [
    ("cargo test", ".ci/run", "\ntests cargo test --locked\n"),
    ("bash .ci/firmware", ".ci/run", " .ci/firmware\n"),
    ("bash .ci/model quick", ".ci/run", " .ci/model quick\n"),
    (
        "cargo run --example dealer_router",
        ".ci/run",
        "cargo run -q --locked --example dealer_router)",
    ),
    ("cargo new", ".ci/run", "cargo new -q "),
    (
        "cargo run --target-dir ../tidegate/target",
        ".ci/run",
        "cargo run -q --offline --manifest-path program/Cargo.toml --target-dir tidegate/target\n",
    ),
    ("cargo doc -p tidegate --open", ".ci/run", " cargo doc -q "),
    (
        "cargo test -p tidegate-tests --features faults --test 'faults_*' -- --nocapture",
        ".ci/run",
        "\ntests cargo test --locked -p tidegate-tests --features faults --test 'faults_*' --test soak\n",
    ),
    (
        "unshare --net --mount sh -c 'ip link set lo up; exec cargo test -p tidegate-tests --features namespace --test network_faults -- --nocapture'",
        ".ci/run",
        " cargo test --locked --offline -p tidegate-tests --features namespace --test names --test network_faults' ",
    ),
    (
        "cargo install --locked --path std-adapter --features cli",
        ".ci/run",
        "cargo install -q --locked --debug --path std-adapter --features cli ",
    ),
    (
        "cargo test -p tidegate --features cli",
        ".ci/run",
        "\ntests cargo test --locked -p tidegate --features cli ",
    ),
    (
        "cargo test -p tidegate-tests --features interop --test interop",
        ".ci/run",
        "\ntests cargo test --locked -p tidegate-tests --features interop --test interop ",
    ),
    (
        "cargo test --config system-libzmq.toml --target-dir target/system-libzmq",
        ".ci/run",
        "(--locked --config \"$config\" --target-dir target/system-libzmq)\n",
    ),
    (
        "cargo bench -p tidegate --bench instructions",
        ".ci/run",
        "cargo bench -q \"${system[@]}\" -p tidegate --bench instructions\n",
    ),
    ("pip install pyzmq", ".ci/run", "pip install -q "),
    (
        "cargo run --example python_peer",
        "tests/tests/interop.rs",
        r#""--example", "python_peer""#,
    ),
    (
        "python3 examples/python_peer.py ENDPOINT",
        "tests/tests/interop.rs",
        r#"["examples/python_peer.py", endpoint"#,
    ),
    (
        "tidegate --help",
        "std-adapter/tests/tool/pages.rs",
        r#"run(&["--help"])"#,
    ),
    (
        "tidegate completions bash",
        "std-adapter/tests/tool/pages.rs",
        r#"run(&["completions", "bash"])"#,
    ),
    (
        "tidegate man --dir FOLDER",
        "std-adapter/tests/tool/pages.rs",
        r#"run(&["man", "--dir", &folder])"#,
    ),
    (
        "cargo install --locked cargo-fuzz",
        ".ci/run",
        "cargo install -q --locked cargo-fuzz\n",
    ),
    (
        "RUSTC_BOOTSTRAP=1 cargo fuzz run stream_machine",
        ".ci/lib/fuzz.sh",
        "RUSTC_BOOTSTRAP=1 cargo fuzz run \"$target\"",
    ),
    (
        "apt install qemu-system-arm qemu-system-misc",
        ".ci/firmware",
        " qemu-system-arm qemu-system-misc ",
    ),
    (
        "cargo install --locked defmt-print",
        ".ci/lib/example.sh",
        "cargo install -q --locked defmt-print\n",
    ),
    (
        "cargo build --release --target thumbv7m-none-eabi",
        ".ci/lib/example.sh",
        "bare \"$triple\" build --release)",
    ),
    (
        "cargo run --release --target thumbv7m-none-eabi | defmt-print -e target/thumbv7m-none-eabi/release/firmware",
        ".ci/lib/example.sh",
        "bare \"$triple\" run --release)",
    ),
];

/// Why what is not `.ci/run` itself is run by it.
const REACHED: [(&str, &str, &str); 5] = [
    (".ci/firmware", ".ci/run", " .ci/firmware\n"),
    (".ci/lib/fuzz.sh", ".ci/run", "source .ci/lib/fuzz.sh\n"),
    (
        ".ci/lib/example.sh",
        ".ci/firmware",
        " example; do source \".ci/lib/$part.sh\"",
    ),
    (
        "tests/tests/interop.rs",
        ".ci/run",
        " --features interop --test interop ",
    ),
    (
        "std-adapter/tests/tool/pages.rs",
        ".ci/run",
        "\ntests cargo test --locked -p tidegate --features cli --test tool ",
    ),
];

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Block,
    Session,
    Text,
}

#[derive(Debug, PartialEq)]
struct Command {
    words: String,
    stands: Stands,
    is_marked: bool,
}

/// Without the variables that are set in front of it.
fn without_variables(command: &str) -> &str {
    match command.split_once(' ') {
        Some((first, rest)) if first.contains('=') => without_variables(rest),
        _ => command,
    }
}

/// The commands that a text names: of a page's sentences, or of a row of its tables.
fn named(text: &str, is_marked: bool) -> impl Iterator<Item = Command> {
    let code = text.split('`').skip(1).step_by(2);
    let commands = code.filter(|code| {
        let program = without_variables(code).split_once(' ');
        program.is_some_and(|(program, _)| PROGRAMS.contains(&program))
    });
    commands.map(move |code| Command {
        words: code.to_owned(),
        stands: Stands::Text,
        is_marked,
    })
}

fn typed(line: &str, stands: Stands) -> Option<Command> {
    let (words, comment) = line.split_once('#').unwrap_or((line, ""));
    let is_marked = ["long:", "by hand:"]
        .iter()
        .any(|mark| comment.trim().starts_with(mark));
    let words = words.trim().to_owned();
    (!words.is_empty()).then_some(Command {
        words,
        stands,
        is_marked,
    })
}

fn commands(page: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut block = None;
    let mut paragraph = String::new();
    let mut table_says_how_long = None;
    for line in page.lines().chain([""]) {
        if !line.starts_with('|') {
            table_says_how_long = None;
        }
        match (line.strip_prefix("```"), block) {
            (Some(_), Some(_)) => block = None,
            (Some(kind), None) => block = Some(kind),
            (None, Some("sh" | "bash" | "shell")) => commands.extend(typed(line, Stands::Block)),
            (None, Some("console")) => {
                let line = line.strip_prefix("$ ");
                commands.extend(line.and_then(|line| typed(line, Stands::Session)));
            }
            (None, Some(_)) => {}
            (None, None) if line.starts_with('|') => {
                let says = table_says_how_long.get_or_insert_with(|| line.contains("| how long |"));
                commands.extend(named(line, *says));
            }
            // A command may be wrapped.
            (None, None) if !line.is_empty() => paragraph = format!("{paragraph} {line}"),
            (None, None) => commands.extend(named(&std::mem::take(&mut paragraph), false)),
        }
    }
    commands
}

/// `cargo run --example NAME`, of an example whose output a test compares.
fn is_example(command: &str) -> bool {
    let example = command.strip_prefix("cargo run --example ");
    let examples = read("tests/tests/examples.rs");
    example.is_some_and(|name| examples.contains(&format!("run(\"{name}\")")))
}

/// Some of what `cargo test` runs.
fn is_part_of_all_tests(command: &str) -> bool {
    let command = command.trim_end_matches(" -- --nocapture");
    let Some(rest) = command.strip_prefix("cargo test ") else {
        return false;
    };
    let rest = rest.trim_start_matches("-p tidegate-tests ");
    let manifest = read("tests/Cargo.toml");
    let Some(names) = rest.strip_prefix("--test ") else {
        return false;
    };
    names.split(" --test ").all(|name| {
        Path::new(ROOT)
            .join(format!("tests/tests/{name}.rs"))
            .exists()
            && !manifest.contains(&format!("name = \"{name}\"\nrequired-features"))
    })
}

/// What has to be the same where a command is named and where it is marked: of a script its name.
fn key(command: &str) -> &str {
    match command
        .strip_prefix("bash .ci/")
        .and_then(|rest| rest.find(' '))
    {
        Some(space) => &command[.."bash .ci/".len() + space],
        None => command,
    }
}

/// The commands of these pages that nothing runs and that are not marked.
fn neither(pages: &BTreeMap<String, String>) -> Vec<String> {
    let contributing = pages.get("CONTRIBUTING.md").map(|page| commands(page));
    let known: Vec<_> = contributing
        .into_iter()
        .flatten()
        .filter(|it| it.is_marked)
        .collect();
    let mut found = Vec::new();
    for (name, page) in pages {
        let all = commands(page);
        for command in &all {
            let words = command.words.as_str();
            let is_run = match command.stands {
                // `the_session_of_the_readme_prints_what_the_readme_shows`.
                Stands::Session => name == "README.md",
                _ => {
                    RUN.iter().any(|(run, ..)| *run == words)
                        || is_example(words)
                        || is_part_of_all_tests(words)
                }
            };
            // What a sentence calls by its first words stands in a block of the same page.
            let is_of_block = command.stands == Stands::Text
                && all.iter().any(|it| {
                    it.stands == Stands::Block && without_variables(&it.words).starts_with(words)
                });
            let is_known = command.stands == Stands::Text
                && known.iter().any(|it| key(&it.words) == key(words));
            if !(is_run || command.is_marked || is_of_block || is_known) {
                found.push(format!("{name}: {words}"));
            }
        }
    }
    found
}

#[test]
fn every_command_on_a_page_is_run_by_ci_or_marked_as_one_that_is_not() {
    let pages = pages();
    assert!(pages.contains_key("README.md") && pages.contains_key("tests/peers/RESULTS.md"));
    let found = neither(&pages);
    assert!(
        found.is_empty(),
        "run by nothing, and not marked: {found:#?}"
    );
}

#[test]
fn what_is_said_to_run_a_command_runs_it_and_every_such_command_is_on_a_page() {
    let all: Vec<_> = pages().values().flat_map(|page| commands(page)).collect();
    for (command, file, words) in RUN {
        assert!(
            all.iter().any(|it| it.words == command),
            "no page has {command}"
        );
        assert!(read(file).contains(words), "{file} does not run {command}");
        let is_reached = REACHED.iter().any(|(reached, ..)| *reached == file);
        assert!(file == ".ci/run" || is_reached, "does CI run {file}?");
    }
    for (file, by, words) in REACHED {
        assert!(read(by).contains(words), "{by} does not run {file}");
    }
}

#[test]
fn a_command_that_nothing_runs_is_found_wherever_it_stands() {
    let contributing =
        "| command | how long |\n| --- | --- |\n| `bash .ci/hours all`, `cargo hours` | hours |\n";
    let neither = |page: &str| {
        let pages = [("CONTRIBUTING.md", contributing), ("page.md", page)];
        let pages = pages.map(|(name, page)| (name.to_owned(), page.to_owned()));
        neither(&BTreeMap::from(pages))
    };
    for page in [
        "```sh\ncargo planted\n```\n",
        "```sh\nCARGO=1 cargo planted # soon\n```\n",
        "```bash\nls planted\n```\n",
        "```sh\n# long: another one\ncargo planted\n```\n",
        "```console\n$ tidegate planted\nit prints\n```\n",
        "Say `cargo planted` and see.\n",
        "Say `A=1 B=2 cargo\nplanted` and see.\n",
        "| what |\n| --- |\n| `bash .ci/planted` |\n",
        "```text\n```\nSay `python3 planted.py`.",
        "```sh\nbash .ci/hours # in a block it has its own mark\n```\n",
        "| a | how long |\n| --- | --- |\n| `cargo test` | a minute |\n\n`cargo planted`\n",
        "`cargo run --example planted`",
        "`cargo test -p tidegate-tests --test planted`",
        "`cargo test -p tidegate-tests --test contract --test interop`",
        "`cargo test --features planted --test contract`",
    ] {
        assert_eq!(neither(page).len(), 1, "{page}");
    }
    for page in [
        "```sh\ncargo planted # long: a day\n```\n",
        "```sh\nrustup planted   # by hand: it changes the machine\n\n```\n",
        "```text\ncargo planted\n```\n",
        "| a | how long |\n| --- | --- |\n| `cargo planted` | a day |\n",
        "Say `bash .ci/hours some`, or `cargo hours`.",
        "```sh\ncargo planted deep # long: a day\n```\nThen `cargo planted` goes on.",
        "A `cargo` and a `planted`.",
        "`cargo run --example sans_io`, `cargo test -p tidegate-tests --test contract --test pages -- --nocapture`",
    ] {
        assert_eq!(neither(page), Vec::<String>::new(), "{page}");
    }
}
