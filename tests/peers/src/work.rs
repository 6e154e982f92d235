//! The works, the same for every library. Each returns its figures, in the order of [`Work::FIGURES`] in `report.rs`.

use std::thread;
use std::time::{Duration, Instant};

use crate::library::{Kind, Library, Side};
use crate::process::{allocations, cpu_time, descriptors, held_bytes, resident_kib, threads};
use crate::runtime::Runtime;

/// How long each work that has no end of its own is done.
pub const DURATION: Duration = Duration::from_millis(400);
/// How long the largest are sent: what libzmq holds of them is to be filled many times over.
const LONG_DURATION: Duration = Duration::from_secs(2);
/// How often the clock is looked at, in messages.
const CLOCK_EVERY: u64 = 32;
/// What is asked and answered: 4 bytes and 200.
const REQUEST: [&[u8]; 2] = [b"0001", &[7; 200]];
/// How long the last payload of a sender is: that it is over, and how much there was.
const END_LEN: usize = 9;

fn end(sent: u64) -> [u8; END_LEN] {
    let mut end = [b'E'; END_LEN];
    end[1..].copy_from_slice(&sent.to_le_bytes());
    end
}

/// How much a sender has sent, if this is its last payload.
fn sent_of(payload: &[u8]) -> Option<u64> {
    let payload: &[u8; END_LEN] = payload.try_into().ok()?;
    Some(u64::from_le_bytes(payload[1..].try_into().ok()?))
}

/// The two ends of one connection.
async fn pair<L: Library>(library: &L, kinds: [Kind; 2], endpoint: &str) -> (L::Socket, L::Socket) {
    let bound = library.open(kinds[1], Side::Bind, endpoint).await;
    let connected = library.open(kinds[0], Side::Connect, endpoint).await;
    (connected, bound)
}

fn open_pair<L: Library>(
    runtime: &Runtime,
    library: &L,
    kinds: [Kind; 2],
    endpoint: &str,
) -> (L::Socket, L::Socket) {
    let (library, endpoint) = (library.clone(), endpoint.to_owned());
    runtime.one(async move { pair(&library, kinds, &endpoint).await })
}

/// Round trips a second of one task that has both ends.
pub fn ping_pong_one<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    let (mut dealer, mut router) =
        open_pair(runtime, library, [Kind::Dealer, Kind::Router], endpoint);
    runtime.one(async move {
        let mut round_trips = 0;
        let mut began = None;
        loop {
            L::send(&mut dealer, &REQUEST).await;
            let request = L::recv(&mut router).await;
            L::send_back(&mut router, request).await;
            let answer = L::recv(&mut dealer).await;
            assert_eq!(L::payload(&answer).len(), 200);
            // The first makes the connection.
            let began = *began.get_or_insert_with(Instant::now);
            if round_trips % CLOCK_EVERY == 0 && began.elapsed() > DURATION {
                return vec![round_trips as f64 / began.elapsed().as_secs_f64()];
            }
            round_trips += 1;
        }
    })
}

/// [`ping_pong_one`], with so many sockets in the same context to which nothing happens.
pub fn ping_pong_among<L: Library>(
    runtime: &Runtime,
    library: &L,
    endpoint: &str,
    others: usize,
) -> Vec<f64> {
    let of_task = library.clone();
    let idle = runtime.one(async move {
        let mut idle = Vec::new();
        for k in 0..others {
            let endpoint = format!("inproc://idle-{k}");
            idle.push(of_task.open(Kind::Pull, Side::Bind, &endpoint).await);
        }
        idle
    });
    let figures = ping_pong_one(runtime, library, endpoint);
    std::mem::forget(idle);
    figures
}

