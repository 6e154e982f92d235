//! Two hosts, and what the network between them does: it loses packets, delays them, is cut, and heals. Run by `.ci/run`, in a network
//! namespace, which is one host; the other is a namespace of `ip netns`. The network is two tun devices and this process between them,
//! packet by packet, so that no kernel needs more than these. `FAULTS.md` has the counts.

use std::ops::Range;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tidegate::{
    Builder, Context, EventKind, EventMask, Limit, SocketType, ZmqStream, options, zmq,
};
use tidegate_tests::{
    Peer, Usage, Watchdog, block_on, builder, eventually, number_of, numbered, shut_down,
};
use tun_rs::{DeviceBuilder, SyncDevice};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const NEAR: &str = "10.77.0.1";
const FAR: &str = "10.77.0.2";

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}

/// What the network does to a packet.
#[derive(Default)]
struct Weather {
    is_cut: AtomicBool,
    loss_percent: AtomicU32,
    delay_millis: AtomicU64,
    /// Packets that came, and that did not arrive.
    carried: AtomicU32,
    dropped: AtomicU32,
}

/// The network between this host and the other one. One test at a time has it.
struct Network {
    weather: Arc<Weather>,
    namespace: String,
    _turn: MutexGuard<'static, ()>,
}

/// Carries what comes from one device to the other, as long as both are there.
fn carry(from: &Arc<SyncDevice>, to: &Arc<SyncDevice>, weather: &Arc<Weather>, seed: u64) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let (from, to, weather) = (from.clone(), to.clone(), weather.clone());
    thread::spawn(move || {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut packet = [0; 2_000];
        while let Ok(bytes) = from.recv(&mut packet) {
            weather.carried.fetch_add(1, Ordering::Relaxed);
            let is_lost = rng.u32(0..100) < weather.loss_percent.load(Ordering::Relaxed);
            if is_lost || weather.is_cut.load(Ordering::Relaxed) {
                weather.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let delay = Duration::from_millis(weather.delay_millis.load(Ordering::Relaxed));
            let _ = sender.send((Instant::now() + delay, packet[..bytes].to_vec()));
        }
    });
    thread::spawn(move || {
        for (when, packet) in receiver {
            // The delay is what is tested.
            thread::sleep(when.saturating_duration_since(Instant::now()));
            let _ = to.send(&packet);
        }
    });
}

impl Network {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let device = |name| {
            let device = DeviceBuilder::new().name(name).inherit_enable_state();
            Arc::new(
                device
                    .build_sync()
                    .expect("run by `.ci/run`, in a namespace"),
            )
        };
        let (near, far) = (device("near"), device("far"));
        let namespace = format!("tidegate-{}", std::process::id());
        ip(&format!("netns add {namespace}"));
        ip(&format!("link set far netns {namespace}"));
        ip(&format!("address add {NEAR}/24 dev near"));
        ip("link set near up");
        ip(&format!("-n {namespace} address add {FAR}/24 dev far"));
        ip(&format!("-n {namespace} link set far up"));
        let weather = Arc::<Weather>::default();
        carry(&near, &far, &weather, 1);
        carry(&far, &near, &weather, 2);
        Self {
            weather,
            namespace,
            _turn: turn,
        }
    }

    /// A peer on the other host.
    fn peer(&self, arguments: &[&str], has_heartbeat: bool) -> Peer {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace, PEER])
            .args(arguments);
        if has_heartbeat {
            command.env("TIDEGATE_TEST_HEARTBEAT", "");
        }
        Peer::of(&mut command)
    }

    fn loses(&self, percent: u32) {
        self.weather.loss_percent.store(percent, Ordering::Relaxed);
    }

    fn delays(&self, millis: u64) {
        self.weather.delay_millis.store(millis, Ordering::Relaxed);
    }

    fn cut(&self) {
        self.weather.is_cut.store(true, Ordering::Relaxed);
    }

    fn heal(&self) {
        self.weather.is_cut.store(false, Ordering::Relaxed);
    }

    fn dropped(&self) -> u32 {
        self.weather.dropped.load(Ordering::Relaxed)
    }

    fn tell(&self, told: &str) {
        let carried = self.weather.carried.load(Ordering::Relaxed);
        println!("| {told}; {} of {carried} packets lost", self.dropped());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Whoever carries packets ends with the devices.
        ip(&format!("netns delete {}", self.namespace));
        ip("link delete near");
    }
}

fn bound(
    context: &Context,
    kind: SocketType,
    change: impl FnOnce(Builder) -> Builder,
) -> ZmqStream {
    let stream = builder(kind, context)
        .option(options::SEND_HWM, 2)
        .option(options::SEND_BUFFER_BYTES, Some(64 * 1024));
    let stream = change(stream).high_write(Limit::Unlimited);
    stream.bind(format!("tcp://{NEAR}:*")).open().unwrap()
}

