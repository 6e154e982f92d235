//! Messages that libzmq refuses (contract D5).

use tidegate::{Context, WriteError};
use tidegate_tests::{Watchdog, block_on, dealer, fill_up, mandatory_router, shut_down};

/// One of the C library's numbers.
const EHOSTUNREACH: i32 = 113;

#[test]
fn d5_a_write_that_libzmq_refuses_fails_with_the_message_and_the_stream_lives_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = mandatory_router(&context);
    for _ in 0..2 {
        let error = router
            .write(("nobody", "hears", vec![7; 5_000]))
            .unwrap_err();
        let WriteError::Refused(message, errno) = error else {
            panic!("{error:?}")
        };
        assert_eq!(errno.raw(), EHOSTUNREACH);
        assert_eq!(message[..2], ["nobody", "hears"]);
        assert_eq!(message[2], vec![7; 5_000]);
    }
    // It was told to the one who wrote, and is not told again.
    assert_eq!(router.take_send_failure(), None);
    let [failed] = &router.stats().failed_sends[..] else {
        panic!("one kind of failure")
    };
    assert_eq!(failed.reason.raw(), EHOSTUNREACH);
    assert_eq!(failed.peer.as_deref(), Some(&b"nobody"[..]));
    assert_eq!(failed.messages, 2);

    // No routing id is so long: it is not kept.
    router.write((vec![7; 256], "hears")).unwrap_err();
    router.write((vec![8; 300_000], "hears")).unwrap_err();
    router.write((vec![9; 255], "hears")).unwrap_err();
    let stats = router.stats();
    let others: Vec<_> = stats.failed_sends[1..].iter().collect();
    assert_eq!((others[0].peer.as_deref(), others[0].messages), (None, 2));
    assert_eq!(others[1].peer.as_deref(), Some(&[9; 255][..]));

    let peer = dealer(&context, &router, "peer");
    router.write(("peer", "hears")).unwrap();
    assert_eq!(block_on(peer.read()).unwrap(), "hears");
    shut_down(&context);
}

#[test]
fn d5_a_queued_message_that_libzmq_refuses_is_kept_whole_and_the_next_one_goes() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = mandatory_router(&context);
    let leaves = dealer(&context, &router, "leaves");
    let stays = dealer(&context, &router, "stays");
    let first_queued = fill_up(&router, "leaves") - 1;
    router.write(("leaves", vec![1; 3_000], "")).unwrap();
    router.write(("stays", "here")).unwrap();
    assert_eq!(router.take_send_failure(), None);

    leaves.abort();
    assert_eq!(block_on(stays.read()).unwrap(), "here");
    let failure = router.take_send_failure().unwrap();
    assert_eq!(failure.message, ["leaves", &first_queued.to_string()]);
    assert_eq!((failure.reason.raw(), failure.discarded), (EHOSTUNREACH, 0));
    let failure = router.take_send_failure().unwrap();
    assert_eq!(failure.message, [&b"leaves"[..], &[1; 3_000], b""]);
    assert_eq!(router.take_send_failure(), None);
    assert_eq!(router.stats().failed_sends[0].messages, 2);
    assert_eq!(block_on(router.flush()), Ok(()));
    shut_down(&context);
}

#[test]
fn d5_the_newest_64_are_kept_and_the_number_of_older_ones_comes_with_the_next() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = mandatory_router(&context);
    let leaves = dealer(&context, &router, "leaves");
    let mut count = fill_up(&router, "leaves");
    let first_queued = count - 1;
    while count < first_queued + 100 {
        router.write(("leaves", count.to_string())).unwrap();
        count += 1;
    }
    leaves.abort();
    block_on(router.flush()).unwrap();
    let first = router.take_send_failure().unwrap();
    assert_eq!(first.discarded, 36);
    assert_eq!(first.message[1], (first_queued + 36).to_string());
    for k in 37..100 {
        let failure = router.take_send_failure().unwrap();
        assert_eq!(failure.message[1], (first_queued + k).to_string());
        assert_eq!(failure.discarded, 0);
    }
    assert_eq!(router.take_send_failure(), None);
    assert_eq!(router.stats().failed_sends[0].messages, 100);
    shut_down(&context);
}

#[test]
fn d5_of_many_peers_that_cannot_be_reached_256_are_counted_apart_and_the_others_together() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = mandatory_router(&context);
    for k in 0..300 {
        router.write((format!("peer {k}"), "hears")).unwrap_err();
    }
    router.write(("peer 7", "hears")).unwrap_err();
    let failed = router.stats().failed_sends;
    assert_eq!(failed.len(), 257);
    assert_eq!(
        (failed[7].peer.as_deref(), failed[7].messages),
        (Some(&b"peer 7"[..]), 2)
    );
    assert_eq!(
        (failed[256].peer.as_deref(), failed[256].messages),
        (None, 44)
    );
    shut_down(&context);
}
