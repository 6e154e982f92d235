//! Who is let in: a server that asks for a name and a password (PLAIN), and one that asks for a key and encrypts (CURVE).
//!
//! ```sh
//! cargo run --example security
//! ```
//!
//! CURVE needs a libzmq that has it: see the README for how to link the system's.

use std::error::Error;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::options::CurveKeys;
use tidegate::{Authenticator, Builder, Context, EventMask, SocketType, ZmqStream};

/// Connects, and prints whether that was let in.
async fn knock(who: &str, client: Builder, server: &ZmqStream) -> Result<(), Box<dyn Error>> {
    let client = client.open()?;
    let outcome = EventMask::HANDSHAKE_SUCCEEDED
        | EventMask::HANDSHAKE_FAILED_AUTH
        | EventMask::HANDSHAKE_FAILED_PROTOCOL
        | EventMask::HANDSHAKE_FAILED_NO_DETAIL;
    client.enable_monitor(outcome)?;
    client.connect(&server.bindings()[0])?;
    let event = client.read_event().await?;
    println!("{who}: {:?}", event.kind);
    if event.kind.mask() == EventMask::HANDSHAKE_SUCCEEDED {
        client.send("hello").await?;
        let message = server.read().await?;
        println!("  {message:?} from {:?}", message.user_id());
    }
    client.abort();
    Ok(())
}

async fn go(context: &Context) -> Result<(), Box<dyn Error>> {
    let authenticator = Authenticator::start(context)?;
    let open = |kind| ZmqStream::builder(kind).context(context);

    authenticator.set_plain("plain", [("ann", "secret")]);
    let server = open(SocketType::PULL).plain_server("plain");
    let server = server.bind("tcp://127.0.0.1:*").open()?;
    let client = |password| open(SocketType::PUSH).plain_client("ann", password);
    knock("the right password", client("secret"), &server).await?;
    knock("a wrong password", client("guess"), &server).await?;

    let keys = match CurveKeys::generate() {
        Ok(keys) => keys,
        Err(error) => {
            println!("{error}");
            return Ok(());
        }
    };
    let [known, unknown] = [CurveKeys::generate()?, CurveKeys::generate()?];
    authenticator.set_curve("curve", [known.public]);
    let server = open(SocketType::PULL).curve_server("curve", keys.secret);
    let server = server.bind("tcp://127.0.0.1:*").open()?;
    let client = |own| open(SocketType::PUSH).curve_client(own, keys.public);
    knock("a known key", client(known), &server).await?;
    knock("an unknown key", client(unknown), &server).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let context = Context::new()?;
    block_on(go(&context))?;
    block_on(context.shutdown(Duration::from_secs(5)))?;
    Ok(())
}
