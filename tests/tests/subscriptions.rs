//! Row G2 of the contract: what a SUB and an XSUB are subscribed to.

use tidegate::{Context, OpenError, SocketType, SubscribeError, ZmqStream};
use tidegate_tests::{Watchdog, block_on, builder, shut_down};

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
