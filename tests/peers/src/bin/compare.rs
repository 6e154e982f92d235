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
    let mut results = Results::default();
    for (w, work) in WORKS.iter().enumerate() {
        if !of_work.is_empty() && !of_work.iter().any(|name| work.name.contains(&***name)) {
            continue;
        }
        for round in 0..rounds {
            for (c, contestant) in CONTESTANTS.iter().enumerate() {
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
    let text = format!("{}\n{}", results.bounds(), results.tables());
    println!("{text}");
    if let Some(path) = out {
        fs::write(path, text).expect("written");
    }
    if let Some(path) = plot {
        tidegate_peers::plot::draw(&results, &path).expect("drawn");
    }
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
