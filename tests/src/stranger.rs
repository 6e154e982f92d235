//! A peer that libzmq did not write: ZMTP by hand ([RFC 23](https://rfc.zeromq.org/spec/23/)), or bytes that are none.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// More frames of the message follow.
pub const MORE: u8 = 1;
/// The length has eight bytes.
const LONG: u8 = 2;
/// It is a command, and no part of a message.
pub const COMMAND: u8 = 4;

/// What a peer of the mechanism NULL says first.
pub fn greeting() -> [u8; 64] {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    // The signature's end, and the version.
    greeting[9..12].copy_from_slice(&[0x7f, 3, 0]);
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// The beginning of a frame that claims this length, in eight bytes.
pub fn header(flags: u8, bytes: u64) -> Vec<u8> {
    let mut header = vec![flags | LONG];
    header.extend(bytes.to_be_bytes());
    header
}

/// A whole frame.
pub fn frame(flags: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = match u8::try_from(payload.len()) {
        Ok(bytes) => vec![flags, bytes],
        Err(_) => header(flags, payload.len() as u64),
    };
    frame.extend(payload);
    frame
}

/// A command of this name and these data, as a whole frame.
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("a short name");
    frame(COMMAND, [&[length], name.as_bytes(), data].concat())
}

/// The command that ends a handshake. The properties follow the type.
pub fn ready(kind: &str, properties: &[(&str, &[u8])]) -> Vec<u8> {
    let kind = ("Socket-Type", kind.as_bytes());
    let mut data = Vec::new();
    for (name, value) in [kind].iter().chain(properties) {
        data.push(u8::try_from(name.len()).expect("a short name"));
        data.extend(name.as_bytes());
        data.extend(u32::try_from(value.len()).expect("a value").to_be_bytes());
        data.extend(*value);
    }
    command("READY", &data)
}

/// A connection over tcp, and whoever is at its other end.
pub struct Stranger(TcpStream);

impl Stranger {
    pub fn connect(endpoint: &str) -> Self {
        let address = endpoint.trim_start_matches("tcp://");
        let stream = TcpStream::connect(address).expect("a stream that listens");
        stream.set_nodelay(true).expect("a connection");
        Self(stream)
    }

    /// Connects a socket that is there already: that takes no descriptor.
    pub fn of_socket(socket: std::os::fd::OwnedFd, endpoint: &str) -> Self {
        let address: SocketAddr = endpoint
            .trim_start_matches("tcp://")
            .parse()
            .expect("an address");
        rustix::net::connect(&socket, &address).expect("a stream that listens");
        Self(socket.into())
    }

    /// Connects as a peer of this type, and waits for the end of the handshake.
    pub fn greeted(endpoint: &str, kind: &str, properties: &[(&str, &[u8])]) -> Self {
        let mut stranger = Self::connect(endpoint);
        stranger.say(greeting());
        stranger.say(ready(kind, properties));
        let mut answer = [0; 64];
        stranger.0.read_exact(&mut answer).expect("a greeting");
        assert_eq!(stranger.next_frame().0, COMMAND);
        stranger
    }

    /// Sends this. Whether it is still listened to, the stranger does not care.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref());
    }

    /// Sends this again and again until nothing has gone for a while, or so often. Returns how many bytes went.
    pub fn say_until_held_back(&mut self, bytes: &[u8], most_times: usize) -> usize {
        let while_held = Some(Duration::from_millis(300));
        self.0.set_write_timeout(while_held).expect("a timeout");
        let mut sent = 0;
        for _ in 0..most_times {
            let mut rest = bytes;
            while !rest.is_empty() {
                match self.0.write(rest) {
                    Ok(bytes) => {
                        sent += bytes;
                        rest = &rest[bytes..];
                    }
                    Err(_) => return sent,
                }
            }
        }
        sent
    }

    /// The next frame that it is sent: its flags, and its payload.
    pub fn next_frame(&mut self) -> (u8, Vec<u8>) {
        let mut flags = [0];
        self.0.read_exact(&mut flags).expect("a frame");
        let bytes = if flags[0] & LONG == 0 {
            let mut bytes = [0];
            self.0.read_exact(&mut bytes).expect("a length");
            bytes[0].into()
        } else {
            let mut bytes = [0; 8];
            self.0.read_exact(&mut bytes).expect("a length");
            u64::from_be_bytes(bytes)
        };
        let mut payload = vec![0; usize::try_from(bytes).expect("a length")];
        self.0.read_exact(&mut payload).expect("a payload");
        (flags[0] & !LONG, payload)
    }

    /// Waits until all that it has said was taken in: it asks whether the other end is there, and reads up to the answer.
    pub fn wait_until_heard(&mut self) {
        self.say(command("PING", b"\0\0heard"));
        while self.next_frame() != (COMMAND, b"\x04PONGheard".to_vec()) {}
    }

    /// Whether it was sent anything that it has not read.
    pub fn hears_something(&self) -> bool {
        self.0.set_nonblocking(true).expect("a connection");
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).expect("a connection");
        matches!(peeked, Ok(1))
    }

    /// Waits for the end of the connection, whatever comes before.
    pub fn wait_until_turned_away(mut self) {
        let mut heard = vec![0; 64 * 1024];
        loop {
            match self.0.read(&mut heard) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
        }
    }

    /// Says that nothing more comes, and waits until the other end says so, too.
    pub fn hang_up(self) {
        let _ = self.0.shutdown(Shutdown::Write);
        self.wait_until_turned_away();
    }
}
