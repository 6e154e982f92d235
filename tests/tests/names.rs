//! Row G1 of the contract: host names, and a name server that does not answer. Run by `.ci/run`, in a network namespace in which
//! `/etc/resolv.conf` names 127.0.0.1, and has libzmq's resolver wait for 90 seconds, longer than the watchdog does. The test is the
//! name server.

use std::net::UdpSocket;

use tidegate::{Context, SocketType};
use tidegate_tests::{Watchdog, block_on, builder, shut_down};

/// The answer that the name's address is 127.0.0.1 (RFC 1035, section 4.1).
fn answer(query: &[u8]) -> Vec<u8> {
    let (id, rest) = query.split_at(2);
    // The question: labels, each behind its length, up to an empty one; the type and the class.
    let labels = &rest[10..];
    let end = labels.iter().position(|&byte| byte == 0).unwrap() + 5;
    let mut answer = id.to_vec();
    // An answer to a recursive query; one question, one answer.
    answer.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    answer.extend(&labels[..end]);
    // The name in the question, an address, of the internet, for no time, of four bytes.
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    answer
}

#[test]
fn g1_a_name_server_that_does_not_answer_holds_up_no_other_stream() {
    let _watchdog = Watchdog::new(45);
    let bound = UdpSocket::bind("127.0.0.1:53");
    let name_server =
        bound.expect("run by `.ci/run`, in a namespace where nobody else is the name server");
    let mut query = [0; 512];

    let context = Context::new().unwrap();
    let open = |kind| builder(kind, &context);
    let router = open(SocketType::ROUTER).bind("tcp://127.0.0.1:*");
    let router = router.open().unwrap();
    let bound = &router.bindings()[0];
    let before = open(SocketType::DEALER).connect(bound).open().unwrap();
    let (_, port) = bound.rsplit_once(':').unwrap();
    let named = open(SocketType::DEALER).open().unwrap();
    let name = format!("tcp://tidegate.test.:{port}");
    assert_eq!(named.connect(&name).unwrap(), name);
    // Whatever it connects or binds besides is as with any other.
    assert!(named.connect("tcp://no.port").is_err());
    let beside = named.bind("tcp://127.0.0.1:*").unwrap();
    let peer = open(SocketType::DEALER).connect(&beside).open().unwrap();

    // libzmq has asked, and waits.
    let affinity = named.with_socket(|socket| {
        let affinity = socket.get_affinity();
        socket.set_affinity(0).unwrap();
        affinity
    });
    assert_eq!(affinity.unwrap(), Ok(1));
    let beside = named.bind("tcp://127.0.0.1:*").unwrap();
    let of_any = open(SocketType::DEALER).connect(&beside).open().unwrap();
    let (len, mut client) = name_server.recv_from(&mut query).unwrap();
    let local = format!("tcp://localhost:{port}");
    let after = [
        open(SocketType::DEALER).connect(bound).open().unwrap(),
        open(SocketType::DEALER).connect(&local).open().unwrap(),
    ];
    for dealer in [&before].into_iter().chain(&after) {
        for k in 0..100u8 {
            dealer.write([[k].as_slice()]).unwrap();
            let asked = block_on(router.read()).unwrap();
            assert_eq!(asked[1], [k], "the one with a name was let in");
            router.write(asked).unwrap();
            assert_eq!(block_on(dealer.read()).unwrap(), [[k].as_slice()]);
        }
    }

    for peer in [&peer, &of_any] {
        peer.write("to the one with a name").unwrap();
        assert_eq!(block_on(named.read()).unwrap(), "to the one with a name");
    }

    // A `ws` name is resolved before its connect returns, which holds up the caller alone.
    let by_ws = open(SocketType::DEALER).open().unwrap();
    let connects = std::thread::spawn({
        let by_ws = by_ws.clone();
        move || by_ws.connect("ws://tidegate.test.:9")
    });
    let mut another = [0; 512];
    let (another_len, from) = name_server.recv_from(&mut another).unwrap();
    by_ws.write("meanwhile").unwrap();
    assert!(!connects.is_finished());
    let answered = answer(&another[..another_len]);
    name_server.send_to(&answered, from).unwrap();

    // It waits still, and goes on with an answer.
    let mut question = query[..len].to_vec();
    std::thread::spawn(move || {
        loop {
            name_server.send_to(&answer(&question), client).unwrap();
            let (len, from) = name_server.recv_from(&mut query).unwrap();
            (question, client) = (query[..len].to_vec(), from);
        }
    });
    assert!(connects.join().unwrap().is_ok());
    by_ws.abort();
    // Its peers get what it writes in turn.
    for _ in 0..3 {
        named.write("from the one with a name").unwrap();
    }
    assert_eq!(
        block_on(router.read()).unwrap()[1],
        "from the one with a name"
    );
    shut_down(&context);
}
