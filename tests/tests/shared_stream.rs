//! The shared stream among threads and executors, and what its types are: H3 and A5's share of it.

use std::future::{Future, poll_fn};
use std::task::Poll;

use futures_lite::future;
use tidegate_core::{
    BytePort, Closed, Drain, EventRing, FixedEvents, Flush, NoEvents, Peek, PushError, Read,
    ReadEvent, ReadGrant, Reader, SendMessage, Stream, WaitForRoom, WriteGrant, Writer,
};
use tidegate_tests::{Broken, Message, Watchdog, random_message};

type Small = Stream<256, 256, 8, Broken>;

/// The next message that is to be sent, once there is one, given back as it was received: copied from one grant to another.
async fn echo(stream: &Small) {
    let port = stream.port();
    let head = poll_fn(|cx| {
        port.register(cx.waker());
        port.head().map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    let frames = head.frames();
    let mut room = poll_fn(|cx| {
        port.register(cx.waker());
        match port.reserve(frames.payload_bytes(), frames.frame_count()) {
            Ok(room) => Poll::Ready(room),
            Err(PushError::Full(())) => Poll::Pending,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    for frame in frames {
        room.frame(frame.len()).unwrap().copy_from_slice(frame);
    }
    room.commit().unwrap();
    head.release();
}

/// Sends by a grant if there is room for one now, else waits for it.
async fn send(stream: &Small, message: &Message) {
    let payload = message.iter().map(Vec::len).sum();
    if let Ok(mut room) = stream.reserve(payload, message.len()) {
        for frame in message {
            room.frame(frame.len()).unwrap().copy_from_slice(frame);
        }
        room.commit().unwrap();
        return;
    }
    let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
    stream.send(&frames).await.unwrap();
}

async fn expect(stream: &Small, message: &Message) {
    let lent = stream.peek().await.unwrap();
    assert!(lent.frames().eq(message));
    lent.release();
}

#[test]
fn h3_a_static_stream_carries_grants_both_ways_between_two_threads() {
    static STREAM: Small = Stream::new();
    const COUNT: usize = 20_000;
    let _watchdog = Watchdog::new(120);
    let mut rng = fastrand::Rng::with_seed(1);
    let messages: Vec<Message> = (0..COUNT)
        .map(|_| random_message(&mut rng, 3, 40))
        .collect();
    let device = std::thread::spawn(|| {
        embassy_futures::block_on(async {
            for _ in 0..COUNT {
                echo(&STREAM).await;
            }
        });
    });
    future::block_on(future::zip(
        async {
            for message in &messages {
                send(&STREAM, message).await;
            }
            STREAM.flush().await.unwrap();
        },
        async {
            for message in &messages {
                expect(&STREAM, message).await;
            }
        },
    ));
    device.join().unwrap();
    assert_eq!(STREAM.read_buffer_bytes() + STREAM.write_buffer_bytes(), 0);
}

#[test]
fn h3_producers_on_several_threads_each_keep_the_order_of_their_own_reservations() {
    type Room = WriteGrant<'static, 256, 0, 2, Broken>;
    static STREAM: Stream<256, 0, 2, Broken> = Stream::new();
    const PRODUCERS: u8 = 3;
    const COUNT: u16 = 5_000;
    let _watchdog = Watchdog::new(120);
    // Every tenth is given up instead.
    let done = |room: Room, number: u16| match number % 10 {
        4 => drop(room),
        _ => room.commit().unwrap(),
    };
    let produce = move |producer: u8| {
        let mut before: Option<(Room, u16)> = None;
        for number in 0..COUNT {
            let mut room = loop {
                match STREAM.port().reserve(3, 2) {
                    Ok(room) => break room,
                    Err(error) => assert_eq!(error, PushError::Full(())),
                }
                // Whoever waits for room holds none, or all would wait for each other.
                if let Some((room, number)) = before.take() {
                    done(room, number);
                }
                std::thread::yield_now();
            };
            room.frame(1).unwrap()[0] = producer;
            room.frame(2)
                .unwrap()
                .copy_from_slice(&number.to_le_bytes());
            // Two at a time are in flight, of which the later is done first.
            match before.take() {
                None => before = Some((room, number)),
                Some((early, early_number)) => {
                    done(room, number);
                    done(early, early_number);
                }
            }
        }
        if let Some((room, number)) = before {
            done(room, number);
        }
    };
    let threads: Vec<_> = (0..PRODUCERS)
        .map(|p| std::thread::spawn(move || produce(p)))
        .collect();
    let mut next = [0; PRODUCERS as usize];
    future::block_on(async {
        for _ in 0..(COUNT - COUNT / 10) * u16::from(PRODUCERS) {
            let lent = STREAM.peek().await.unwrap();
            let frames: Vec<&[u8]> = lent.frames().collect();
            let producer = frames[0][0];
            let number = u16::from_le_bytes(frames[1].try_into().unwrap());
            let expected: &mut u16 = &mut next[producer as usize];
            *expected += u16::from(*expected % 10 == 4);
            assert_eq!(number, *expected, "of producer {producer}");
            *expected += 1;
            lent.release();
        }
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(STREAM.read_buffer_bytes(), 0);
}

#[test]
fn h3_the_futures_run_on_any_executor() {
    async fn work(stream: &Small) -> usize {
        let transport = async {
            for _ in 0..100 {
                echo(stream).await;
            }
            stream.close();
            stream.port().finish();
        };
        let user = async {
            let mut out = [0; 64];
            for k in 0..100u8 {
                stream.send(&[&[k; 30]]).await.unwrap();
                stream.drain().await.unwrap();
                assert!(stream.read(&mut out).await.unwrap().eq([[k; 30]]));
            }
            stream.flush().await.unwrap();
            stream.closed().await.unwrap()
        };
        future::zip(transport, user).await.1.messages
    }
    let _watchdog = Watchdog::new(60);
    assert_eq!(future::block_on(work(&Small::new())), 0);
    assert_eq!(embassy_futures::block_on(work(&Small::new())), 0);
}

#[test]
fn h3_what_a_stream_hands_out_may_go_to_another_thread_and_be_moved_while_it_is_polled() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send + 'static>() {}
    fn handle<T: Copy + Send + Sync + 'static>() {}
    fn future<T: Future + Send + Unpin + 'static>() {}

    fn with_events<V: FixedEvents + Send + 'static>()
    where
        V::Event: Send,
    {
        shared::<Stream<8, 8, 1, Broken, V>>();
        sent::<WriteGrant<'_, 8, 8, 1, Broken, V, true>>();
        sent::<WriteGrant<'_, 8, 8, 1, Broken, V, false>>();
        sent::<ReadGrant<'_, 8, 8, 1, Broken, V, true>>();
        sent::<ReadGrant<'_, 8, 8, 1, Broken, V, false>>();
        handle::<Reader<'_, 8, 8, 1, Broken, V>>();
        handle::<Writer<'_, 8, 8, 1, Broken, V>>();
        handle::<BytePort<'_, 8, 8, 1, Broken, V>>();
        future::<Peek<'_, 8, 8, 1, Broken, V>>();
        future::<Read<'_, '_, 8, 8, 1, Broken, V>>();
        future::<SendMessage<'_, '_, 8, 8, 1, Broken, V>>();
        future::<WaitForRoom<'_, 8, 8, 1, Broken, V>>();
        future::<Drain<'_, 8, 8, 1, Broken, V>>();
        future::<Flush<'_, 8, 8, 1, Broken, V>>();
        future::<Closed<'_, 8, 8, 1, Broken, V>>();
        future::<ReadEvent<'_, 8, 8, 1, Broken, V>>();
    }
    with_events::<NoEvents>();
    with_events::<EventRing<u32, 4>>();
}

/// What a stream takes beside its bytes, its waiters and its events.
const BESIDE: usize = size_of::<Stream<0, 0, 0, Broken>>();
/// About 110 bytes on a 32-bit target, and twice that on a 64-bit host, for most of it is as wide as a pointer.
const _: () = assert!(BESIDE <= 27 * size_of::<usize>());

#[test]
fn h3_a_stream_takes_its_bytes_and_a_constant_and_so_much_for_each_waiter() {
    assert_eq!(size_of::<Stream<256, 0, 0, Broken>>(), 256 + BESIDE);
    assert_eq!(size_of::<Stream<0, 256, 0, Broken>>(), 256 + BESIDE);
    assert_eq!(
        size_of::<Stream<4096, 512, 0, Broken>>(),
        4096 + 512 + BESIDE
    );
    // A waker of two words, and a byte for each neighbour.
    let waiter = 2 * size_of::<usize>() + 2;
    assert_eq!(
        size_of::<Stream<256, 256, 8, Broken>>(),
        512 + 8 * waiter + BESIDE
    );
    let ring = size_of::<EventRing<u64, 4>>();
    assert_eq!(
        size_of::<Stream<0, 0, 0, Broken, EventRing<u64, 4>>>(),
        ring + BESIDE
    );
}

#[test]
fn a_default_stream_is_a_new_one() {
    let stream = Small::default();
    assert_eq!(format!("{stream:?}"), format!("{:?}", Small::new()));
    assert_eq!(stream.write(&[b"one"]), Ok(()));
}
