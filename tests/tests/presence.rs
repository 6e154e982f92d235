//! Who is there, and waiting for them (contract I4).

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tidegate::{Context, EventKind, EventMask, ReadEventError, SocketType, WaitError, ZmqStream};
use tidegate_tests::{Counter, Watchdog, block_on, builder, eventually, poll, shut_down};

const PATIENCE: Duration = Duration::from_secs(30);

fn tracked(kind: SocketType, context: &Context) -> ZmqStream {
    let stream = builder(kind, context).track_connections(true);
    stream.bind("tcp://127.0.0.1:*").open().unwrap()
}

fn peer(kind: SocketType, context: &Context, of: &ZmqStream) -> ZmqStream {
    let peer = builder(kind, context).connect(&of.bindings()[0]);
    peer.open().unwrap()
}

fn connected(stream: &ZmqStream) -> usize {
    let states = stream.connection_states().unwrap();
    states.iter().map(|state| state.connected).sum()
}

#[test]
fn i4_a_stream_knows_who_is_connected_from_its_first_bind_on_until_they_leave() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::PULL, &context);
    assert_eq!(server.connection_states(), Some(Vec::new()));
    let peers = [(); 3].map(|()| peer(SocketType::PUSH, &context, &server));
    block_on(server.wait_connected(3, PATIENCE)).unwrap();
    let states = server.connection_states().unwrap();
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].endpoint, server.bindings()[0]);
    assert_eq!((states[0].connected, states[0].handshaking), (3, 0));
    let [first, ..] = peers;
    first.abort();
    eventually(|| connected(&server) == 2);
    // It is no monitor that the user has asked for.
    assert_eq!(server.monitored_events(), None);
    assert_eq!(
        block_on(server.read_event()),
        Err(ReadEventError::NotMonitoring)
    );
    shut_down(&context);
}

#[test]
fn i4_a_client_knows_when_its_server_is_there_and_when_it_has_gone() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let server = server.open().unwrap();
    let endpoint = server.bindings().remove(0);
    let client = builder(SocketType::PUSH, &context).track_connections(true);
    let client = client.connect(&endpoint).open().unwrap();
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    assert_eq!(client.connection_states().unwrap()[0].endpoint, endpoint);
    // The stream itself leaves: libzmq tells nothing of that.
    client.disconnect(&endpoint).unwrap();
    assert_eq!(client.connection_states(), Some(Vec::new()));
    client.connect(&endpoint).unwrap();
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    server.abort();
    eventually(|| connected(&client) == 0);
    shut_down(&context);
}

#[test]
fn i4_who_only_opens_a_connection_is_not_there() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::PULL, &context);
    let address = server.bindings()[0].replace("tcp://", "");
    let mut stranger = TcpStream::connect(address).unwrap();
    eventually(|| {
        let states = server.connection_states().unwrap();
        states.iter().any(|state| state.handshaking == 1)
    });
    assert_eq!(connected(&server), 0);
    assert_eq!(
        block_on(server.wait_connected(1, Duration::from_millis(20))),
        Err(WaitError::TimedOut(Duration::from_millis(20)))
    );
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    drop(stranger);
    eventually(|| server.connection_states() == Some(Vec::new()));
    shut_down(&context);
}

#[test]
fn i4_a_monitor_beside_it_reports_what_it_was_asked_for_and_no_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::PULL, &context);
    server.enable_monitor(EventMask::ACCEPTED).unwrap();
    assert_eq!(server.monitored_events(), Some(EventMask::ACCEPTED));
    let first = peer(SocketType::PUSH, &context, &server);
    block_on(server.wait_connected(1, PATIENCE)).unwrap();
    let event = block_on(server.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::Accepted { .. }));
    server.enable_monitor(EventMask::DISCONNECTED).unwrap();
    first.abort();
    let event = block_on(server.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::Disconnected { .. }));
    server.disable_monitor().unwrap();
    assert_eq!(server.monitored_events(), None);
    assert_eq!(
        block_on(server.read_event()),
        Err(ReadEventError::NotMonitoring)
    );
    // Who is there is kept all the while.
    let _second = peer(SocketType::PUSH, &context, &server);
    block_on(server.wait_connected(1, PATIENCE)).unwrap();
    shut_down(&context);
}

