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
/// A figure without a name is left out: what a binary that counts no allocation says of them.
const ONE_WAY: &[&str] = &["a second", "lost", "", GAP];
const COUNTED_ONE_WAY: &[&str] = &["a second", "lost", "allocations each", GAP];
/// Of several rounds the longest counts.
const GAP: &str = "longest gap, ms";

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
        figures: COUNTED_ONE_WAY,
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
            let figures = || {
                let named = work.figures.iter().enumerate();
                named.filter(|(_, figure)| !figure.is_empty())
            };
            for (_, figure) in figures() {
                text += &format!(" {figure} |");
            }
            text += " |\n|---|";
            let columns = figures().count() + 1 + if work.is_rate { 2 } else { 0 };
            text += &"---|".repeat(columns);
            text.push('\n');
            for (c, contestant) in CONTESTANTS.iter().enumerate() {
                let rounds = self.rounds(w, c);
                if rounds.is_empty() {
                    continue;
                }
                text += &format!("| {contestant} |");
                if rounds.iter().all(|round| matches!(round, Outcome::Nothing)) {
                    text += &" |".repeat(columns - 1);
                    text += " not asked, or has no such thing |\n";
                    continue;
                }
                if work.is_rate {
                    text += &self.ratio(w, c).map_or(" | |".to_owned(), |ratio| {
                        format!(
                            " {:.3} | {:.2} – {:.2} |",
                            ratio.median, ratio.least, ratio.most
                        )
                    });
                }
                for (figure, name) in figures() {
                    let value = self.figures(w, c, figure);
                    text += &value.map_or(" |".to_owned(), |value| {
                        let told = if *name == GAP {
                            value.most
                        } else {
                            value.median
                        };
                        format!(" {} |", short(told))
                    });
                }
                text += &format!(" {} |\n", self.faults(w, c));
            }
        }
        text
    }

    /// Which bounds hold, on each of the runtimes for which they are meant.
    pub fn bounds(&self) -> String {
        let mut text = "| work | bound | own | current-thread | multi-thread | bound | foreign |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
        for (w, work) in WORKS.iter().enumerate() {
            let Some(bound) = work.bound else { continue };
            let foreign = match work.name {
                "ping-pong-tcp-one" => 0.85,
                "ping-pong-tcp-two" => 0.55,
                _ => bound,
            };
            let cell = |contestant: &str, bound| {
                let ratio = self.ratio(w, contestant_of(contestant));
                ratio.map_or(" |".to_owned(), |ratio| at_least(ratio.median, bound))
            };
            text += &format!("| {} | {bound} |", work.title);
            text.extend(KNOWING.map(|contestant| cell(contestant, bound)));
            text += &format!(" {foreign} |{}\n", cell("tidegate", foreign));
        }
        text
    }

    /// The bounds that are no ratio to the plain calls.
    pub fn others(&self) -> String {
        let mut text =
            "| | bound | own | current-thread | multi-thread |\n|---|---|---|---|---|\n".to_owned();
        let mut row = |title: &str, bound: &str, cell: &dyn Fn(&str) -> Option<String>| {
            text += &format!("| {title} | {bound} |");
            text.extend(KNOWING.map(|contestant| cell(contestant).unwrap_or(" |".to_owned())));
            text.push('\n');
        };
        for (work, bound) in [
            ("ping-pong-tcp-one", 1.0),
            ("ping-pong-tcp-two", 1.0),
            ("ping-pong-inproc-together", 1.3),
            ("one-way-16k", 1.0),
            ("one-way-1m", 1.0),
        ] {
            let w = work_of(work);
            let rate =
                |contestant: &str| Some(self.figures(w, contestant_of(contestant), 0)?.median);
            let best = CONTESTANTS
                .into_iter()
                .filter(|name| is_peer_over_libzmq(name))
                .filter_map(rate)
                .reduce(f64::max);
            row(
                &format!("{}, to the best peer over libzmq", WORKS[w].title),
                &bound.to_string(),
                &|contestant| Some(at_least(rate(contestant)? / best?, bound)),
            );
        }
        let most = |work: &str, contestant: &str, figure| {
            Some(
                self.figures(work_of(work), contestant_of(contestant), figure)?
                    .most,
            )
        };
        for work in ["one-way-together", "fan-in"] {
            let title = format!("{}: longest gap, ms", WORKS[work_of(work)].title);
            row(&title, "20 on one thread", &|contestant| {
                let shares = work == "one-way-together" || contestant.contains("current");
                let bound = if shares { 20.0 } else { f64::MAX };
                Some(at_most(most(work, contestant, 3)?, bound))
            });
        }
        row(
            "allocations of Rust code for a message, 200 B",
            "0",
            &|contestant| Some(at_most(most("allocations", contestant, 2)?, 0.005)),
        );
        row(
            "an idle stream, bytes of Rust's heap",
            "2048",
            &|contestant| Some(at_most(most("idle", contestant, 4)?, 2048.0)),
        );
        row("slow reader: lost", "0", &|contestant| {
            Some(at_most(most("slow-reader", contestant, 2)?, 0.0))
        });
        row(
            "slow reader: KiB over plain calls, beside some 80 that it may read ahead",
            "",
            &|contestant| {
                let of = |name: &str| {
                    Some(
                        self.figures(work_of("slow-reader"), contestant_of(name), 0)?
                            .median,
                    )
                };
                Some(format!(" {:.0} |", (of(contestant)? - of(PLAIN)?) * 1024.0))
            },
        );
        row(
            "a round trip over inproc with 1,000 idle sockets, to one with none",
            "0.9",
            &|contestant| {
                let c = contestant_of(contestant);
                let (few, many) = (
                    self.ratio(work_of("streams-1"), c)?,
                    self.ratio(work_of("streams-1000"), c)?,
                );
                Some(at_least(many.median / few.median, 0.9))
            },
        );
        text
    }
}

/// tidegate where a bound holds for whoever waits.
const KNOWING: [&str; 3] = [
    "tidegate:own",
    "tidegate:current-thread",
    "tidegate:multi-thread",
];

/// Whether it is another library, and stands on libzmq.
fn is_peer_over_libzmq(contestant: &str) -> bool {
    !["plain", "tidegate", "zmq.rs", "rzmq"]
        .iter()
        .any(|other| contestant.starts_with(other))
}

fn work_of(name: &str) -> usize {
    let found = WORKS.iter().position(|work| work.name == name);
    found.expect("a work")
}

fn contestant_of(name: &str) -> usize {
    let found = CONTESTANTS
        .iter()
        .position(|contestant| *contestant == name);
    found.expect("a contestant")
}

fn at_least(value: f64, bound: f64) -> String {
    format!(
        " {value:.2}{} |",
        if value < bound { " missed" } else { "" }
    )
}

fn at_most(value: f64, bound: f64) -> String {
    format!(
        " {}{} |",
        short(value),
        if value > bound { " missed" } else { "" }
    )
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
