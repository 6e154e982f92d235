//! A ROUTER and a DEALER in one task: ten messages of three frames there and back.
//!
//! ```sh
//! cargo run --example dealer_router
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::{SocketType, ZmqStream};

async fn go() -> Result<(), Box<dyn Error>> {
    let router = ZmqStream::builder(SocketType::ROUTER)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    let dealer = ZmqStream::builder(SocketType::DEALER)
        .connect(&router.bindings()[0])
        .open()?;

    for i in 0..10 {
        dealer.write(("data", "ask", i.to_string()))?;
        dealer.drain().await?;
        // The ROUTER puts the peer's identity before the frames, and sends what follows one to that peer.
        let request = router.read().await?;
        router.write(request)?;
        router.drain().await?;
        let answer = dealer.read().await?;
        println!("{answer:?}");
    }

    dealer.close();
    router.close();
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
