//! Runs every contestant at every work, in turn, one process each, and prints the tables. `compare [--rounds N] [--out FILE] [--plot
//! FILE] [names...]`: a name is part of a work's or a contestant's; without any, everything is run.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_peers::report::{CONTESTANTS, Outcome, PLAIN, Results, WORKS};

/// Whoever takes longer for one round hangs.
const PATIENCE: Duration = Duration::from_secs(8);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut rounds = 7;
    let (mut out, mut plot) = (None, None);
    let mut names = Vec::new();
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--rounds" => {
                rounds = arguments
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number")
            }
            "--out" => out = arguments.next().map(PathBuf::from),
            "--plot" => plot = arguments.next().map(PathBuf::from),
            _ => names.push(argument),
        }
    }
    let of_work: Vec<_> = names
        .iter()
        .filter(|name| WORKS.iter().any(|work| work.name.contains(&***name)))
        .collect();
    let of_contestant: Vec<_> = names
        .iter()
        .filter(|name| !of_work.contains(name))
        .collect();
    build_contestants();
    let mut results = Results::default();
    for (w, work) in WORKS.iter().enumerate() {
        if !of_work.is_empty() && !of_work.iter().any(|name| work.name.contains(&***name)) {
            continue;
        }
        for round in 0..rounds {
            // In another order each time: the machine's speed changes meanwhile.
            let mut turns: Vec<_> = CONTESTANTS.iter().enumerate().collect();
            fastrand::Rng::with_seed(round).shuffle(&mut turns);
            for (c, contestant) in turns {
                let is_asked = of_contestant.is_empty()
                    || of_contestant
                        .iter()
                        .any(|name| contestant.contains(&***name));
                if is_asked || *contestant == PLAIN {
                    let outcome = run(contestant, work.name);
                    eprintln!(
                        "{} {}/{rounds} {contestant}: {outcome:?}",
                        work.name,
                        round + 1
                    );
                    results.add(w, c, outcome);
                }
            }
        }
    }
    let text = format!(
        "{}\n\n{}\n{}\n{}",
        measured_on(rounds),
        results.bounds(),
        results.others(),
        results.tables()
    );
    println!("{text}");
    if let Some(path) = out {
        fs::write(path, text).expect("written");
    }
    if let Some(path) = plot {
        tidegate_peers::plot::draw(&results, &path).expect("drawn");
    }
}

/// What these figures are of.
fn measured_on(rounds: u64) -> String {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, name)| name);
    format!(
        "{}, commit {}: {rounds} rounds on {} cores of {processor}, Linux {}, {}.",
        told("date", &["+%Y-%m-%d"]),
        told("git", &["rev-parse", "--short", "HEAD"]),
        thread::available_parallelism().map_or(0, usize::from),
        told("uname", &["-r"]),
        told("rustc", &["--version"]),
    )
}

/// `cargo run` builds the binary that it runs, and no other.
fn build_contestants() {
    let own = std::env::current_exe().expect("a path");
    let target = own.ancestors().nth(2).expect("a target folder");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--bins"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()
        .expect("cargo");
    assert!(status.success(), "the contestants are not built");
}

fn command(contestant: &str, work: &str) -> Command {
    if matches!(contestant, "aiozmq" | "pyzmq") {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("contestant.py");
        let mut python = Command::new("python3");
        python.arg(script).args([contestant, work]);
        return python;
    }
    let own = std::env::current_exe().expect("a path");
    let binary = match work {
        // What is slower for being counted is not timed.
        "idle" | "allocations" => "counted",
        _ => "contestant",
    };
    let mut command = Command::new(own.with_file_name(binary));
    command.args([contestant, work]);
    command
}

fn run(contestant: &str, work: &str) -> Outcome {
    let mut command = command(contestant, work);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    let began = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if began.elapsed() > PATIENCE => {
                child.kill().expect("a child");
                child.wait().expect("a child");
                return Outcome::Hung;
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let (mut printed, mut said) = (String::new(), String::new());
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut printed)
        .expect("text");
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    if !status.success() {
        return Outcome::Crashed(said);
    }
    let figures: Vec<_> = printed
        .split_whitespace()
        .filter_map(|figure| figure.parse().ok())
        .collect();
    if figures.is_empty() {
        Outcome::Nothing
    } else {
        Outcome::Figures(figures)
    }
}
