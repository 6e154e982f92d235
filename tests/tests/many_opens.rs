//! Opens and closes without end leave nothing behind (contract A4, E4).

use tidegate::{Builder, Context, SocketType, ZmqStream, options};
use tidegate_tests::{
    Watchdog, alone, block_on, builder, descriptors, eventually, shut_down, start_executor,
    thread_count,
};

/// Every type, and one that it talks with. So each is opened as often to bind as to connect.
const PEERS: [(SocketType, SocketType); 12] = [
    (SocketType::REQ, SocketType::REP),
    (SocketType::REP, SocketType::REQ),
    (SocketType::PUB, SocketType::SUB),
    (SocketType::SUB, SocketType::PUB),
    (SocketType::XPUB, SocketType::XSUB),
    (SocketType::XSUB, SocketType::XPUB),
    (SocketType::PUSH, SocketType::PULL),
    (SocketType::PULL, SocketType::PUSH),
    (SocketType::DEALER, SocketType::ROUTER),
    (SocketType::ROUTER, SocketType::DEALER),
    (SocketType::PAIR, SocketType::PAIR),
    (SocketType::STREAM, SocketType::STREAM),
];

/// Has a message go from one of the two to the other, if one of them can begin.
fn talk(bound: &ZmqStream, connected: &ZmqStream) {
    let begins = |stream: &ZmqStream| {
        matches!(
            stream.socket_type(),
            SocketType::REQ
                | SocketType::XSUB
                | SocketType::PUSH
                | SocketType::DEALER
                | SocketType::PAIR
        )
    };
    let (from, to) = if begins(bound) {
        (bound, connected)
    } else {
        (connected, bound)
    };
    if begins(from) {
        // To an XPUB that is a subscription.
        from.write("\x01").unwrap();
        block_on(to.read()).unwrap();
    }
}

/// Ends a stream in one way or another, and lets go of it.
fn end(stream: ZmqStream, way: usize) {
    match way % 3 {
        0 => stream.close(),
        1 => stream.abort(),
        _ => {}
    }
}

/// An open that fails, at one step or another.
fn fails(builder: Builder, taken: &[String], way: usize) {
    let builder = builder.bind("tcp://127.0.0.1:*");
    let builder = match way % 6 {
        0 => builder.bind(&taken[0]),
        1 => builder.bind(&taken[1]),
        2 => builder.bind("ipc:///dev/null/below"),
        3 => builder.bind("nonsense"),
        4 => builder.connect("tcp://127.0.0.1:99999"),
        _ => builder.option(options::SEND_HWM, u32::MAX),
    };
    assert!(builder.open().is_err());
}

#[test]
fn e4_a_thousand_opens_and_closes_of_each_kind_leave_nothing_behind() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let before = (descriptors(), thread_count());
        let context = Context::new().unwrap();
        let open = |kind| builder(kind, &context);
        let stays = open(SocketType::PULL).bind("tcp://127.0.0.1:*");
        let stays = stays.bind("inproc://taken").open().unwrap();
        let taken = stays.bindings();
        let standing = (descriptors(), thread_count());
        let process = std::process::id();
        for (kind, peer) in PEERS {
            for round in 0..500 {
                let endpoint = match round % 3 {
                    1 if kind != SocketType::STREAM => format!("inproc://{round}"),
                    // A name that is no file's: libzmq does not remove the files of those that are.
                    2 if kind != SocketType::STREAM => format!("ipc://@{process}-{round}"),
                    // A STREAM has tcp alone.
                    _ => "tcp://127.0.0.1:*".to_owned(),
                };
                let bound = open(kind).bind(endpoint).open().unwrap();
                let connected = open(peer).connect(&bound.bindings()[0]).open().unwrap();
                fails(open(kind), &taken, round);
                if round % 10 < 5 {
                    talk(&bound, &connected);
                }
                end(bound, round / 3);
                end(connected, round / 9);
                // A context has room for 1,023 sockets, and libzmq lets go of one in the background.
                if round % 100 == 99 {
                    eventually(|| (descriptors(), thread_count()) == standing);
                }
            }
        }
        drop(stays);
        shut_down(&context);
        eventually(|| (descriptors(), thread_count()) == before);
    });
}