#[test]
fn i4_everybody_who_waits_for_a_peer_is_told_and_one_who_gives_up_takes_nothing() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::PULL, &context);
    let counters = [(); 3].map(|()| Counter::new());
    {
        let mut waiting = [(); 3].map(|()| Box::pin(server.wait_connected(1, None)));
        for (wait, counter) in waiting.iter_mut().zip(&counters) {
            assert!(poll(wait, counter).is_pending());
        }
        let [given_up, ..] = waiting;
        drop(given_up);
        let _peer = peer(SocketType::PUSH, &context, &server);
        let mut woken = [0; 3];
        eventually(|| {
            for (woken, counter) in woken.iter_mut().zip(&counters) {
                *woken += counter.take();
            }
            woken[1..].iter().all(|&woken| woken > 0)
        });
        assert_eq!(woken[0], 0);
        block_on(server.wait_connected(1, None)).unwrap();
    }
    shut_down(&context);
}

#[test]
fn i4_who_waits_on_a_stream_that_closes_learns_of_it_and_nobody_is_there_any_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::XPUB, &context);
    let _peer = peer(SocketType::XSUB, &context, &server);
    block_on(server.wait_connected(1, PATIENCE)).unwrap();
    let counters = [(); 2].map(|()| Counter::new());
    {
        let mut second = Box::pin(server.wait_connected(2, None));
        let mut subscriber = Box::pin(server.wait_subscriber(None));
        assert!(poll(&mut second, &counters[0]).is_pending());
        assert!(poll(&mut subscriber, &counters[1]).is_pending());
        server.close();
        assert!(counters.iter().all(|counter| counter.take() > 0));
        assert_eq!(
            poll(&mut second, &counters[0]),
            Poll::Ready(Err(WaitError::Closed))
        );
        assert_eq!(
            poll(&mut subscriber, &counters[1]),
            Poll::Ready(Err(WaitError::Closed))
        );
    }
    assert_eq!(server.connection_states(), Some(Vec::new()));
    assert_eq!(
        block_on(server.wait_connected(1, None)),
        Err(WaitError::Closed)
    );
    shut_down(&context);
}

#[test]
fn i4_a_wait_for_a_subscriber_that_is_dropped_leaves_nobody_to_be_woken() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let publisher = tracked(SocketType::XPUB, &context);
    let counter = Counter::new();
    {
        let mut wait = Box::pin(publisher.wait_subscriber(None));
        assert!(poll(&mut wait, &counter).is_pending());
    }
    // Nothing but the test holds its waker.
    assert_eq!(Arc::strong_count(&counter), 1);
    {
        let mut wait = Box::pin(publisher.wait_connected(1, None));
        assert!(poll(&mut wait, &counter).is_pending());
    }
    assert_eq!(Arc::strong_count(&counter), 1);
    shut_down(&context);
}

#[test]
fn i4_what_the_stream_itself_leaves_is_gone_and_nothing_else_is() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let servers = ["tcp://127.0.0.1:*", "tcp://127.0.0.2:*"].map(|endpoint| {
        let server = builder(SocketType::PULL, &context).bind(endpoint);
        server.open().unwrap()
    });
    let client = tracked(SocketType::PUSH, &context);
    let own = client.bindings().remove(0);
    let port = own.rsplit_once(':').unwrap().1;
    for server in &servers {
        client.connect(&server.bindings()[0]).unwrap();
    }
    // The same port on another host, where nobody is.
    let nobody = format!("tcp://127.0.0.3:{port}");
    client.connect(&nobody).unwrap();
    let _peer = peer(SocketType::PULL, &context, &client);
    block_on(client.wait_connected(3, PATIENCE)).unwrap();
    client.disconnect(&nobody).unwrap();
    assert_eq!(connected(&client), 3);
    client.disconnect(&servers[0].bindings()[0]).unwrap();
    assert_eq!(connected(&client), 2);
    client.unbind(&own).unwrap();
    let states = client.connection_states().unwrap();
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].endpoint, servers[1].bindings()[0]);
    shut_down(&context);
}

#[test]
fn i4_a_connection_that_comes_to_be_when_it_was_left_is_not_there() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let server = server.open().unwrap();
    let endpoint = server.bindings().remove(0);
    let elsewhere = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let elsewhere = elsewhere.open().unwrap();
    for _ in 0..50 {
        let client = builder(SocketType::PUSH, &context).track_connections(true);
        let client = client.open().unwrap();
        client.connect(&endpoint).unwrap();
        client.disconnect(&endpoint).unwrap();
        // What libzmq tells of the first is told before it tells of this.
        client.connect(&elsewhere.bindings()[0]).unwrap();
        block_on(client.wait_connected(1, PATIENCE)).unwrap();
        let states = client.connection_states().unwrap();
        assert_eq!(states.len(), 1, "{states:?}");
        assert_eq!(states[0].endpoint, elsewhere.bindings()[0]);
        client.abort();
    }
    shut_down(&context);
}

