//! Requests with a timeout: one that is answered, one that comes back, and one that does not get the reply to that.
//!
//! ```sh
//! cargo run --example req_rep
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::future::{block_on, or};
use tidegate::{Frame, Multipart, RequestError, Requester, SocketType, ZmqStream};

/// Doubles numbers. What is none it answers too late: when it has been asked something else.
async fn serve(router: &ZmqStream) -> Result<(), Box<dyn Error>> {
    let mut late: Vec<Multipart> = Vec::new();
    loop {
        // The peer, the number that it has for the request, an empty frame, and what it asks.
        let mut request = router.read().await?;
        let question = request.last().map(|frame| String::from_utf8_lossy(frame));
        let answer = question.and_then(|question| question.parse::<u32>().ok());
        let Some(answer) = answer else {
            late.push(request);
            continue;
        };
        for mut question in late.drain(..) {
            if let Some(last) = question.last_mut() {
                *last = Frame::from("sorry, I was busy");
            }
            router.write(question)?;
        }
        if let Some(last) = request.last_mut() {
            *last = Frame::from((2 * answer).to_string());
        }
        router.write(request)?;
    }
}

/// Longer than any machine stands still, for what is answered; and for what is not.
const PATIENT: Duration = Duration::from_secs(60);
const BRIEF: Duration = Duration::from_millis(250);

async fn ask(mut requester: Requester) -> Result<(), Box<dyn Error>> {
    for (question, patience) in [
        ("1", PATIENT),
        ("2", PATIENT),
        ("how are you?", BRIEF),
        ("21", PATIENT),
    ] {
        requester = requester.timeout(patience);
        match requester.request(question).await {
            Ok(reply) => println!("{question}: {reply:?}"),
            Err(error @ RequestError::TimedOut { .. }) => println!("{question}: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    requester.close();
    Ok(())
}

async fn go() -> Result<(), Box<dyn Error>> {
    let router = ZmqStream::builder(SocketType::ROUTER)
        .bind("tcp://127.0.0.1:*")
        .open()?;
    let builder = ZmqStream::builder(SocketType::REQ).connect(&router.bindings()[0]);
    let requester = Requester::open(builder)?.attempts(2);

    or(ask(requester), serve(&router)).await?;

    router.close();
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
