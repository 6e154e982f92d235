//! What makes an expert's life easier (contract I4): where a message comes from, envelopes, several streams at once, types.

use futures_util::StreamExt;
use tidegate::typed::{self, Dealer, Pull, Push, Router, Sub};
use tidegate::{AnyOf, Context, Multipart, ReadError, SocketType, ZmqStream};
use tidegate_tests::{Counter, Watchdog, block_on, builder, poll, shut_down};

fn pull(context: &Context, endpoint: &str) -> ZmqStream {
    let pull = builder(SocketType::PULL, context).bind(endpoint);
    pull.open().unwrap()
}

fn push(context: &Context, to: &ZmqStream) -> ZmqStream {
    let push = builder(SocketType::PUSH, context).connect(&to.bindings()[0]);
    push.open().unwrap()
}

#[test]
fn i4_a_message_tells_where_it_comes_from_and_one_that_came_by_no_connection_does_not() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let here = pull(&context, "tcp://127.0.0.1:*");
    let sender = push(&context, &here);
    let sent = Multipart::from(("two", "frames"));
    assert_eq!(sent.peer_address(), None);
    sender.write(sent).unwrap();
    let message = block_on(here.read()).unwrap();
    assert_eq!(message.peer_address(), Some("127.0.0.1"));
    assert_eq!(message[1].metadata("Socket-Type"), Some("PUSH"));
    assert_eq!(message.metadata("Nothing-Such"), None);
    assert_eq!(message.metadata("with\0nul"), None);
    // Nobody has asked who it is.
    assert_eq!(message.user_id(), None);
    // It goes along with a copy's frames no more than with bytes.
    assert_eq!(Multipart::from(message.to_vec()).peer_address(), None);

    let inproc = pull(&context, "inproc://here");
    push(&context, &inproc).write("near").unwrap();
    assert_eq!(block_on(inproc.read()).unwrap().peer_address(), None);
    shut_down(&context);
}

#[test]
fn i4_a_router_replies_by_the_envelope_to_a_req_and_to_a_dealer() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = builder(SocketType::ROUTER, &context).bind("tcp://127.0.0.1:*");
    let router = router.open().unwrap();
    let client = |kind| {
        let client = builder(kind, &context).connect(&router.bindings()[0]);
        client.open().unwrap()
    };
    let (req, dealer) = (client(SocketType::REQ), client(SocketType::DEALER));
    req.write(("what", "", "time?")).unwrap();
    let (envelope, body) = block_on(router.read()).unwrap().split_envelope().unwrap();
    assert_eq!(body, ["what", "", "time?"]);
    router.write(envelope.into_reply("noon")).unwrap();
    assert_eq!(block_on(req.read()).unwrap(), "noon");

    dealer.write(("what", "time?")).unwrap();
    let message = block_on(router.read()).unwrap().split_envelope();
    let (envelope, body) = message.unwrap_err().split_routing_id().unwrap();
    assert_eq!(body, ["what", "time?"]);
    router.write(envelope.reply(("still", "noon"))).unwrap();
    assert_eq!(block_on(dealer.read()).unwrap(), ["still", "noon"]);
    shut_down(&context);
}

#[test]
fn i4_several_streams_are_read_in_turn_if_all_have_something() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let streams = ["a", "b", "c"].map(|name| pull(&context, &format!("inproc://{name}")));
    for stream in &streams {
        let push = push(&context, stream);
        for k in 0..3 {
            push.write(k.to_string()).unwrap();
        }
    }
    let mut any = AnyOf::new(&streams);
    for k in ["0", "1", "2"] {
        for index in 0..3 {
            let (of, message) = block_on(any.read());
            assert_eq!((of, message.unwrap()), (index, k.into()));
        }
    }
    // One that has ended says so, and keeps nobody from the others.
    streams[1].close();
    push(&context, &streams[2]).write("last").unwrap();
    let mut seen = [block_on(any.read()), block_on(any.read())];
    seen.sort_by_key(|(of, _)| *of);
    assert_eq!(seen[0], (1, Err(ReadError::Closed)));
    assert_eq!(seen[1], (2, Ok("last".into())));
    shut_down(&context);
}

