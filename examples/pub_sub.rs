//! A publisher that waits for its subscribers: what is published before anybody has subscribed reaches nobody.
//!
//! ```sh
//! cargo run --example pub_sub
//! ```
//!
//! The publisher is an XPUB: it sends as a PUB does, and is told of subscriptions besides. They are to be read, for what nobody reads is
//! kept.

use std::error::Error;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::typed::{Sub, XPub};

async fn go() -> Result<(), Box<dyn Error>> {
    let publisher = XPub::open(|builder| {
        let builder = builder.track_connections(true);
        builder.bind("tcp://127.0.0.1:*")
    })?;
    publisher.send(("weather", "nobody hears this")).await?;

    let endpoint = publisher.stream().bindings().remove(0);
    let subscriber = Sub::open(|builder| builder.subscribe("weather").connect(endpoint))?;
    let patience = Duration::from_secs(5);
    publisher.stream().wait_connected(1, patience).await?;
    publisher.stream().wait_subscriber(patience).await?;
    for state in publisher.stream().connection_states().unwrap_or_default() {
        println!("{} connected", state.connected);
    }

    publisher
        .send(("sports", "nobody has asked for this"))
        .await?;
    for forecast in ["rain", "wind", "sun"] {
        while publisher.try_read().is_ok() {} // who has subscribed to what
        publisher.send(("weather", forecast)).await?;
        println!("{:?}", subscriber.read().await?);
    }
    tidegate::shutdown(patience).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
