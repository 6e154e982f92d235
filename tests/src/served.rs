//! A stream that is bound where anybody may connect, and an honest peer of it.

use std::time::Duration;

use tidegate::{Builder, Context, SocketType, ZmqStream};

use crate::libzmq::builder;
use crate::runtime::block_on;

/// What an honest message begins with.
const HONEST: &str = "honest";

/// The two, and how many messages went between them.
pub struct Served {
    pub bound: ZmqStream,
    pub peer: ZmqStream,
    exchanged: u32,
}

impl Served {
    /// Opens a bound stream of this type with what `change` adds, and its peer.
    pub fn open(
        context: &Context,
        kind: SocketType,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let bound = change(builder(kind, context)).bind("tcp://127.0.0.1:*");
        let bound = bound.open().expect("a free port");
        let peer = connect(context, &bound);
        Self {
            bound,
            peer,
            exchanged: 0,
        }
    }

    pub fn endpoint(&self) -> String {
        self.bound.bindings().swap_remove(0)
    }

    /// Puts another honest peer in the place of the one that there is.
    pub fn change_peer(&mut self, context: &Context) {
        self.peer.abort();
        self.peer = connect(context, &self.bound);
    }

    /// A REP drops what strangers have left of requests, and its peer asks once without caring for the answer: in libzmq 4.3.4 the answer
    /// behind a request that has no delimiter, and whose sender has left, goes nowhere. Another peer is in the place of the one that asked.
    pub fn spend_an_answer(&mut self, context: &Context) {
        assert!(self.bound.try_read().is_err());
        self.peer.write(HONEST).expect("an open stream");
        let asked = block_on(self.bound.read()).expect("an open stream");
        assert_eq!(asked, HONEST);
        self.bound.write(asked).expect("an open stream");
        self.change_peer(context);
    }

    /// A message goes between the two, there and back where the type does that: the next one, and no other honest one. Returns how
    /// many messages of others were read before it.
    pub fn exchange(&mut self) -> usize {
        self.exchanged += 1;
        let number = self.exchanged.to_string();
        let message = (HONEST, number.as_str());
        let (bound, peer) = (&self.bound, &self.peer);
        block_on(async {
            let mut others = 0;
            match bound.socket_type() {
                SocketType::PUB | SocketType::XPUB => {
                    bound.write(message).expect("an open stream");
                    let mut read = peer.read().await.expect("an open stream");
                    while read == [HONEST] {
                        read = peer.read().await.expect("an open stream");
                    }
                    assert_eq!(read, [HONEST, &number]);
                    return others;
                }
                _ => peer.write(message).expect("an open stream"),
            }
            loop {
                let read = bound.read().await.expect("an open stream");
                let skip = usize::from(bound.socket_type() == SocketType::ROUTER);
                let is_honest = read.get(skip).is_some_and(|frame| frame == HONEST);
                if is_honest {
                    assert_eq!(read[skip + 1..], [&number]);
                } else {
                    others += 1;
                }
                let answers = match bound.socket_type() {
                    SocketType::REP => true,
                    SocketType::ROUTER => is_honest,
                    _ => false,
                };
                if answers {
                    bound.write(read).expect("an open stream");
                }
                if is_honest {
                    break;
                }
            }
            if bound.socket_type() != SocketType::PULL {
                let back = peer.read().await.expect("an open stream");
                assert_eq!(back, [HONEST, &number]);
            }
            others
        })
    }
}

/// An honest peer of this stream.
fn connect(context: &Context, bound: &ZmqStream) -> ZmqStream {
    let kind = match bound.socket_type() {
        SocketType::PULL => SocketType::PUSH,
        SocketType::ROUTER => SocketType::DEALER,
        SocketType::REP => SocketType::REQ,
        SocketType::PUB | SocketType::XPUB => SocketType::SUB,
        kind => panic!("{kind:?} is not tested with strangers"),
    };
    let peer = builder(kind, context).connect(&bound.bindings()[0]);
    if kind != SocketType::SUB {
        return peer.open().expect("an endpoint that is bound");
    }
    let peer = peer.subscribe(HONEST).open();
    let peer = peer.expect("an endpoint that is bound");
    // Once it gets something, its subscription has come. It is asked at a pace, for what libzmq has no room for would be dropped, and
    // whatever comes next with it.
    let pace = Duration::from_millis(1);
    loop {
        bound.write(HONEST).expect("an open stream");
        std::thread::sleep(pace);
        if peer.try_read().is_ok() {
            break;
        }
    }
    peer
}
