//! Messages written and read in place, on both sides of a shared stream, against a list of reservations in their order, and of
//! where they lie.
#![no_main]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::mem;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{NoEvents, PushError, ReadGrant, Stream, Watermarks, WriteError, WriteGrant};
use tidegate_fuzz::model::Side as Ring;
use tidegate_fuzz::{Bytes, Message, charge, packed};

#[derive(Arbitrary, Debug)]
enum Step {
    /// Room for this many bytes in this many frames.
    Reserve(u8, u8),
    /// A frame in the grant that was made so many grants ago, shortened or not.
    Frame(u8, u8, Option<u8>),
    Commit(u8),
    Abandon(u8),
    Peek,
    Release,
    PutBack,
    Close,
    Abort,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    received: bool,
    steps: Vec<Step>,
}

const E: usize = 0;

type Write<'s, const N: usize, const R: bool> = WriteGrant<'s, N, N, E, Infallible, NoEvents, R>;
type Read<'s, const N: usize, const R: bool> = ReadGrant<'s, N, N, E, Infallible, NoEvents, R>;

/// One reservation, in the order of all.
struct Reserved<'s, const N: usize, const R: bool> {
    /// `None` once it was committed.
    grant: Option<Write<'s, N, R>>,
    /// Its number in the ring.
    number: usize,
    room: usize,
    message: Message,
}

/// What differs between the two sides of a stream.
trait Side<const N: usize, const R: bool> {
    fn room(&self, bytes: usize, frames: usize) -> Result<Write<'_, N, R>, PushError<()>>;
    fn look(&self) -> Option<Read<'_, N, R>>;
    fn level(&self) -> usize;
}

type Shared<const N: usize> = Stream<N, N, E, Infallible>;

impl<const N: usize> Side<N, true> for Shared<N> {
    fn room(&self, bytes: usize, frames: usize) -> Result<Write<'_, N, true>, PushError<()>> {
        self.port().reserve(bytes, frames)
    }
    fn look(&self) -> Option<Read<'_, N, true>> {
        self.try_peek().ok()
    }
    fn level(&self) -> usize {
        self.read_buffer_bytes()
    }
}

impl<const N: usize> Side<N, false> for Shared<N> {
    fn room(&self, bytes: usize, frames: usize) -> Result<Write<'_, N, false>, PushError<()>> {
        self.writer()
            .reserve(bytes, frames)
            .map_err(|error| match error {
                WriteError::NoFrames(()) => PushError::NoFrames(()),
                WriteError::Full(()) => PushError::Full(()),
                WriteError::TooLarge(()) => PushError::TooLarge(()),
                WriteError::Closed(()) => PushError::Closed(()),
                WriteError::Failed((), never) => match never {},
            })
    }
    fn look(&self) -> Option<Read<'_, N, false>> {
        self.port().head()
    }
    fn level(&self) -> usize {
        self.write_buffer_bytes()
    }
}

