//! Row G2 of the contract: what a SUB and an XSUB are subscribed to.

use std::collections::BTreeSet;

use tidegate::{
    Context, MOST_PREFIX_BYTES, OpenError, SocketType, SubscribeError, TryReadError, WriteError,
    ZmqStream,
};
use tidegate_tests::{Watchdog, alone, block_on, builder, resident_bytes, shut_down};

/// An XPUB, which is told of each subscription, and a subscriber that is connected to it.
fn pair(context: &Context, kind: SocketType, builder_subscribes: &[&str]) -> [ZmqStream; 2] {
    let xpub = builder(SocketType::XPUB, context).bind("tcp://127.0.0.1:*");
    let xpub = xpub.open().unwrap();
    let mut subscriber = builder(kind, context).connect(&xpub.bindings()[0]);
    for prefix in builder_subscribes {
        subscriber = subscriber.subscribe(prefix);
    }
    [xpub, subscriber.open().unwrap()]
}

#[test]
fn g2_what_the_builder_subscribes_is_in_the_list_and_is_received() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in [SocketType::SUB, SocketType::XSUB] {
        let [xpub, sub] = pair(&context, kind, &["b", "a", "b"]);
        assert_eq!(sub.subscriptions(), [b"b", b"a"]);
        block_on(async {
            let mut told = [xpub.read().await.unwrap(), xpub.read().await.unwrap()];
            told.sort_by_key(|message| message[0].to_vec());
            assert_eq!(told, ["\x01a", "\x01b"]);
            for message in ["c1", "a1", "b1"] {
                xpub.write(message).unwrap();
            }
            assert_eq!(sub.read().await.unwrap(), "a1");
            assert_eq!(sub.read().await.unwrap(), "b1");
        });
    }
    shut_down(&context);
}

#[test]
fn g2_one_unsubscribe_undoes_a_prefix_that_was_subscribed_twice() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in [SocketType::SUB, SocketType::XSUB] {
        let [xpub, sub] = pair(&context, kind, &["news"]);
        sub.subscribe("news").unwrap();
        sub.subscribe("weather").unwrap();
        assert_eq!(sub.subscriptions(), [b"news".to_vec(), b"weather".to_vec()]);
        sub.unsubscribe("news").unwrap();
        assert_eq!(sub.subscriptions(), [b"weather"]);
        let again = sub.unsubscribe("news").unwrap_err();
        assert_eq!(again, SubscribeError::NotSubscribed);
        // A prefix of one is another.
        let shorter = sub.unsubscribe("weath").unwrap_err();
        assert_eq!(shorter, SubscribeError::NotSubscribed);
        sub.subscribe("end").unwrap();
        block_on(async {
            // The connection may have come about in the middle: what was undone before is told then or never.
            let mut told = Vec::new();
            while !told.contains(&b"\x01end".to_vec()) {
                told.push(xpub.read().await.unwrap()[0].to_vec());
            }
            for message in ["news 1", "weather 1", "news 2", "end 1"] {
                xpub.write(message).unwrap();
            }
            assert_eq!(sub.read().await.unwrap(), "weather 1");
            assert_eq!(sub.read().await.unwrap(), "end 1");
        });
    }
    shut_down(&context);
}

#[test]
fn g2_a_subscription_of_an_xsub_is_a_message_of_its_prefix_in_order_with_what_was_written() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let [xpub, xsub] = pair(&context, SocketType::XSUB, &["first"]);
    block_on(async {
        assert_eq!(xpub.read().await.unwrap(), "\x01first");
        xsub.write("to the publisher").unwrap();
        xsub.subscribe("second").unwrap();
        xsub.write("again").unwrap();
        xsub.unsubscribe("first").unwrap();
        for expected in ["to the publisher", "\x01second", "again", "\0first"] {
            assert_eq!(xpub.read().await.unwrap(), expected);
        }
    });
    shut_down(&context);
}

#[test]
fn g2_a_type_that_does_not_subscribe_says_so() {
    let context = Context::new().unwrap();
    let dealer = builder(SocketType::DEALER, &context).open().unwrap();
    let kind = SocketType::DEALER;
    let error = dealer.subscribe("x").unwrap_err();
    assert_eq!(error, SubscribeError::NotASubscriber { kind });
    assert_eq!(
        error.to_string(),
        "a DEALER socket has no subscriptions; a SUB or an XSUB has"
    );
    assert_eq!(dealer.unsubscribe("x").unwrap_err(), error);
    assert!(dealer.subscriptions().is_empty());
    let open = builder(kind, &context).subscribe("x").open().unwrap_err();
    assert!(matches!(open, OpenError::Subscribe(same) if same == error));

    let sub = builder(SocketType::SUB, &context).open().unwrap();
    sub.close();
    assert_eq!(sub.subscribe("x").unwrap_err(), SubscribeError::Closed);
    shut_down(&context);
}

