//! Work that is shared out: a ventilator PUSHes tasks, three workers PULL them and PUSH what comes out, and a sink PULLs that.
//!
//! ```sh
//! cargo run --example push_pull
//! ```
//!
//! Each worker is a thread of its own. One of them is stuck in its first task: it keeps what little its queues hold, and the others get the
//! rest.

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::options;
use tidegate::typed::{Pull, Push};
use tidegate::{Multipart, ReadError};

const TASKS: u64 = 300;
/// How many tasks a worker that is stuck may keep: libzmq's marks of both ends, what is in hand, and some more.
const KEPT: u64 = 20;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn number(message: &Multipart) -> Outcome<u64> {
    let digits = message.first().ok_or("no frame")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
}

/// Squares numbers until its stream is closed; says how many. In its first task it waits for `stuck`, if there is that.
async fn work(tasks: Pull, results: Push, stuck: Option<mpsc::Receiver<()>>) -> Outcome<u64> {
    for done in 0.. {
        let task = match tasks.read().await {
            Ok(task) => number(&task)?,
            Err(ReadError::Closed) => return Ok(done),
            Err(error) => return Err(error.into()),
        };
        if done == 0
            && let Some(stuck) = &stuck
        {
            stuck.recv()?;
        }
        results.send((task * task).to_string()).await?;
    }
    Ok(0)
}

async fn go() -> Outcome<()> {
    let sink = Pull::open(|builder| builder.bind("tcp://127.0.0.1:*"))?;
    let sink_at = sink.stream().bindings().remove(0);
    let ventilator = Push::open(|builder| {
        let builder = builder.option(options::SEND_HWM, 5);
        builder.bind("inproc://tasks")
    })?;

    let (release, stuck) = mpsc::channel();
    let mut workers = Vec::new();
    for stuck in [Some(stuck), None, None] {
        // Received when it is asked for, and few in libzmq: what one worker holds no other can do.
        let tasks = Pull::open(|builder| {
            let builder = builder.read_ahead(false).option(options::RECEIVE_HWM, 5);
            builder.connect("inproc://tasks")
        })?;
        let results = Push::open(|builder| builder.connect(sink_at.as_str()))?;
        let to_close = tasks.clone();
        let thread = thread::spawn(move || block_on(work(tasks, results, stuck)));
        workers.push((to_close, thread));
    }

    // It waits whenever no worker has room.
    let deal = thread::spawn(move || {
        block_on(async {
            for task in 1..=TASKS {
                ventilator.send(task.to_string()).await?;
            }
            ventilator.flush().await?;
            Outcome::Ok(())
        })
    });

    let mut sum = 0;
    for result in 1..=TASKS {
        sum += number(&sink.read().await?)?;
        if result == TASKS - KEPT {
            println!("{result} of {TASKS} are done, and a worker is stuck in its first");
            release.send(())?;
        }
    }
    println!("the sum of their squares is {sum}");

    deal.join().expect("it does not panic")?;
    let mut done = 0;
    for (tasks, thread) in workers {
        tasks.close();
        done += thread.join().expect("it does not panic")?;
    }
    println!("3 workers did {done}");
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Outcome<()> {
    block_on(go())
}