async fn ask<L: Library>(mut dealer: L::Socket) -> f64 {
    let mut round_trips = 0;
    let mut began = None;
    loop {
        L::send(&mut dealer, &REQUEST).await;
        let answer = L::recv(&mut dealer).await;
        assert_eq!(L::payload(&answer).len(), 200);
        let began = *began.get_or_insert_with(Instant::now);
        if round_trips % CLOCK_EVERY == 0 && began.elapsed() > DURATION {
            let took = began.elapsed();
            L::send(&mut dealer, &[b"0002", &end(0)]).await;
            L::recv(&mut dealer).await;
            return round_trips as f64 / took.as_secs_f64();
        }
        round_trips += 1;
    }
}

async fn answer<L: Library>(mut router: L::Socket) {
    loop {
        let request = L::recv(&mut router).await;
        let is_last = sent_of(L::payload(&request)).is_some();
        L::send_back(&mut router, request).await;
        if is_last {
            // The answer is on its way; the other end says when it is there.
            return std::mem::forget(router);
        }
    }
}

/// Round trips a second of two tasks, each with one end, in as many threads as there are for them.
pub fn ping_pong_two<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    let (dealer, router) = open_pair(runtime, library, [Kind::Dealer, Kind::Router], endpoint);
    vec![runtime.two(ask::<L>(dealer), answer::<L>(router)).0]
}

/// Round trips a second of two tasks in one thread.
pub fn ping_pong_together<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    let (dealer, router) = open_pair(runtime, library, [Kind::Dealer, Kind::Router], endpoint);
    let figures = runtime.together(ask::<L>(dealer), answer::<L>(router));
    figures.map(|(figure, ())| figure).into_iter().collect()
}

async fn push<L: Library>(mut push: L::Socket, len: usize) {
    let payload = vec![7; len];
    let mut sent = 0;
    let mut began = None;
    let (every, duration) = match len {
        0..=100_000 => (CLOCK_EVERY, DURATION),
        _ => (1, LONG_DURATION),
    };
    loop {
        L::send(&mut push, &[&payload]).await;
        sent += 1;
        let began = *began.get_or_insert_with(Instant::now);
        if sent % every == 0 && began.elapsed() > duration {
            break;
        }
    }
    L::send(&mut push, &[&end(sent)]).await;
    // A library may lose what a closed socket holds; the receiver is to have it all.
    std::mem::forget(push);
}

/// Messages a second since `began`, when they might be sent: a receiver whose turn comes late has not received what waits for it by
/// then in no time. Lost; calls of Rust's allocator for each; the longest gap between two, in milliseconds.
async fn pull<L: Library>(mut pull: L::Socket, from: usize, began: Instant) -> Vec<f64> {
    let (mut ended, mut sent) = (0, 0);
    let mut gap = Duration::ZERO;
    let first = L::recv(&mut pull).await;
    assert!(sent_of(L::payload(&first)).is_none());
    drop(first);
    let mut received: u64 = 1;
    let before = allocations();
    let mut last = began;
    loop {
        let message = L::recv(&mut pull).await;
        if let Some(of_one) = sent_of(L::payload(&message)) {
            ended += 1;
            sent += of_one;
            if ended == from {
                break;
            }
        } else {
            received += 1;
        }
        let now = Instant::now();
        gap = gap.max(now - last);
        last = now;
    }
    let took = began.elapsed();
    let allocated = (allocations() - before) as f64 / received as f64;
    let lost = sent as f64 - received as f64;
    vec![
        received as f64 / took.as_secs_f64(),
        lost,
        allocated,
        gap.as_secs_f64() * 1e3,
    ]
}

/// A PUSH sends to a PULL as fast as it is let, beside it.
pub fn one_way<L: Library>(runtime: &Runtime, library: &L, endpoint: &str, len: usize) -> Vec<f64> {
    let (sender, receiver) = open_pair(runtime, library, [Kind::Push, Kind::Pull], endpoint);
    runtime
        .two(
            pull::<L>(receiver, 1, Instant::now()),
            push::<L>(sender, len),
        )
        .0
}

/// The same in one thread.
pub fn one_way_together<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    let (sender, receiver) = open_pair(runtime, library, [Kind::Push, Kind::Pull], endpoint);
    let figures = runtime.together(
        pull::<L>(receiver, 1, Instant::now()),
        push::<L>(sender, 200),
    );
    figures.map(|(figures, ())| figures).unwrap_or_default()
}

