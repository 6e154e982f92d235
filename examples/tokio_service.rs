//! A service on tokio that stops gracefully: Ctrl-C, or a client that says so, and what was taken in is still answered.
//!
//! ```sh
//! cargo run --example tokio_service            # its client is a task
//! cargo run --example tokio_service -- serve   # until Ctrl-C, for clients of yours: DEALERs
//! ```

use std::error::Error;
use std::time::Duration;

use tidegate::typed::{Dealer, Router};
use tidegate::{Frame, Multipart, ReadError, WriteError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// So many requests are answered at once. More are not read, so that they wait in the stream, in libzmq, and with whoever sends them.
const AT_ONCE: usize = 16;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Answers one request, which takes a while.
async fn answer(router: Router, request: Multipart) -> Result<(), WriteError> {
    let Ok((envelope, body)) = request.split_routing_id() else {
        return Ok(()); // nobody to answer to
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let upper = |frame: &Frame| Frame::from(frame.to_ascii_uppercase());
    let reply: Multipart = body.iter().map(upper).collect();
    router.send(envelope.into_reply(reply)).await
}

/// Takes requests until it is told to stop, and then has those under way answered. It tells how many it has taken.
async fn serve(
    router: Router,
    mut stop: watch::Receiver<bool>,
    taken: watch::Sender<usize>,
) -> Outcome<()> {
    let mut under_way = JoinSet::new();
    loop {
        let request = tokio::select! {
            // A read that loses this has taken no message.
            request = router.read(), if under_way.len() < AT_ONCE => request,
            Some(answered) = under_way.join_next() => {
                // One that cannot be answered is no reason to leave the others without.
                if let Ok(Err(error)) = answered {
                    eprintln!("not answered: {error}");
                }
                continue;
            }
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match request {
            Ok(request) => under_way.spawn(answer(router.clone(), request)),
            Err(ReadError::Closed) => break,
            Err(error) => return Err(error.into()),
        };
        taken.send_modify(|taken| *taken += 1);
    }
    while let Some(answered) = under_way.join_next().await {
        answered??;
    }
    Ok(())
}

/// Asks ten times, has the service stopped while all of that is under way, and gets its answers.
async fn ask(
    dealer: Dealer,
    stop: watch::Sender<bool>,
    mut taken: watch::Receiver<usize>,
) -> Outcome<()> {
    for number in 0..10 {
        dealer.send(format!("request {number}")).await?;
    }
    taken.wait_for(|taken| *taken == 10).await?;
    stop.send_replace(true);
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(format!("{:?}", dealer.read().await?));
    }
    // Several are answered at once: in any order.
    answers.sort();
    println!("from {} to {}", answers[0], answers[9]);
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let runtime = Handle::current();
    let router = Router::open(|builder| builder.tokio(&runtime).bind("tcp://127.0.0.1:*"))?;
    let endpoint = router.stream().bindings().remove(0);
    let (stop, stopped) = watch::channel(false);
    let (takes, taken) = watch::channel(0);
    let service = tokio::spawn(serve(router, stopped, takes));

    if std::env::args().nth(1).as_deref() == Some("serve") {
        println!("{endpoint}, until Ctrl-C");
        tokio::signal::ctrl_c().await?;
        stop.send_replace(true);
    } else {
        let dealer = Dealer::open(|builder| builder.tokio(&runtime).connect(endpoint))?;
        ask(dealer, stop, taken.clone()).await?;
    }

    let served = service.await;
    // What libzmq still holds is sent now, or it is said that it was not; whatever became of the service.
    tidegate::shutdown(Duration::from_secs(5)).await?;
    served??;
    println!("stopped; {} requests were answered", *taken.borrow());
    Ok(())
}