/// libzmq would hold a thousand messages for a peer, and drop the subscriptions that are too many.
#[test]
fn g2_more_subscriptions_than_libzmq_holds_messages_are_all_told() {
    const PREFIXES: usize = 3_000;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let xpub = builder(SocketType::XPUB, &context).bind("tcp://127.0.0.1:*");
    let xpub = xpub.open().unwrap();
    for kind in [SocketType::SUB, SocketType::XSUB] {
        let mut sub = builder(kind, &context).connect(&xpub.bindings()[0]);
        for k in 0..PREFIXES {
            sub = sub.subscribe(k.to_string());
        }
        let sub = sub.open().unwrap();
        for k in PREFIXES..2 * PREFIXES {
            sub.subscribe(k.to_string()).unwrap();
        }
        // One that was there, and one that comes later.
        let late = builder(SocketType::XPUB, &context);
        let late = late.connect(sub.bind("tcp://127.0.0.1:*").unwrap());
        for xpub in [&xpub, &late.open().unwrap()] {
            let told: BTreeSet<Vec<u8>> = (0..2 * PREFIXES)
                .map(|_| block_on(xpub.read()).unwrap()[0].to_vec())
                .collect();
            let expected = (0..2 * PREFIXES).map(|k| format!("\x01{k}").into_bytes());
            assert_eq!(told, expected.collect());
        }
        sub.abort();
        // It takes back what was subscribed.
        (0..2 * PREFIXES).for_each(|_| drop(block_on(xpub.read()).unwrap()));
    }
    shut_down(&context);
}

/// It holds the last message alone, and so it does with those by which it subscribes.
#[test]
fn g2_a_sub_that_conflates_has_one_prefix_and_says_so() {
    let context = Context::new().unwrap();
    let conflating = || builder(SocketType::SUB, &context).conflate(true);
    let error = conflating().subscribe("a").subscribe("b").open();
    let error = error.unwrap_err();
    assert!(matches!(
        error,
        OpenError::Subscribe(SubscribeError::OnePrefix)
    ));
    let sub = conflating().subscribe("a").subscribe("a").open().unwrap();
    assert_eq!(sub.subscribe("b"), Err(SubscribeError::OnePrefix));
    assert_eq!(sub.subscribe("a"), Ok(()));
    sub.unsubscribe("a").unwrap();
    sub.subscribe("b").unwrap();
    assert_eq!(sub.subscriptions(), [b"b"]);
    shut_down(&context);
}

/// libzmq would take any frame that begins with 0 or 1 for a subscription, or for the end of one.
#[test]
fn d6_a_message_of_an_xsub_is_whole_whatever_its_later_frames_begin_with() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let [xpub, xsub] = pair(&context, SocketType::XSUB, &[]);
    let messages = [
        ["upload".into(), vec![0, 1, 2]],
        ["hello".into(), vec![1, 2, 3]],
        ["hello".into(), vec![1, 2, 3]],
        ["last".into(), vec![7]],
    ];
    block_on(async {
        // From here on it is known that they are connected.
        xsub.subscribe("known").unwrap();
        assert_eq!(xpub.read().await.unwrap(), "\x01known");
        for message in &messages {
            xsub.write(message.clone()).unwrap();
        }
        for message in &messages {
            assert_eq!(xpub.read().await.unwrap(), *message);
        }
    });
    // A PUB does not read them, and takes them for nothing else.
    let publisher = builder(SocketType::PUB, &context).bind("tcp://127.0.0.1:*");
    let publisher = publisher.open().unwrap();
    xsub.connect(&publisher.bindings()[0]).unwrap();
    let mut heard = 0;
    while heard < 1_000 {
        xsub.write(("acknowledged", "\0known")).unwrap();
        publisher.write("known").unwrap();
        if heard > 0 {
            assert_eq!(block_on(xsub.read()).unwrap(), "known");
            heard += 1;
        } else if xsub.try_read().is_ok() {
            heard = 1;
        }
    }
    for begins in [0, 1] {
        let message = [vec![begins, b'a'], b"extra".to_vec()];
        let error = xsub.write(message.clone()).unwrap_err();
        assert!(matches!(error, WriteError::NotOneFrame(_)));
        assert_eq!(error.into_message(), message);
    }
    shut_down(&context);
}