#[test]
fn i4_a_wait_for_several_streams_that_is_dropped_takes_nothing_from_any() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let streams = ["a", "b"].map(|name| pull(&context, &format!("inproc://{name}")));
    let pushes = [push(&context, &streams[0]), push(&context, &streams[1])];
    let counter = Counter::new();
    {
        let mut any = AnyOf::new(&streams);
        let mut read = any.read();
        assert!(poll(&mut read, &counter).is_pending());
        for push in &pushes {
            push.write("kept").unwrap();
        }
    }
    for stream in &streams {
        assert_eq!(block_on(stream.read()).unwrap(), "kept");
    }
    shut_down(&context);
}

#[test]
fn i4_a_typed_stream_is_the_stream_with_the_calls_of_its_type() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = Pull::open(|builder| builder.context(&context).bind("tcp://127.0.0.1:*"));
    let mut pull = pull.unwrap();
    let endpoint = pull.stream().bindings().remove(0);
    let push = Push::open(|builder| builder.context(&context).connect(endpoint)).unwrap();
    push.write("one").unwrap();
    block_on(push.send("two")).unwrap();
    block_on(push.drain()).unwrap();
    block_on(push.flush()).unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "one");
    assert_eq!(block_on(pull.next()).unwrap().unwrap(), "two");
    assert!(pull.try_read().is_err());
    assert_eq!(pull.stream().socket_type(), SocketType::PULL);

    let sub = Sub::open(|builder| builder.context(&context)).unwrap();
    sub.subscribe("news").unwrap();
    assert_eq!(sub.stream().subscriptions(), [b"news"]);
    sub.unsubscribe("news").unwrap();
    assert!(sub.stream().subscriptions().is_empty());

    let dealer = builder(SocketType::DEALER, &context).open().unwrap();
    let error = Router::try_from(dealer).unwrap_err();
    assert_eq!(error.to_string(), "the stream is a DEALER, not a ROUTER");
    let dealer = Dealer::try_from(error.stream).unwrap();
    assert!(format!("{dealer:?}").contains("DEALER"));
    dealer.clone().close();
    block_on(dealer.closed());

    let alone = Push::open(|builder| builder.context(&context)).unwrap();
    alone.write("to nobody").unwrap();
    alone.abort();
    assert_eq!(block_on(alone.closed()).messages, 1);
    shut_down(&context);
}

/// Whether a type has what it is to have: what it has not does not compile.
fn sends<K: typed::Sends>() -> SocketType {
    K::TYPE
}

fn receives<K: typed::Receives>() -> SocketType {
    K::TYPE
}

#[test]
fn i4_each_type_sends_and_receives_what_it_can() {
    use SocketType::{DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, STREAM, SUB, XPUB, XSUB};
    use typed::kind::{Dealer, Pair, Pub, Pull, Push, Raw, Rep, Req, Router, Sub, XPub, XSub};

    let senders = [
        sends::<Pair>(),
        sends::<Pub>(),
        sends::<XPub>(),
        sends::<XSub>(),
        sends::<Req>(),
        sends::<Rep>(),
        sends::<Dealer>(),
        sends::<Router>(),
        sends::<Push>(),
        sends::<Raw>(),
    ];
    assert_eq!(
        senders,
        [
            PAIR, PUB, XPUB, XSUB, REQ, REP, DEALER, ROUTER, PUSH, STREAM
        ]
    );
    let receivers = [
        receives::<Pair>(),
        receives::<Sub>(),
        receives::<XPub>(),
        receives::<XSub>(),
        receives::<Req>(),
        receives::<Rep>(),
        receives::<Dealer>(),
        receives::<Router>(),
        receives::<Pull>(),
        receives::<Raw>(),
    ];
    assert_eq!(
        receivers,
        [
            PAIR, SUB, XPUB, XSUB, REQ, REP, DEALER, ROUTER, PULL, STREAM
        ]
    );
}