#[test]
fn i4_a_peer_by_websocket_and_one_of_a_stream_socket_count_once() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    if tidegate::zmq::has("WS").unwrap() {
        let open = |kind| builder(kind, &context).track_connections(true);
        let server = open(SocketType::PULL).bind("ws://127.0.0.1:*").open();
        let server = server.unwrap();
        let client = open(SocketType::PUSH).connect(&server.bindings()[0]);
        let client = client.open().unwrap();
        block_on(client.wait_connected(1, PATIENCE)).unwrap();
        block_on(server.wait_connected(1, PATIENCE)).unwrap();
        client.write("hello").unwrap();
        assert_eq!(block_on(server.read()).unwrap(), "hello");
        assert_eq!((connected(&server), connected(&client)), (1, 1));
    }
    let raw = tracked(SocketType::STREAM, &context);
    let peer = TcpStream::connect(raw.bindings()[0].replace("tcp://", "")).unwrap();
    block_on(raw.wait_connected(1, PATIENCE)).unwrap();
    drop(peer);
    eventually(|| connected(&raw) == 0);
    shut_down(&context);
}

#[test]
fn i4_a_name_that_was_connected_again_is_known_by_that_name_and_gone_when_it_is_left() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |endpoint: &str| builder(SocketType::PULL, &context).bind(endpoint).open();
    let server = open("tcp://127.0.0.1:*").unwrap();
    let bound = server.bindings().remove(0);
    let name = bound.replace("127.0.0.1", "localhost");
    let client = builder(SocketType::PUSH, &context).track_connections(true);
    let client = client.connect(&name).open().unwrap();
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    server.abort();
    eventually(|| connected(&client) == 0);
    // libzmq knows its address now, and names it by that.
    let mut server = Err(());
    eventually(|| {
        server = open(&bound).map_err(drop);
        server.is_ok()
    });
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    let states = client.connection_states().unwrap();
    assert_eq!((states.len(), &*states[0].endpoint), (1, &*name));
    client.disconnect(&name).unwrap();
    assert_eq!(client.connection_states().unwrap(), []);
    shut_down(&context);
}

#[test]
fn i4_an_open_that_fails_stops_telling_and_gives_the_socket_and_its_names_back() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let server = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let server = server.open().unwrap();
    let endpoint = &*server.bindings()[0];
    let failing = || {
        let failing = builder(SocketType::PUSH, &context).track_connections(true);
        let failing = (0..5).fold(failing, |failing, _| failing.connect(endpoint));
        failing
            .bind("inproc://given-back")
            .connect("tcp://nonsense")
    };
    // libzmq's I/O thread would wait for a monitor that is gone, and with it every stream of the context.
    let beside = builder(SocketType::PUSH, &context).connect(endpoint);
    let beside = beside.open().unwrap();
    for k in 0..100 {
        let error = failing().open().unwrap_err();
        assert!(error.to_string().contains("tcp://nonsense"), "{error}");
        beside.write(k.to_string()).unwrap();
        assert_eq!(block_on(server.read()).unwrap(), k.to_string().as_str());
    }
    let free = builder(SocketType::PULL, &context).bind("inproc://given-back");
    drop(free.open().unwrap());
    shut_down(&context);

    // An adopted socket comes back, and can be used.
    let of_caller = tidegate::zmq::Context::new();
    let socket = of_caller.socket(SocketType::PUSH).unwrap();
    let context = Context::from(of_caller.clone());
    let adopt = builder(SocketType::PUSH, &context).track_connections(true);
    let adopt = adopt.bind("tcp://127.0.0.1:*").connect("tcp://nonsense");
    let socket = adopt.adopt(socket).unwrap_err().into_socket();
    for _ in 0..300 {
        socket.bind("tcp://127.0.0.1:*").unwrap();
    }
    let peer = of_caller.socket(SocketType::PULL).unwrap();
    peer.connect(&socket.get_last_endpoint().unwrap().unwrap())
        .unwrap();
    socket.send("still of use", 0).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"still of use");
}

#[test]
fn i4_a_stream_that_tracks_nobody_says_so_and_one_that_cannot_open_leaves_nothing() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    assert_eq!(stream.connection_states(), None);
    assert_eq!(
        block_on(stream.wait_connected(0, None)),
        Err(WaitError::NotTracked)
    );
    assert_eq!(
        block_on(stream.wait_subscriber(None))
            .unwrap_err()
            .to_string(),
        "only an XPUB is told of subscriptions, not a PULL"
    );
    let failed = builder(SocketType::PULL, &context)
        .track_connections(true)
        .bind("tcp://127.0.0.1:*")
        .bind("tcp://256.0.0.1:1");
    let error = failed.open().unwrap_err();
    assert!(error.to_string().contains("tcp://256.0.0.1:1"), "{error}");
    // The shutdown would wait for what it had left.
    shut_down(&context);
    // A socket that is adopted comes back with what it had received.
    let callers = zmq::Context::new();
    let socket = callers.socket(zmq::PULL).unwrap();
    socket.bind("inproc://tracked").unwrap();
    let push = callers.socket(zmq::PUSH).unwrap();
    push.connect("inproc://tracked").unwrap();
    push.send("x", 0).unwrap();
    let tracked = ZmqStream::builder(SocketType::PULL).track_connections(true);
    let socket = tracked.adopt(socket).unwrap_err().into_socket();
    assert_eq!(socket.recv_bytes(zmq::DONTWAIT).unwrap(), b"x");
}

