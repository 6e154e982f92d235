//! Works, contestants, and what comes of the figures.

use std::collections::BTreeMap;

/// A work, and how its figure is read.
pub struct Work {
    pub name: &'static str,
    pub title: &'static str,
    /// What each figure is that a contestant prints.
    pub figures: &'static [&'static str],
    /// Whether more is better, and the ratio to the plain `zmq` crate is what counts.
    pub is_rate: bool,
    /// What tidegate is to reach, as a ratio to the plain `zmq` crate.
    pub bound: Option<f64>,
}

const RATE: &[&str] = &["a second"];
const ONE_WAY: &[&str] = &["a second", "lost", "allocations each", "longest gap, ms"];

const fn rate(
    name: &'static str,
    title: &'static str,
    figures: &'static [&'static str],
    bound: Option<f64>,
) -> Work {
    Work {
        name,
        title,
        figures,
        is_rate: true,
        bound,
    }
}

pub const WORKS: [Work; 18] = [
    rate(
        "ping-pong-tcp-one",
        "ping-pong tcp, one task",
        RATE,
        Some(0.95),
    ),
    rate(
        "ping-pong-tcp-two",
        "ping-pong tcp, two tasks or threads",
        RATE,
        Some(0.95),
    ),
    rate(
        "ping-pong-inproc-one",
        "ping-pong inproc, one task",
        RATE,
        Some(0.70),
    ),
    rate(
        "ping-pong-inproc-two",
        "ping-pong inproc, two tasks or threads",
        RATE,
        None,
    ),
    rate(
        "ping-pong-inproc-together",
        "ping-pong inproc, two tasks in one thread",
        RATE,
        None,
    ),
    rate("one-way-16", "one-way tcp, 16 B", ONE_WAY, Some(0.85)),
    rate("one-way-200", "one-way tcp, 200 B", ONE_WAY, Some(1.0)),
    rate("one-way-1k", "one-way tcp, 1 KiB", ONE_WAY, Some(1.1)),
    rate("one-way-16k", "one-way tcp, 16 KiB", ONE_WAY, Some(1.0)),
    rate("one-way-1m", "one-way tcp, 1 MiB", ONE_WAY, Some(1.0)),
    rate(
        "one-way-together",
        "one-way tcp, 200 B, in one thread",
        ONE_WAY,
        None,
    ),
    rate(
        "fan-in",
        "fan-in tcp, 100 DEALERs to a ROUTER, 200 B",
        ONE_WAY,
        Some(1.0),
    ),
    rate(
        "streams-1",
        "ping-pong inproc, one task, no other socket",
        RATE,
        None,
    ),
    rate(
        "streams-1000",
        "ping-pong inproc, one task, 1,000 idle sockets in the same context",
        RATE,
        None,
    ),
    rate("monitor", "events of a monitored ROUTER", RATE, None),
    Work {
        name: "idle",
        title: "500 idle sockets",
        figures: &[
            "KiB each",
            "descriptors each",
            "threads in all",
            "CPU ms in a second",
            "bytes of Rust's heap each",
        ],
        is_rate: false,
        bound: None,
    },
    Work {
        name: "allocations",
        title: "calls of Rust's allocator, one-way tcp, 200 B",
        figures: ONE_WAY,
        is_rate: false,
        bound: None,
    },
    Work {
        name: "slow-reader",
        title: "a reader that does not read, 16 KiB each",
        figures: &["memory, MiB", "accepted", "lost"],
        is_rate: false,
        bound: None,
    },
];

/// Every contestant, each on every runtime that it has. The first is what the others are compared with.
pub const CONTESTANTS: [&str; 17] = [
    PLAIN,
    "tidegate",
    "tidegate:own",
    "tidegate:current-thread",
    "tidegate:multi-thread",
    "tmq:current-thread",
    "tmq:multi-thread",
    "tmq-buffered:current-thread",
    "tmq-buffered:multi-thread",
    "async-zmq:current-thread",
    "async-zmq:multi-thread",
    "zmq.rs:current-thread",
    "zmq.rs:multi-thread",
    "rzmq:current-thread",
    "rzmq:multi-thread",
    "aiozmq",
    "pyzmq",
];
pub const PLAIN: &str = "plain";

/// How a contestant has ended a round.
#[derive(Clone, Debug)]
pub enum Outcome {
    Figures(Vec<f64>),
    /// It has no such thing.
    Nothing,
    Hung,
    Crashed(String),
}

/// All rounds, by work and contestant.
#[derive(Default)]
pub struct Results(BTreeMap<(usize, usize), Vec<Outcome>>);

/// The median, the least and the most.
pub struct Range {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

fn range(mut values: Vec<f64>) -> Option<Range> {
    values.sort_by(f64::total_cmp);
    Some(Range {
        median: *values.get(values.len() / 2)?,
        least: *values.first()?,
        most: *values.last()?,
    })
}

impl Results {
    pub fn add(&mut self, work: usize, contestant: usize, outcome: Outcome) {
        self.0.entry((work, contestant)).or_default().push(outcome);
    }

