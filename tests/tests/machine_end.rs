//! Section E of the contract, and that the machine is deterministic (H2).

use std::task::Poll;

use tidegate_core::{
    DrainError, Interest, Lost, Phase, ReadError, State, Ticket, TryReadError, Watermarks,
};
use tidegate_tests::{Broken, Counter, Small, Waiter, close, feed, sent, small, try_read, wake};

#[test]
fn e1_close_flushes_what_is_queued_and_then_ends() {
    let mut machine = small::<2>();
    let driver = Counter::new();
    let _ = machine.write(&[b"queued"]).unwrap();
    machine.register_driver(driver.waker());
    let mut end = Waiter::new();
    assert!(end.closed(&mut machine).is_pending());
    close(&mut machine);
    assert_eq!(driver.take(), 1);
    assert_eq!(
        machine.interest(),
        Interest {
            receive: false,
            send: true
        }
    );
    assert_eq!(machine.phase(), Phase::Run);
    sent(&mut machine);
    assert_eq!(machine.phase(), Phase::Flush);
    assert_eq!(end.counter.take(), 0);
    let wakes = machine.finish();
    wake(&mut machine, wakes);
    assert_eq!(end.counter.take(), 1);
    assert_eq!(end.closed(&mut machine), Poll::Ready(Ok(Lost::default())));
    assert_eq!(machine.state(), &State::Closed);
}

#[test]
fn e2_abort_drops_the_buffers_and_says_what_was_lost() {
    let mut machine = small::<2>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    feed(&mut machine, "in");
    let _ = machine.write(&[b"out", b""]).unwrap();
    let mut drainer = Waiter::new();
    assert!(drainer.drain(&mut machine).is_pending());
    let wakes = machine.abort();
    wake(&mut machine, wakes);
    let lost = Lost {
        messages: 1,
        bytes: 7,
    };
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(
        drainer.drain(&mut machine),
        Poll::Ready(Err(DrainError::Dropped(lost)))
    );
    assert_eq!(machine.lost(), lost);
    assert_eq!(
        try_read(&mut machine),
        Err(TryReadError::Read(ReadError::Closed))
    );
    // It has ended: aborting again loses nothing more.
    let _ = machine.abort();
    assert_eq!(machine.lost(), lost);
}

#[test]
fn b2_a_gate_that_is_shut_opens_when_an_abort_has_emptied_the_buffer() {
    let mut machine = small::<2>();
    let _ = machine.set_read_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    feed(&mut machine, "in");
    let _ = machine.write(&[b"out"]).unwrap();
    assert!(machine.is_read_gate_paused() && machine.is_write_gate_paused());
    let _ = machine.abort();
    assert!(!machine.is_read_gate_paused() && !machine.is_write_gate_paused());
    assert_eq!(machine.interest(), Interest::default());
}

#[test]
fn e3_every_wait_completes_when_the_stream_closes_or_fails() {
    type End = fn(&mut Small<6>) -> tidegate_core::Wakes;
    let ends: [End; 2] = [|machine| machine.abort(), |machine| machine.fail(Broken)];
    for end in ends {
        let mut machine = small::<6>();
        let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
        let _ = machine.write(&[b"x"]).unwrap();
        let mut waiters: Vec<Waiter> = (0..6).map(|_| Waiter::new()).collect();
        let poll = |k: usize, waiter: &mut Waiter, machine: &mut Small<6>| match k % 3 {
            0 => waiter.read(machine).is_ready(),
            1 => waiter.drain(machine).is_ready(),
            _ => waiter.closed(machine).is_ready(),
        };
        for (k, waiter) in waiters.iter_mut().enumerate() {
            assert!(!poll(k, waiter, &mut machine));
        }
        let wakes = end(&mut machine);
        wake(&mut machine, wakes);
        // All at once: one who does not go on holds up nobody.
        let woken: Vec<usize> = waiters.iter().map(|waiter| waiter.counter.take()).collect();
        assert_eq!(woken, [1; 6]);
        for (k, waiter) in waiters.iter_mut().enumerate().rev() {
            assert!(poll(k, waiter, &mut machine));
        }
        // And every place is free again.
        let mut machine = small::<6>();
        for waiter in &mut waiters {
            assert!(waiter.read(&mut machine).is_pending());
        }
    }
}

#[test]
fn e5_every_call_on_an_ended_stream_is_defined() {
    let mut machine = small::<1>();
    let _ = machine.abort();
    let _ = machine.close();
    let _ = machine.finish();
    let _ = machine.fail(Broken);
    assert_eq!(machine.state(), &State::Closed);
    assert_eq!(machine.exception(), None);
    assert_eq!(machine.interest(), Interest::NONE);
    assert_eq!(machine.phase(), Phase::Ended);
    let (closed, _) = machine.poll_closed(&mut Ticket::new());
    assert_eq!(closed, Poll::Ready(Ok(Lost::default())));
    let (drained, _) = machine.poll_drain(&mut Ticket::new());
    assert_eq!(drained, Poll::Ready(Ok(())));
    let _ = machine.cancel(&mut Ticket::new());
    let _ = machine.sent();
}

#[test]
fn h2_the_same_calls_give_the_same_results_and_wakes() {
    let run = |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut machine = small::<3>();
        let mut readers = [Waiter::new(), Waiter::new(), Waiter::new()];
        let mut log = String::new();
        for _ in 0..2_000 {
            let k = rng.usize(0..3);
            match rng.u8(0..6) {
                0 | 1 => log += &format!("{:?}", machine.feed(&[&[rng.u8(..)]]).is_ok()),
                2 => log += &format!("{:?}", readers[k].read(&mut machine)),
                3 => std::mem::take(&mut readers[k]).cancel(&mut machine),
                4 => log += &format!("{:?}", machine.write(&[&[rng.u8(..)]]).is_ok()),
                _ => {
                    sent(&mut machine);
                }
            }
            log += &format!(
                "{:?}{machine:?}",
                readers.each_ref().map(|r| r.counter.take())
            );
        }
        log
    };
    assert_eq!(run(7), run(7));
}