#[test]
fn c1_over_a_network_that_loses_and_delays_packets_everything_comes_once_and_in_order() {
    const MESSAGES: u32 = 200;
    let network = Network::new();
    let _watchdog = Watchdog::new(60);
    let before = Usage::now();
    let context = Context::new().unwrap();
    let dealer = bound(&context, SocketType::DEALER, |dealer| dealer);
    network.loses(5);
    network.delays(10);
    let mut peer = network.peer(&["echo", "dealer", &dealer.bindings()[0]], false);
    assert_eq!(block_on(dealer.read()).unwrap(), "here");
    for k in 0..MESSAGES {
        dealer.write(numbered(k, 1 + k % 4, 4_000)).unwrap();
    }
    for k in 0..MESSAGES {
        assert_eq!(number_of(&block_on(dealer.read()).unwrap()), k);
        assert_eq!(peer.number(), Some(k));
    }
    assert!(network.dropped() > 0);
    network.tell(&format!("sent {MESSAGES}, came back {MESSAGES}, lost 0"));
    shut_down(&context);
    peer.kill();
    drop((dealer, context));
    before.wait_for_no_more();
}

#[test]
fn c1_a_network_that_is_cut_and_heals_loses_nothing_where_nobody_hangs_up() {
    const MESSAGES: u32 = 400;
    let network = Network::new();
    let _watchdog = Watchdog::new(60);
    let before = Usage::now();
    let context = Context::new().unwrap();
    let push = bound(&context, SocketType::PUSH, |push| push);
    let mut peer = network.peer(&["pull", &push.bindings()[0]], false);
    let mut next = 0;
    for round in 1..=2 {
        let last = MESSAGES * round / 2;
        let write = |numbers: Range<u32>| {
            for k in numbers {
                push.write(numbered(k, 2, 4_000)).unwrap();
            }
        };
        let cut_at = next + 50;
        write(next..last - 50);
        while next < cut_at {
            assert_eq!(peer.number(), Some(next));
            next += 1;
        }
        network.cut();
        write(last - 50..last);
        // It tries in vain, and does not give up.
        let dropped = network.dropped();
        eventually(|| network.dropped() > dropped + 2);
        network.heal();
        while next < last {
            assert_eq!(peer.number(), Some(next));
            next += 1;
        }
    }
    network.tell(&format!(
        "cut twice: sent {MESSAGES}, received {next}, lost 0"
    ));
    shut_down(&context);
    peer.kill();
    drop((push, context));
    before.wait_for_no_more();
}

#[test]
fn d6_a_network_that_is_cut_for_longer_than_a_heartbeat_costs_what_libzmq_held_and_no_more() {
    const MESSAGES: u32 = 1_000;
    let network = Network::new();
    let _watchdog = Watchdog::new(60);
    let before = Usage::now();
    let context = Context::new().unwrap();
    let push = bound(&context, SocketType::PUSH, |push| {
        push.option(options::HEARTBEAT_INTERVAL, Duration::from_millis(200))
            .option(options::HEARTBEAT_TIMEOUT, Duration::from_millis(600))
            // Where the cut finds no question on its way, and then leaves no room for one.
            .option(options::TCP_MAX_RETRANSMIT, Duration::from_millis(600))
    });
    push.enable_monitor(EventMask::DISCONNECTED).unwrap();
    let mut peer = network.peer(&["pull", &push.bindings()[0]], true);
    let (mut next, mut received, mut lost) = (0, 0, 0);
    for cut in 1..=2 {
        let last = MESSAGES * cut / 2;
        let write = |numbers: Range<u32>| {
            for k in numbers {
                push.write(numbered(k, 2, 4_000)).unwrap();
            }
        };
        write(last - MESSAGES / 2..last - 200);
        for _ in 0..100 {
            assert_eq!(peer.number(), Some(next));
            next += 1;
            received += 1;
        }
        // A connection of the last cut may have ended late.
        while push.try_read_event().is_ok() {}
        network.cut();
        write(last - 200..last);
        let event = block_on(push.read_event()).unwrap();
        assert!(matches!(event.kind, EventKind::Disconnected { .. }));
        // It accepts nothing once it says so, until the peer comes back.
        let takes = || push.with_socket(|socket| socket.get_events().unwrap());
        eventually(|| !takes().unwrap().contains(zmq::POLLOUT));
        let accepted = u32::try_from(push.stats().sent_messages).unwrap();
        network.heal();
        // What had arrived before the cut comes first, and then all that was not accepted by then.
        let first = loop {
            let k = peer.number().unwrap();
            received += 1;
            if k != next || k >= accepted {
                break k;
            }
            next += 1;
        };
        // Where libzmq clears half a message away, it has room for one more, until it knows that the peer has gone.
        assert!(first == accepted || first == accepted + 1);
        lost += first - next;
        next = first + 1;
    }
    while next < MESSAGES {
        assert_eq!(peer.number(), Some(next));
        next += 1;
        received += 1;
    }
    assert_eq!(received + lost, MESSAGES);
    assert_eq!(push.stats().sent_messages, u64::from(MESSAGES));
    network.tell(&format!(
        "cut off twice: sent {MESSAGES}, received {received}, gone with the connection {lost}"
    ));
    shut_down(&context);
    peer.kill();
    drop((push, context));
    before.wait_for_no_more();
}