/// Does something once, at the first line that names this.
#[derive(Clone)]
struct Once(&'static str, Arc<dyn Fn() + Send + Sync>, Arc<AtomicBool>);

impl std::io::Write for Once {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if String::from_utf8_lossy(line).contains(self.0) && !self.2.swap(true, Ordering::SeqCst) {
            self.1();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn i4_who_comes_again_by_an_endpoint_that_is_just_being_left_counts() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = tracked(SocketType::PULL, &context);
    let client = builder(SocketType::PUSH, &context).track_connections(true);
    let client = client.open().unwrap();
    let endpoint = client.connect(&server.bindings()[0]).unwrap();
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    // Another caller connects while the first has not returned.
    let again = {
        let (client, endpoint) = (client.clone(), endpoint.clone());
        move || drop(client.connect(&endpoint).unwrap())
    };
    let done = Arc::new(AtomicBool::new(false));
    let once = Once("disconnected", Arc::new(again), done.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || once.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || client.disconnect(&endpoint).unwrap());
    assert!(done.load(Ordering::SeqCst));
    block_on(client.wait_connected(1, PATIENCE)).unwrap();
    shut_down(&context);
}

#[test]
fn i4_what_is_published_once_somebody_subscribes_arrives() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for _ in 0..20 {
        let publisher = builder(SocketType::XPUB, &context).bind("tcp://127.0.0.1:*");
        let publisher = publisher.open().unwrap();
        assert_eq!(
            block_on(publisher.wait_subscriber(Duration::ZERO)),
            Err(WaitError::TimedOut(Duration::ZERO))
        );
        let subscriber = builder(SocketType::SUB, &context)
            .subscribe("news")
            .connect(&publisher.bindings()[0])
            .open();
        let subscriber = subscriber.unwrap();
        block_on(publisher.wait_subscriber(PATIENCE)).unwrap();
        publisher.write(("news", "first")).unwrap();
        assert_eq!(block_on(subscriber.read()).unwrap(), ["news", "first"]);
        // The subscription is a message, too.
        assert_eq!(block_on(publisher.read()).unwrap(), "\u{1}news");
        subscriber.abort();
        assert_eq!(block_on(publisher.read()).unwrap(), "\0news");
        assert!(block_on(publisher.wait_subscriber(Duration::ZERO)).is_err());
        publisher.abort();
    }
    // Nobody publishes to them any more.
    let publisher = builder(SocketType::XPUB, &context).bind("inproc://i4-ends");
    let publisher = publisher.open().unwrap();
    let subscriber = builder(SocketType::SUB, &context).subscribe("news");
    let _subscriber = subscriber.connect("inproc://i4-ends").open().unwrap();
    block_on(publisher.wait_subscriber(PATIENCE)).unwrap();
    publisher.close();
    assert_eq!(
        block_on(publisher.wait_subscriber(PATIENCE)),
        Err(WaitError::Closed)
    );
    shut_down(&context);
}

/// What it publishes meanwhile may take in the news of a subscription.
#[test]
fn i4_whoever_waits_for_a_subscription_is_told_while_others_publish_without_a_pause() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for round in 0..50 {
        let endpoint = format!("inproc://i4-publishes-{round}");
        let publisher = builder(SocketType::XPUB, &context).bind(&*endpoint);
        let publisher = publisher.open().unwrap();
        let told = std::thread::spawn({
            let publisher = publisher.clone();
            move || block_on(publisher.wait_subscriber(None))
        });
        publisher.write("to nobody").unwrap();
        let subscriber = builder(SocketType::SUB, &context)
            .subscribe("news")
            .connect(&*endpoint);
        let subscriber = subscriber.open().unwrap();
        while !told.is_finished() {
            publisher.write("nothing that is subscribed to").unwrap();
        }
        told.join().unwrap().unwrap();
        publisher.write("news").unwrap();
        assert_eq!(block_on(subscriber.read()).unwrap(), "news");
        subscriber.abort();
        publisher.abort();
    }
    shut_down(&context);
}
