//! A server with two doors, one for REQs and one for DEALERs: it reads from both at once, sees where each request comes from, and
//! replies by its envelope.
//!
//! ```sh
//! cargo run --example envelopes
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::future::{block_on, try_zip};
use tidegate::typed::{Dealer, Req, Router};
use tidegate::{AnyOf, Multipart};

fn router() -> Result<Router, Box<dyn Error>> {
    Ok(Router::open(|builder| builder.bind("tcp://127.0.0.1:*"))?)
}

async fn serve(of_reqs: &Router, of_dealers: &Router) -> Result<(), Box<dyn Error>> {
    let mut doors = AnyOf::new([of_reqs.stream(), of_dealers.stream()]);
    for _ in 0..4 {
        let (door, request) = doors.read().await;
        let request = request?;
        let from = request.peer_address().unwrap_or("nowhere").to_owned();
        // A REQ writes an empty frame behind its name; a DEALER need not.
        let (router, split) = match door {
            0 => (of_reqs, request.split_envelope()),
            _ => (of_dealers, request.split_routing_id()),
        };
        let (envelope, body) = split.map_err(|request| format!("no envelope: {request:?}"))?;
        let mut reply = Multipart::from(["from", &from]);
        reply.extend(body);
        router.send(envelope.into_reply(reply)).await?;
    }
    Ok(())
}

async fn ask(req: &Req, dealer: &Dealer) -> Result<(), Box<dyn Error>> {
    for question in ["what", "why"] {
        req.send(question).await?;
        println!("REQ: {:?}", req.read().await?);
        dealer.send((question, "exactly")).await?;
        println!("DEALER: {:?}", dealer.read().await?);
    }
    Ok(())
}

async fn go() -> Result<(), Box<dyn Error>> {
    let (of_reqs, of_dealers) = (router()?, router()?);
    let door = |router: &Router| router.stream().bindings().remove(0);
    let req = Req::open(|builder| builder.connect(door(&of_reqs)))?;
    let dealer = Dealer::open(|builder| builder.connect(door(&of_dealers)))?;
    try_zip(serve(&of_reqs, &of_dealers), ask(&req, &dealer)).await?;
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