    fn rounds(&self, work: usize, contestant: usize) -> &[Outcome] {
        self.0.get(&(work, contestant)).map_or(&[], |rounds| rounds)
    }

    /// One figure of the rounds that ended well.
    fn figures(&self, work: usize, contestant: usize, figure: usize) -> Option<Range> {
        let rounds = self.rounds(work, contestant).iter();
        range(
            rounds
                .filter_map(|round| figure_of(round, figure))
                .collect(),
        )
    }

    /// The ratio of the rate to that of the plain `zmq` crate in the same round.
    pub fn ratio(&self, work: usize, contestant: usize) -> Option<Range> {
        let rounds = self.rounds(work, contestant).iter();
        let plain = self.rounds(work, 0);
        let ratios = rounds
            .zip(plain)
            .filter_map(|(round, plain)| Some(figure_of(round, 0)? / figure_of(plain, 0)?));
        range(ratios.collect())
    }

    /// What went wrong, in a word or two.
    fn faults(&self, work: usize, contestant: usize) -> String {
        let rounds = self.rounds(work, contestant);
        let count = |is: fn(&Outcome) -> bool| rounds.iter().filter(|round| is(round)).count();
        let (hung, crashed) = (
            count(|round| matches!(round, Outcome::Hung)),
            count(|round| matches!(round, Outcome::Crashed(_))),
        );
        let lost = WORKS[work]
            .figures
            .iter()
            .position(|figure| *figure == "lost");
        let lost = lost.and_then(|lost| self.figures(work, contestant, lost));
        let mut faults = Vec::new();
        if hung > 0 {
            faults.push(format!("**hung** {hung} of {}", rounds.len()));
        }
        if crashed > 0 {
            faults.push(format!("**crashed** {crashed} of {}", rounds.len()));
        }
        if let Some(lost) = lost.filter(|lost| lost.most > 0.0) {
            faults.push(format!("**lost** up to {}", lost.most));
        }
        faults.join(", ")
    }

    /// A table of the rates, and one for each other work.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        for (w, work) in WORKS.iter().enumerate() {
            if (0..CONTESTANTS.len()).all(|c| self.rounds(w, c).is_empty()) {
                continue;
            }
            text += &format!("\n### {}\n\n| |", work.title);
            if work.is_rate {
                text += " ratio to plain | from – to |";
            }
            for figure in work.figures {
                text += &format!(" {figure} |");
            }
            text += " |\n|---|";
            let columns = work.figures.len() + 1 + if work.is_rate { 2 } else { 0 };
            text += &"---|".repeat(columns);
            text.push('\n');
            for (c, contestant) in CONTESTANTS.iter().enumerate() {
                let rounds = self.rounds(w, c);
                if rounds.is_empty() || rounds.iter().all(|round| matches!(round, Outcome::Nothing))
                {
                    continue;
                }
                text += &format!("| {contestant} |");
                if work.is_rate {
                    text += &self.ratio(w, c).map_or(" | |".to_owned(), |ratio| {
                        format!(
                            " {:.3} | {:.2} – {:.2} |",
                            ratio.median, ratio.least, ratio.most
                        )
                    });
                }
                for figure in 0..work.figures.len() {
                    let value = self.figures(w, c, figure);
                    text += &value.map_or(" |".to_owned(), |value| {
                        format!(" {} |", short(value.median))
                    });
                }
                text += &format!(" {} |\n", self.faults(w, c));
            }
        }
        text
    }

    /// Which bounds hold, on each of the runtimes for which they are meant.
    pub fn bounds(&self) -> String {
        let mut text =
            "| work | bound | own | current-thread | multi-thread |\n|---|---|---|---|---|\n"
                .to_owned();
        for (w, work) in WORKS.iter().enumerate() {
            let Some(bound) = work.bound else { continue };
            text += &format!("| {} | {bound} |", work.title);
            for contestant in [
                "tidegate:own",
                "tidegate:current-thread",
                "tidegate:multi-thread",
            ] {
                let c = CONTESTANTS
                    .iter()
                    .position(|name| *name == contestant)
                    .unwrap_or(0);
                text += &self.ratio(w, c).map_or(" |".to_owned(), |ratio| {
                    let missed = if ratio.median < bound { " missed" } else { "" };
                    format!(" {:.2}{missed} |", ratio.median)
                });
            }
            text.push('\n');
        }
        text
    }
}

fn figure_of(round: &Outcome, figure: usize) -> Option<f64> {
    match round {
        Outcome::Figures(figures) => figures.get(figure).copied(),
        _ => None,
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.1} k", value / 1e3),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}