/// A hundred DEALERs of one task send to a ROUTER, one after the other, 200 bytes each.
pub fn fan_in<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    const DEALERS: usize = 100;
    let (of_task, address) = (library.clone(), endpoint.to_owned());
    let (router, dealers) = runtime.one(async move {
        let router = of_task.open(Kind::Router, Side::Bind, &address).await;
        let mut dealers = Vec::new();
        for _ in 0..DEALERS {
            dealers.push(of_task.open(Kind::Dealer, Side::Connect, &address).await);
        }
        (router, dealers)
    });
    let send = async move {
        let mut dealers = dealers;
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < DURATION {
            for dealer in &mut dealers {
                L::send(dealer, &[&[7; 200]]).await;
            }
            sent += 1;
        }
        for dealer in &mut dealers {
            L::send(dealer, &[&end(sent)]).await;
        }
        std::mem::forget(dealers);
    };
    runtime
        .two(pull::<L>(router, DEALERS, Instant::now()), send)
        .0
}

/// KiB and descriptors for each of 500 sockets that nothing happens to, threads of the process, CPU in milliseconds a second, bytes of
/// Rust's heap for each.
pub fn idle<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    const SOCKETS: usize = 500;
    let (library, address) = (library.clone(), endpoint.to_owned());
    // What there is of a library however many sockets there are.
    let first = runtime.one({
        let (library, address) = (library.clone(), address.clone());
        async move { library.open(Kind::Pull, Side::Bind, &address).await }
    });
    let (memory, open, held) = (resident_kib(), descriptors(), held_bytes());
    let (sockets, address) = runtime.one(async move {
        let mut sockets = Vec::with_capacity(SOCKETS);
        for _ in 0..SOCKETS {
            sockets.push(library.open(Kind::Push, Side::Connect, &address).await);
        }
        (sockets, address)
    });
    drop(address);
    // The connections are made in the background; when that is over, nothing computes any more.
    let limit = Instant::now() + Duration::from_secs(4);
    loop {
        let before = cpu_time();
        thread::sleep(Duration::from_millis(100));
        if cpu_time() - before < Duration::from_millis(2) || Instant::now() > limit {
            break;
        }
    }
    let (memory, open, held) = (
        resident_kib() - memory,
        descriptors() - open,
        held_bytes() - held,
    );
    let before = cpu_time();
    thread::sleep(Duration::from_secs(1));
    let cpu = cpu_time() - before;
    let each = |all: f64| all / SOCKETS as f64;
    let figures = vec![
        each(memory),
        each(open),
        threads(),
        cpu.as_secs_f64() * 1e3,
        each(held),
    ];
    std::mem::forget((first, sockets));
    figures
}

/// A receiver that does not receive while a PUSH sends 16 KiB each until it is held back: memory in MiB, messages sent, and those
/// of them that are not there when it receives again.
pub fn slow_reader<L: Library>(runtime: &Runtime, library: &L, endpoint: &str) -> Vec<f64> {
    const MOST: u64 = 50_000;
    const PATIENCE: Duration = Duration::from_millis(400);
    let (mut sender, mut receiver) =
        open_pair(runtime, library, [Kind::Push, Kind::Pull], endpoint);
    runtime.one(async move {
        let payload = vec![7; 16 * 1024];
        L::send(&mut sender, &[&payload]).await;
        L::recv(&mut receiver).await;
        let memory = resident_kib();
        let mut sent = 0;
        while sent < MOST && L::send_within(&mut sender, &[&payload], PATIENCE).await {
            sent += 1;
        }
        let memory = (resident_kib() - memory) / 1024.0;
        let mut received = 0;
        // What was given up may have been sent all the same.
        while L::recv_within(&mut receiver, PATIENCE).await {
            received += 1;
        }
        let lost = (sent - received.min(sent)) as f64;
        std::mem::forget((sender, receiver));
        vec![memory, sent as f64, lost]
    })
}