fn run<const N: usize, const R: bool>(steps: &[Step])
where
    Shared<N>: Side<N, R>,
{
    let stream = Box::new(Shared::<N>::new());
    stream.set_read_limits(Watermarks::UNLIMITED);
    let mut bytes = Bytes::default();
    let mut ring = Ring::new(N);
    let mut queue = VecDeque::<Reserved<'_, N, R>>::new();
    let mut reading: Option<Read<'_, N, R>> = None;
    let (mut open, mut dead) = (true, false);
    for step in steps {
        match *step {
            Step::Reserve(len, frames) => {
                // In a large ring also the gaps are to be large.
                let len = usize::from(len) * if N > 4096 { 33 } else { 1 };
                let frames = usize::from(frames % 5);
                let room = len + 2 * frames;
                match stream.room(len, frames) {
                    Ok(grant) => {
                        assert!(open && frames > 0 && room <= N);
                        queue.push_back(Reserved {
                            grant: Some(grant),
                            number: ring.reserve(room).expect("there is no room"),
                            room,
                            message: Message::new(),
                        });
                    }
                    Err(PushError::NoFrames(())) => assert_eq!(frames, 0),
                    Err(PushError::Closed(())) => assert!(!open),
                    Err(PushError::TooLarge(())) => assert!(room > N),
                    Err(PushError::Full(())) => assert!(room <= N && room > ring.room()),
                }
            }
            Step::Frame(which, len, cut) => {
                let Some(reserved) = pick(&mut queue, which) else {
                    continue;
                };
                let Some(grant) = &mut reserved.grant else {
                    continue;
                };
                let mut frame = bytes.frame(usize::from(len));
                match grant.frame(frame.len()) {
                    None => assert!(packed(&reserved.message) + 2 + frame.len() > reserved.room),
                    Some(room) => {
                        room.copy_from_slice(&frame);
                        if let Some(cut) = cut {
                            grant.truncate(usize::from(cut));
                            frame.truncate(usize::from(cut));
                        }
                        assert_eq!(grant.last_frame_mut(), Some(&mut frame[..]));
                        reserved.message.push(frame);
                        assert!(packed(&reserved.message) <= reserved.room);
                    }
                }
            }
            Step::Commit(which) => {
                let Some(at) = index(&queue, which) else {
                    continue;
                };
                let Some(grant) = queue[at].grant.take() else {
                    continue;
                };
                let committed = grant.commit();
                let Reserved {
                    number, message, ..
                } = &queue[at];
                assert_eq!(committed.is_ok(), open && !message.is_empty());
                ring.cut(*number, packed(message));
                if committed.is_ok() {
                    ring.write(*number, message.clone());
                } else {
                    ring.give_up(*number);
                    queue.remove(at);
                }
            }
            Step::Abandon(which) => {
                let Some(at) = index(&queue, which) else {
                    continue;
                };
                if queue[at].grant.is_some() {
                    ring.give_up(queue[at].number);
                    queue.remove(at);
                }
            }
            Step::Peek => {
                if reading.is_none() {
                    reading = stream.look();
                    let head = queue.front().filter(|head| head.grant.is_none() && !dead);
                    assert_eq!(reading.is_some(), head.is_some());
                } else {
                    assert!(stream.look().is_none(), "there is one reader at a time");
                }
            }
            Step::Release => {
                if let Some(grant) = reading.take() {
                    grant.release();
                    queue.pop_front();
                    ring.take();
                }
            }
            Step::PutBack => drop(reading.take()),
            Step::Close => {
                stream.close();
                open = false;
            }
            Step::Abort => {
                stream.abort();
                ring.clear();
                (open, dead) = (false, true);
            }
        }
        let committed = queue.iter().filter(|reserved| reserved.grant.is_none());
        let level: usize = committed.map(|reserved| charge(&reserved.message)).sum();
        assert_eq!(stream.level(), if dead { 0 } else { level });
        // What is being looked at does not change, whatever else happens.
        if let (Some(grant), Some(head)) = (&reading, queue.front()) {
            assert!(grant.frames().eq(head.message.iter().map(Vec::as_slice)));
        }
    }
    // What is left comes out in the order of the reservations, once nobody holds it up.
    drop(mem::take(&mut reading));
    queue.retain(|reserved| reserved.grant.is_none());
    if dead {
        queue.clear();
    }
    for reserved in queue {
        let grant = stream.look().expect("a message was committed");
        assert!(
            grant
                .frames()
                .eq(reserved.message.iter().map(Vec::as_slice))
        );
        grant.release();
    }
    assert!(stream.look().is_none());
    assert_eq!(stream.level(), 0);
    if open {
        // Nothing of the room was lost.
        assert!(N < 2 || stream.room(N - 2, 1).is_ok());
    }
}

fn index<const N: usize, const R: bool>(
    queue: &VecDeque<Reserved<'_, N, R>>,
    which: u8,
) -> Option<usize> {
    usize::from(which).checked_rem(queue.len())
}

fn pick<'q, 's, const N: usize, const R: bool>(
    queue: &'q mut VecDeque<Reserved<'s, N, R>>,
    which: u8,
) -> Option<&'q mut Reserved<'s, N, R>> {
    let at = index(queue, which)?;
    queue.get_mut(at)
}

fuzz_target!(|input: Input| {
    match (input.capacity % 6, input.received) {
        (0, true) => run::<0, true>(&input.steps),
        (0, false) => run::<1, false>(&input.steps),
        (1, true) => run::<2, true>(&input.steps),
        (1, false) => run::<3, false>(&input.steps),
        (2, true) => run::<8, true>(&input.steps),
        (2, false) => run::<17, false>(&input.steps),
        (3, true) => run::<64, true>(&input.steps),
        (3, false) => run::<64, false>(&input.steps),
        (4, true) => run::<257, true>(&input.steps),
        (4, false) => run::<257, false>(&input.steps),
        (_, true) => run::<9000, true>(&input.steps),
        (_, false) => run::<9000, false>(&input.steps),
    }
});
