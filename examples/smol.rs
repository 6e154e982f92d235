//! The same streams on smol: tasks on its executor, its timer beside a read, and a stream as a `Stream` of the futures crates.
//!
//! ```sh
//! cargo run --example smol
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::or;
use smol::Timer;
use tidegate::{Multipart, SocketType, ZmqStream};

/// Reads for so long at most. The read that is dropped has taken no message.
async fn read_within(stream: &ZmqStream, time: Duration) -> Option<Multipart> {
    let read = async { stream.read().await.ok() };
    let late = async {
        Timer::after(time).await;
        None
    };
    or(read, late).await
}

async fn go() -> Result<(), Box<dyn Error>> {
    let mut pull = ZmqStream::builder(SocketType::PULL)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    let endpoint = pull.bindings().remove(0);
    println!("{:?}", read_within(&pull, Duration::from_millis(20)).await);

    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let endpoint = endpoint.clone();
            smol::spawn(async move {
                let push = ZmqStream::builder(SocketType::PUSH)
                    .connect(endpoint)
                    .open()?;
                for number in 0..100 {
                    push.send((writer.to_string(), number.to_string())).await?;
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(())
            })
        })
        .collect();

    // Each writer's messages come in their order, whatever comes between them.
    let mut next = [0; 3];
    while next != [100; 3] {
        let message = pull.next().await.ok_or("the stream has ended")??;
        let number = |frame: &[u8]| String::from_utf8_lossy(frame).parse::<usize>();
        let (writer, number) = (number(&message[0])?, number(&message[1])?);
        assert_eq!(number, next[writer]);
        next[writer] += 1;
    }
    for writer in writers {
        writer.await.map_err(|error| error.to_string())?;
    }
    println!(
        "{} messages of 3 writers, each writer's in order",
        next.iter().sum::<usize>()
    );
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(go())
}
