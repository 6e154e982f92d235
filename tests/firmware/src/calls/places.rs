//! Where in the ring a message lies: at its end there may be bytes that it does not fit into, and that the reader passes.

use core::convert::Infallible;
use core::hint::black_box;

use crate::messages::see;
use tidegate_core::Stream;

use super::Calls;

/// A ring with gaps so long that their marks are long ones.
type Large = Stream<10_000, 0, 1, Infallible>;

fn put(stream: &Large, packed_bytes: usize) {
    let len = packed_bytes - 2;
    let mut grant = stream.port().reserve(len, 1).unwrap();
    see(grant.frame(len).unwrap());
    assert!(grant.commit().is_ok());
}

/// A message that does not fit into the last bytes of the ring, of which there are so many.
fn wrap(calls: &mut impl Calls, name: &'static str, gap_bytes: usize) {
    let stream: Large = black_box(Stream::new());
    // Room below for the next one, and a message above that the reader comes to before.
    put(&stream, 5000);
    put(&stream, 5000 - gap_bytes);
    stream.try_peek().unwrap().release();
    let mut grant = calls.call(name, || stream.port().reserve(4900, 1)).unwrap();
    see(grant.frame(4900).unwrap());
    assert!(grant.commit().is_ok());
    let message = stream.try_peek().unwrap();
    calls.call("release, the ring wraps", || message.release());
    stream.try_peek().unwrap().release();
    assert_eq!(stream.read_buffer_bytes(), 0);
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    wrap(calls, "reserve, the ring wraps", 0);
    wrap(calls, "reserve, a gap of 1 byte", 1);
    wrap(calls, "reserve, a gap of 20 bytes", 20);
    wrap(calls, "reserve, a gap of 4,400 bytes", 4400);
}
