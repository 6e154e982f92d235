//! A ROUTER that answers a DEALER in another process: `python_peer.py`, which stands on pyzmq.
//!
//! ```sh
//! cargo run --example python_peer            # prints its endpoint, and then waits for the peer
//! python3 examples/python_peer.py ENDPOINT   # in another terminal; needs: pip install pyzmq
//! ```
//!
//! It ends when the peer has said goodbye.

use std::error::Error;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::{Frame, SocketType, ZmqStream};

async fn go() -> Result<(), Box<dyn Error>> {
    let router = ZmqStream::builder(SocketType::ROUTER)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    println!("{}", router.bindings()[0]);

    let mut answered = 0;
    loop {
        let mut message = router.read().await?;
        let [_peer, body @ ..] = &mut *message else {
            continue;
        };
        let goodbye = matches!(body, [word] if *word == "goodbye");
        for frame in body {
            *frame = Frame::from(frame.to_ascii_uppercase());
        }
        router.write(message)?;
        router.drain().await?;
        answered += 1;
        if goodbye {
            break;
        }
    }

    router.close();
    tidegate::shutdown(Duration::from_secs(5)).await?;
    println!("answered {answered} messages");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
