//! The core by hand: a machine between a user and two queues that stand for a wire. No socket, no task, no lock.
//!
//! ```sh
//! cargo run --example sans_io
//! ```

use std::collections::VecDeque;
use std::convert::Infallible;

use tidegate_core::{Fixed, FixedSlots, Machine, MessageBuffer};

/// 64 bytes each way, and room for nobody who waits: so there is nobody to be woken, whatever a call says of that.
type Echo = Machine<Fixed<64, 64, 0>, Infallible>;

/// What a driver does when there is news: it moves what the machine wants moved, and no more.
fn drive(machine: &mut Echo, wire_in: &mut VecDeque<String>, wire_out: &mut Vec<Vec<u8>>) {
    while machine.interest().send {
        let outgoing = machine.outgoing();
        outgoing.peek_with(|frames| wire_out.extend(frames.map(<[u8]>::to_vec)));
        let _ = machine.sent();
    }
    while machine.interest().receive && !wire_in.is_empty() {
        let message = wire_in.pop_front().unwrap_or_default();
        let _ = machine.feed(&[message.as_bytes()]).expect("it fits");
    }
}

fn main() {
    let (incoming, outgoing) = (MessageBuffer::new(), MessageBuffer::new());
    let mut machine = Echo::new(incoming, outgoing, FixedSlots::new());
    let mut wire_in: VecDeque<String> = (0..8).map(|k| format!("request {k}")).collect();
    let mut wire_out = Vec::new();
    while wire_out.len() < 8 {
        drive(&mut machine, &mut wire_in, &mut wire_out);
        // With 55 bytes over the mark of 48 the gate shuts: the rest waits on the wire, where its sender feels it.
        println!("{} answered, {} on the wire", wire_out.len(), wire_in.len());
        let upper = |byte: &u8| byte.to_ascii_uppercase();
        while let (Ok(answer), _) =
            machine.try_read(|frames| frames.flatten().map(upper).collect::<Vec<u8>>())
        {
            let _ = machine.write(&[&answer]).expect("it fits");
        }
    }
    println!("{}", wire_out.concat().escape_ascii());
}
