//! A head that cannot go holds up what is written behind it, and nothing else (contract D7).

use tidegate::{Context, SocketType, TryReadError, ZmqStream, options};
use tidegate_tests::{
    Watchdog, alone, block_on, builder, dealer, eventually, fill_up, io_thread_spins,
    mandatory_router, shut_down,
};

/// The head cannot go, though libzmq says that it would send: nothing spins, reading goes on, and what is written later waits.
fn blocked_head(context: &Context, router: &ZmqStream, full: &ZmqStream, other: &ZmqStream) {
    let count = fill_up(router, "full");
    router.write(("other", "behind")).unwrap();
    assert!(!io_thread_spins());

    // Reading goes on, whoever waits.
    for k in 0..50u8 {
        other.write([vec![k]]).unwrap();
        let message = block_on(router.read()).unwrap();
        assert_eq!(message, [&b"other"[..], &[k]]);
    }
    // In the order in which it was written.
    assert_eq!(other.try_read(), Err(TryReadError::Empty));
    for k in 0..count {
        assert_eq!(block_on(full.read()).unwrap(), *k.to_string());
    }
    assert_eq!(block_on(other.read()).unwrap(), "behind");
    block_on(router.flush()).unwrap();
    shut_down(context);
}

#[test]
fn d7_a_head_that_cannot_go_spins_nowhere_and_keeps_nobody_from_reading() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let router = mandatory_router(&context);
        let full = dealer(&context, &router, "full");
        let other = dealer(&context, &router, "other");
        blocked_head(&context, &router, &full, &other);
    });
}

#[test]
fn d7_an_xpub_that_drops_nothing_waits_for_its_slowest_subscriber() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let xpub = builder(SocketType::XPUB, &context)
            .option(options::XPUB_NODROP, true)
            .option(options::SEND_HWM, 2);
        let xpub = xpub.bind("inproc://nodrop").open().unwrap();
        let sub = builder(SocketType::SUB, &context)
            .option(options::RECEIVE_HWM, 2)
            .read_ahead(false)
            .subscribe("");
        let sub = sub.connect("inproc://nodrop").open().unwrap();
        assert_eq!(block_on(xpub.read()).unwrap(), [[1]]);
        let mut count = 0u32;
        while xpub.write_buffer_bytes() == 0 || count < 20 {
            xpub.write(count.to_string()).unwrap();
            count += 1;
        }
        assert!(!io_thread_spins());
        // What its subscribers say is heard meanwhile.
        sub.subscribe("more").unwrap();
        assert_eq!(block_on(xpub.read()).unwrap(), "\u{1}more");
        for k in 0..count {
            assert_eq!(block_on(sub.read()).unwrap(), *k.to_string());
        }
        eventually(|| xpub.write_buffer_bytes() == 0);
        assert!(xpub.stats().failed_sends.is_empty());
        shut_down(&context);
    });
}
