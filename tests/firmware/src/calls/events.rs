//! Events: in, out, and those who wait for them.

use core::hint::black_box;

use crate::waker;

use super::{Calls, Event, Small, poll, stream};

const ROUNDS: u32 = 64;
const EVENT: Event = [1, 2, 3, 4];

fn in_and_out(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    calls.call("feed_event, not wanted", || {
        port.feed_event(black_box(EVENT))
    });
    calls.call("set_monitoring", || stream.set_monitoring(true));
    for _ in 0..ROUNDS {
        let mut event = stream.read_event();
        assert!(calls.poll("read_event, pending", &mut event).is_pending());
        let before = waker::wakes();
        calls.call("feed_event, a reader waits", || {
            port.feed_event(black_box(EVENT));
        });
        assert_eq!(waker::wakes(), before + 1);
        assert!(calls.poll("read_event, woken", &mut event).is_ready());
        calls.call("feed_event", || port.feed_event(black_box(EVENT)));
        assert!(
            calls
                .poll("read_event, ready at once", &mut event)
                .is_ready()
        );
        port.feed_event(black_box(EVENT));
        assert!(
            calls
                .call("try_read_event", || stream.try_read_event())
                .is_ok()
        );
        assert!(
            calls
                .call("try_read_event, none", || stream.try_read_event())
                .is_err()
        );
        assert!(poll(&mut event).is_pending());
        calls.call("ReadEvent, dropped", || drop(event));
    }
}

fn discarded(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    for _ in 0..ROUNDS {
        for _ in 0..8 {
            port.feed_event(black_box(EVENT));
        }
        calls.call("feed_event, one is discarded", || {
            port.feed_event(black_box(EVENT));
        });
        calls.call("set_event_backlog", || {
            stream.set_event_backlog(black_box(0))
        });
        assert!(stream.try_read_event().is_err());
        stream.set_event_backlog(8);
    }
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    let stream = stream();
    in_and_out(calls, &stream);
    discarded(calls, &stream);
    let (mut first, mut second) = (stream.read_event(), stream.read_event());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    let before = waker::wakes();
    calls.call("set_monitoring, two readers wake", || {
        stream.set_monitoring(false);
    });
    assert_eq!(waker::wakes(), before + 2);
    assert!(
        calls
            .poll("read_event, not monitoring", &mut first)
            .is_ready()
    );
}