/// A peer that repeats a subscription in its last frame has libzmq keep that from us.
#[test]
fn d6_what_an_xpub_has_of_a_message_without_end_is_joined_to_nothing_that_comes_later() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let [xpub, sub] = pair(&context, SocketType::SUB, &["known"]);
    assert_eq!(block_on(xpub.read()).unwrap(), "\x01known");
    let raw = zmq::Context::new();
    let hostile = raw.socket(zmq::XSUB).unwrap();
    hostile.connect(&xpub.bindings()[0]).unwrap();
    hostile
        .send_multipart(["\x01a", "lost", "\x01a"], 0)
        .unwrap();
    assert_eq!(block_on(xpub.read()).unwrap(), "\x01a");
    assert_eq!(xpub.try_read(), Err(TryReadError::Empty));
    sub.subscribe("news").unwrap();
    assert_eq!(block_on(xpub.read()).unwrap(), "\x01news");
    shut_down(&context);
}

/// libzmq calls itself for each byte of a prefix.
#[test]
fn g2_a_prefix_that_is_too_long_for_libzmq_is_refused() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let long = vec![b'x'; MOST_PREFIX_BYTES + 1];
    let longest = &long[1..];
    let too_long = SubscribeError::TooLong { bytes: long.len() };
    for kind in [SocketType::SUB, SocketType::XSUB] {
        let opened = builder(kind, &context).subscribe(&long).open();
        assert!(matches!(opened.unwrap_err(), OpenError::Subscribe(error) if error == too_long));
        let [xpub, sub] = pair(&context, kind, &[]);
        assert_eq!(sub.subscribe(&long), Err(too_long));
        assert_eq!(sub.subscriptions(), [[0; 0]; 0]);
        sub.subscribe(longest).unwrap();
        assert_eq!(&block_on(xpub.read()).unwrap()[0][1..], longest);
        sub.unsubscribe(longest).unwrap();
        assert_eq!(&block_on(xpub.read()).unwrap()[0][1..], longest);
    }
    // Who passes on what others subscribe.
    let xsub = builder(SocketType::XSUB, &context).open().unwrap();
    for begins in [0, 1] {
        let message = [&[begins], &*long].concat();
        let error = xsub.write(message.clone()).unwrap_err();
        assert!(matches!(error, WriteError::LongSubscription(_)));
        assert_eq!(error.into_message(), [message]);
    }
    xsub.write([&[1], longest].concat()).unwrap();
    xsub.write([&[2], &*long].concat()).unwrap();
    shut_down(&context);
}

/// An XSUB, and an XPUB that is connected to it by inproc, between which such messages go.
fn by_inproc(context: &Context) -> ([ZmqStream; 2], impl Fn() -> (Vec<u8>, &'static str)) {
    let open = |kind| builder(kind, context);
    let xpub = open(SocketType::XPUB).bind("inproc://up").open().unwrap();
    let xsub = open(SocketType::XSUB).connect("inproc://up").open();
    ([xsub.unwrap(), xpub], || (vec![7; 1 << 20], "end"))
}

/// libzmq 4.3.4 hands such a frame on as shared with nobody: it would be freed while the next one reads it.
#[test]
fn d6_what_an_xsub_has_sent_by_inproc_may_be_passed_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let ([xsub, xpub], message) = by_inproc(&context);
    let open = |kind| builder(kind, &context);
    let pull = open(SocketType::PULL).bind("inproc://on").open().unwrap();
    let push = open(SocketType::PUSH).connect("inproc://on").open();
    let push = push.unwrap();
    for _ in 0..20 {
        (0..2).for_each(|_| xsub.write(message()).unwrap());
        push.write(block_on(xpub.read()).unwrap()).unwrap();
        drop(block_on(xpub.read()).unwrap());
        let came = block_on(pull.read()).unwrap();
        assert!(came[0].len() == 1 << 20 && came[0].iter().all(|&byte| byte == 7));
        assert_eq!(came[1], "end");
    }
    shut_down(&context);
}

/// And it would never be freed by who drops it.
#[test]
fn d6_what_an_xsub_has_sent_by_inproc_and_nobody_wants_is_freed() {
    const MESSAGES: usize = 100;
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let ([xsub, xpub], message) = by_inproc(&context);
        let mut before = 0;
        for k in 0..MESSAGES {
            xsub.write(message()).unwrap();
            assert_eq!(block_on(xpub.read()).unwrap()[1], "end");
            if k == MESSAGES / 10 {
                before = resident_bytes();
            }
        }
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < MESSAGES << 18, "{grown} bytes");
        shut_down(&context);
    });
}
