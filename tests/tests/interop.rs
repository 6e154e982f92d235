//! Against software that we did not write: aiozmq, pyzmq and Python's own sockets at the far end (`tests/interop/peer.py`), which
//! binds once and connects once. Run by `.ci/run`; needs python3 with pyzmq and aiozmq.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use futures_lite::future::{poll_once, zip};
use tidegate::{Builder, Context, Requester, SocketType, ZmqStream, options};
use tidegate_tests::{
    FarEnd, Process, Watchdog, answer, behind, builder, chunk, large, messages, shut_down,
    with_each,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Begins to open a stream of this type.
fn of(kind: SocketType) -> impl Fn(&Context) -> Builder {
    move |context| builder(kind, context)
}

/// One whose name its peer is told.
fn named(kind: SocketType) -> impl Fn(&Context) -> Builder {
    move |context| builder(kind, context).option(options::ROUTING_ID, b"tidegate".to_vec())
}

/// Asks, and asks again when the answer is there.
async fn ask_one_by_one(stream: &ZmqStream, far: &FarEnd) {
    let asked = messages(300);
    for message in &asked {
        far.write(stream, message.clone());
        far.expect(stream, answer(message)).await;
    }
    far.has_received(asked.len()).await;
}

/// Asks everything behind these frames, and hears the answers meanwhile.
fn ask_all(head: &[&[u8]]) -> impl AsyncFn(&ZmqStream, &FarEnd) {
    async move |stream, far| {
        let asked = messages(300);
        let ask = async {
            for message in &asked {
                let sent = stream.send(behind(head, message)).await;
                sent.unwrap_or_else(|error| panic!("{far}: {error}"));
            }
        };
        let hear = async {
            for message in &asked {
                far.expect(stream, behind(head, &answer(message))).await;
            }
        };
        zip(ask, hear).await;
        far.has_received(asked.len()).await;
    }
}

/// Answers everything that is asked behind these frames.
fn answer_all(head: &[&[u8]]) -> impl AsyncFn(&ZmqStream, &FarEnd) {
    async move |stream, far| {
        let asked = messages(300);
        for message in &asked {
            far.expect(stream, behind(head, message)).await;
            far.write(stream, behind(head, &answer(message)));
        }
        far.has_received(asked.len()).await;
    }
}

#[test]
fn c1_a_req_and_a_rep_ask_and_answer_those_of_aiozmq_and_pyzmq() {
    with_each("rep", of(SocketType::REQ), ask_one_by_one);
    with_each("req", of(SocketType::REP), answer_all(&[]));
}

#[test]
fn i3_a_requester_asks_a_rep_of_aiozmq_or_pyzmq() {
    let _watchdog = Watchdog::new(240);
    for library in ["aiozmq", "pyzmq-asyncio", "pyzmq"] {
        let far = FarEnd::start(library);
        let context = Context::new().unwrap();
        far.play(async {
            far.tell("rep_of_a_requester bind tcp://127.0.0.1:*");
            let builder = builder(SocketType::REQ, &context).connect(far.line().await);
            // The far end counts: one that was slow must not be asked twice.
            let mut requester = Requester::open(builder).unwrap().timeout(None);
            // Nor may one be sent that is not asked.
            drop(requester.request("dropped"));
            let asked = messages(300);
            for message in &asked {
                let reply = requester.request(message.clone()).await;
                far.check(&reply.unwrap(), answer(message));
            }
            requester.stream().write("all came").unwrap();
            far.has_received(asked.len() + 1).await;
        });
        shut_down(&context);
        far.end();
    }
}

#[test]
fn c1_a_dealer_and_a_router_ask_and_answer_those_of_aiozmq_and_pyzmq() {
    with_each("router", named(SocketType::DEALER), ask_all(&[]));
    let far_name: &[&[u8]] = &[b"far \xff end"];
    with_each("dealer", of(SocketType::ROUTER), answer_all(far_name));
}

#[test]
fn c1_a_dealer_asks_a_rep_of_aiozmq_or_pyzmq_and_a_rep_answers_its_dealer() {
    with_each("rep", of(SocketType::DEALER), ask_all(&[b""]));
    with_each("dealer_of_a_rep", of(SocketType::REP), answer_all(&[]));
}

#[test]
fn c1_a_router_answers_a_req_of_aiozmq_or_pyzmq_and_a_req_asks_its_router() {
    let far_name: &[&[u8]] = &[b"far \xff end", b""];
    with_each("req", of(SocketType::ROUTER), answer_all(far_name));
    with_each("router_of_a_req", named(SocketType::REQ), ask_one_by_one);
}

#[test]
fn c1_a_pair_asks_and_hears_a_pair_of_aiozmq_or_pyzmq_at_once() {
    with_each("pair", of(SocketType::PAIR), ask_all(&[]));
}

#[test]
fn c1_a_pull_reads_what_a_push_of_aiozmq_or_pyzmq_sends_whole_and_in_order() {
    with_each("push", of(SocketType::PULL), async |pull, far| {
        for message in messages(3_000) {
            far.expect(pull, message).await;
        }
        far.has_received(0).await;
    });
}

#[test]
fn d1_a_pull_of_aiozmq_or_pyzmq_gets_what_was_written_though_nobody_polls() {
    with_each("pull", of(SocketType::PUSH), async |push, far| {
        let messages = messages(3_000);
        for message in &messages {
            far.write(push, message.clone());
        }
        far.has_received(messages.len()).await;
    });
}

#[test]
fn d2_drain_waits_while_a_pull_of_aiozmq_or_pyzmq_takes_nothing_and_goes_on_with_it() {
    let push = |context: &_| of(SocketType::PUSH)(context).option(options::SEND_HWM, 1);
    with_each("pull_when_told", push, async |push, far| {
        let chunk = chunk();
        let mut written = 0;
        while poll_once(push.drain()).await.is_some() {
            assert!(written < 1_000, "{far}: 100 MB did not pause it");
            far.write(push, (written.to_string(), &*chunk));
            written += 1;
        }
        far.tell("go");
        push.drain().await.unwrap();
        far.write(push, (written.to_string(), "the last"));
        far.has_received(written + 1).await;
    });
}

#[test]
fn b6_a_push_of_aiozmq_or_pyzmq_is_held_back_by_a_buffer_that_stays_at_its_mark() {
    let pull = |context: &_| of(SocketType::PULL)(context).option(options::RECEIVE_HWM, 1);
    with_each("push_until_full", pull, async |pull, far| {
        let chunk = chunk();
        let bound = 64 * 1024 + chunk.len() + "number".len() + 2 * 64;
        let full = far.line().await;
        let sent: usize = full.strip_prefix("full ").unwrap().parse().unwrap();
        for number in 0..sent {
            let held = pull.read_buffer_bytes();
            assert!(held <= bound, "{far}: it holds {held} bytes");
            far.expect(pull, (number.to_string(), &*chunk)).await;
        }
        far.expect(pull, "the last").await;
        far.has_received(0).await;
    });
}

#[test]
fn g2_a_sub_hears_from_a_pub_of_aiozmq_or_pyzmq_what_it_is_subscribed_to() {
    let sub = |context: &_| {
        of(SocketType::SUB)(context)
            .subscribe("ready")
            .subscribe("news")
    };
    with_each("pub", sub, async |sub, far| {
        far.expect(sub, "ready").await;
        far.tell("go");
        let mut messages = messages(300).into_iter();
        let first = far.read_past(sub, &["ready"]).await;
        far.check(&first, behind(&[b"news"], &messages.next().unwrap()));
        for message in messages {
            far.expect(sub, behind(&[b"news"], &message)).await;
        }
        sub.unsubscribe("news").unwrap();
        sub.subscribe("end").unwrap();
        let first = far.read_past(sub, &["news", "again"]).await;
        far.check(&first, ("end", "again"));
        far.tell("go");
        let last = far.read_past(sub, &["end", "again"]).await;
        far.check(&last, ("end", "over"));
        far.has_received(0).await;
    });
}

#[test]
fn a2_a_pub_is_heard_by_a_sub_of_aiozmq_or_pyzmq_that_changes_its_subscriptions() {
    // Without a mark: what follows many a "ready" must not be dropped.
    let publisher = |context: &_| of(SocketType::PUB)(context).option(options::SEND_HWM, 0);
    with_each("sub", publisher, async |publisher, far| {
        far.publish_until("ready", publisher, &[&["ready"]]).await;
        for message in messages(300) {
            far.write(publisher, behind(&[b"weather"], &message));
            far.write(publisher, behind(&[b"news"], &message));
        }
        let again: &[&[&str]] = &[&["news", "again"], &["end", "again"]];
        far.publish_until("end", publisher, again).await;
        far.write(publisher, ("end", "over"));
        far.has_received("all").await;
    });
}

#[test]
fn g2_an_xsub_subscribes_and_talks_to_an_xpub_of_aiozmq_or_pyzmq_by_messages() {
    with_each("xpub", of(SocketType::XSUB), async |xsub, far| {
        let messages = messages(300);
        far.write(xsub, "\x01news");
        for message in &messages {
            far.expect(xsub, behind(&[b"news"], message)).await;
        }
        far.write(xsub, ("to the publisher", "", b"\xff"));
        xsub.subscribe("").unwrap();
        for message in messages {
            far.expect(xsub, message).await;
        }
        far.write(xsub, "\0news");
        xsub.unsubscribe("").unwrap();
        far.has_received(5).await;
    });
}

#[test]
fn a2_an_xpub_is_told_by_an_xsub_of_aiozmq_or_pyzmq_of_its_subscriptions() {
    with_each("xsub", of(SocketType::XPUB), async |xpub, far| {
        let messages = messages(300);
        far.expect(xpub, "\x01news").await;
        for message in &messages {
            far.write(xpub, behind(&[b"weather"], message));
            far.write(xpub, behind(&[b"news"], message));
        }
        far.expect(xpub, ("to the publisher", "", b"\xff")).await;
        far.expect(xpub, "\x01").await;
        for message in &messages {
            far.write(xpub, message.clone());
        }
        far.expect(xpub, "\0news").await;
        far.expect(xpub, "\0").await;
        far.has_received(2 * messages.len()).await;
    });
}

#[test]
fn a2_a_stream_talks_tcp_with_sockets_and_with_a_stream_of_aiozmq_or_pyzmq() {
    with_each("stream", of(SocketType::STREAM), async |stream, far| {
        let connected = far.read(stream).await;
        let peer = connected[0].clone();
        far.check(&connected, [peer.clone(), "".into()]);
        let mut bytes = large();
        for part in bytes.chunks(50_000) {
            far.write(stream, (peer.clone(), part));
        }
        let mut got = Vec::new();
        while got.len() < bytes.len() {
            let message = far.read(stream).await;
            assert_eq!(message[0], peer, "{far}");
            got.extend_from_slice(&message[1]);
        }
        bytes.reverse();
        assert!(got == bytes, "{far}");
        if stream.bindings().is_empty() {
            far.write(stream, (peer, ""));
        } else {
            far.write(stream, (peer.clone(), "hang up"));
            far.expect(stream, (peer, "")).await;
        }
        far.has_received("all").await;
    });
}

#[test]
fn c1_the_example_python_peer_answers_a_dealer_of_pyzmq() {
    let _watchdog = Watchdog::new(300);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut router = Process::start(
        Command::new(cargo)
            .args(["run", "--quiet", "--example", "python_peer"])
            .current_dir(ROOT),
    );
    let mut lines = BufReader::new(router.stdout.take().unwrap());
    let mut endpoint = String::new();
    lines.read_line(&mut endpoint).unwrap();
    let peer = Command::new("python3")
        .args(["examples/python_peer.py", endpoint.trim()])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&peer.stderr);
    assert!(peer.status.success(), "{error}");
    assert!(endpoint.starts_with("tcp://127.0.0.1:"), "{endpoint}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(router.wait().unwrap().success());
    let answers: String = (0..10)
        .map(|number| format!("[b'DATA', b'', b'ASK {number}']\n"))
        .collect();
    let page = include_str!("../../examples/README.md");
    for (printed, expected) in [
        (rest, "answered 12 messages\n".to_owned()),
        (
            String::from_utf8(peer.stdout).unwrap(),
            answers + "[1000000, b'LARGE']\n",
        ),
    ] {
        assert_eq!(printed, expected);
        assert!(
            page.contains(&format!("```text\n{expected}```\n")),
            "{expected}"
        );
    }
}
