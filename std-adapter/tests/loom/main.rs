//! Models of a stream over libzmq: who watches its socket, and who is woken when.
//!
//! The real code, from the handle down to the socket, which is one of `src/model`'s. `bash .ci/model` runs them, and says how many
//! orders there were. Whoever sleeps for ever is a deadlock, which loom finds; so is an I/O thread that does not end.
#![cfg(tidegate_loom)]

mod ends;
mod handoff;
#[cfg(feature = "tokio")]
mod on_tokio;
mod support;

use tidegate::{Context, SocketType, TryReadError, ZmqStream};

use support::{Bounds, model};

/// Runs a model with sends that take in the news, and with sends that do not.
fn models(bounds: Bounds, run: impl Fn(&Context) + Clone + Send + Sync + 'static) {
    models_with(bounds, &[false, true], run);
}

fn models_with(
    bounds: Bounds,
    sends: &[bool],
    run: impl Fn(&Context) + Clone + Send + Sync + 'static,
) {
    for &sends_look in sends {
        let run = run.clone();
        model(bounds, move || {
            tidegate::model::begin(sends_look);
            run(&Context::new().unwrap());
            tidegate::model::end();
        });
    }
}

/// Two streams that are connected. A pipe of a model holds two messages.
fn pair(context: &Context, kinds: [SocketType; 2]) -> [ZmqStream; 2] {
    let open = |kind| ZmqStream::builder(kind).context(context);
    let [bound, connected] = kinds;
    let bound = open(bound).bind("inproc://it").open().unwrap();
    let connected = open(connected).connect("inproc://it").open().unwrap();
    [bound, connected]
}

/// Whatever has come was read, and nothing comes twice.
fn nothing_is_left(stream: &ZmqStream) {
    assert_eq!(stream.try_read().unwrap_err(), TryReadError::Empty);
}

fn push_pull(context: &Context) -> [ZmqStream; 2] {
    let [pull, push] = pair(context, [SocketType::PULL, SocketType::PUSH]);
    [push, pull]
}
