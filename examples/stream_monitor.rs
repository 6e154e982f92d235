//! What happens to a DEALER's socket while it talks to a ROUTER: its events are read beside its messages.
//!
//! ```sh
//! cargo run --example stream_monitor
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::future::{block_on, try_zip};
use tidegate::{EventMask, ReadEventError, SocketType, ZmqStream};

/// Prints every event, until the stream is closed.
async fn print_events(stream: &ZmqStream) -> Result<(), Box<dyn Error>> {
    loop {
        match stream.read_event().await {
            Ok(event) => println!("{event}"),
            Err(ReadEventError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn talk(dealer: &ZmqStream, router: &ZmqStream) -> Result<(), Box<dyn Error>> {
    for i in 0..10 {
        dealer.send(("data", "ask", i.to_string())).await?;
        let request = router.read().await?;
        router.send(request).await?;
        println!("{:?}", dealer.read().await?);
    }
    router.close();
    dealer.close();
    Ok(())
}

async fn go() -> Result<(), Box<dyn Error>> {
    let router = ZmqStream::builder(SocketType::ROUTER)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    let dealer = ZmqStream::builder(SocketType::DEALER).open()?;
    // Before it connects: what happened earlier is not reported.
    dealer.enable_monitor(EventMask::ALL)?;
    dealer.connect(&router.bindings()[0])?;

    try_zip(print_events(&dealer), talk(&dealer, &router)).await?;
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
