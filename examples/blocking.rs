//! No async at all: two threads, calls that block, and timeouts.
//!
//! ```sh
//! cargo run --example blocking
//! ```

use std::error::Error;
use std::thread;
use std::time::Duration;

use tidegate::{BlockingError, DrainError, SocketType, ZmqStream};

const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let rep = ZmqStream::builder(SocketType::REP)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    let req = ZmqStream::builder(SocketType::REQ)
        .connect(&rep.bindings()[0])
        .open()?;

    // Nobody has asked yet. Nothing is lost by a call that has given up.
    match rep.blocking().read(Duration::from_millis(10)) {
        Err(BlockingError::TimedOut(())) => println!("nothing yet"),
        other => println!("{other:?}"),
    }

    let server = thread::spawn(move || {
        for _ in 0..3 {
            let question = rep
                .blocking()
                .read(PATIENCE)
                .map_err(|error| error.to_string())?;
            let greeting = String::from_utf8_lossy(&question[0]);
            let answer = format!("{greeting} to you, too");
            rep.blocking()
                .send(answer, PATIENCE)
                .map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(())
    });
    for greeting in ["good morning", "good day", "good night"] {
        req.blocking().send(greeting, PATIENCE)?;
        println!("{:?}", req.blocking().read(PATIENCE)?);
    }
    server.join().expect("it does not panic")?;

    // Where nobody reads, a call comes back by itself, and says what became of the message.
    let push = ZmqStream::builder(SocketType::PUSH).high_write(0).open()?;
    push.write("for nobody")?;
    match push
        .blocking()
        .send("for nobody, either", Duration::from_millis(10))
    {
        Err(BlockingError::TimedOut(message)) => println!("{message:?} was not sent"),
        other => println!("{other:?}"),
    }
    push.abort();
    if let Err(BlockingError::Failed(DrainError::Dropped(lost))) = push.blocking().flush(PATIENCE) {
        println!("{} message of it was dropped", lost.messages);
    }

    tidegate::block_on(tidegate::shutdown(PATIENCE))?;
    Ok(())
}
