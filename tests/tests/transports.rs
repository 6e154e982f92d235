//! Every transport that the linked libzmq has (contract A1, G1).

use tidegate::{Context, EndpointError, SocketType, options};
use tidegate_tests::{Watchdog, block_on, builder, shut_down};

/// Sends messages there and back; the endpoint that is bound is returned.
fn carries(context: &Context, endpoint: &str) -> String {
    let is_v6 = endpoint.contains('[');
    let open = |kind| builder(kind, context).option(options::IPV6, is_v6);
    let bound = open(SocketType::ROUTER).bind(endpoint).open().unwrap();
    let resolved = bound.bindings().remove(0);
    assert!(!resolved.contains('*'), "{resolved}");
    let dealer = open(SocketType::DEALER).connect(&resolved).open().unwrap();
    block_on(async {
        for large in [0, 100, 1_000_000] {
            dealer.send(("ask", "", vec![7; large])).await.unwrap();
            let question = bound.read().await.unwrap();
            assert_eq!(question[1..3], ["ask", ""]);
            assert_eq!(question[3], vec![7; large]);
            bound.send(question).await.unwrap();
            let answer = dealer.read().await.unwrap();
            assert_eq!(answer[..2], ["ask", ""]);
            assert_eq!(answer[2], vec![7; large]);
        }
    });
    resolved
}

#[test]
fn a1_messages_go_over_every_transport() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let v4 = carries(&context, "tcp://127.0.0.1:*");
    assert!(v4.starts_with("tcp://127.0.0.1:"), "{v4}");
    let v6 = carries(&context, "tcp://[::1]:*");
    assert!(v6.starts_with("tcp://[::1]:"), "{v6}");
    assert_eq!(carries(&context, "inproc://here"), "inproc://here");
    let path = std::env::temp_dir().join(format!("tidegate-{}", std::process::id()));
    let ipc = format!("ipc://{}", path.display());
    assert_eq!(carries(&context, &ipc), ipc);
    // libzmq leaves the file there.
    let _ = std::fs::remove_file(path);
    if zmq::has("WS").unwrap() {
        let ws = carries(&context, "ws://127.0.0.1:*/path");
        assert!(
            ws.starts_with("ws://127.0.0.1:") && ws.ends_with("/path"),
            "{ws}"
        );
    }
    shut_down(&context);
}

#[test]
fn g1_a_transport_that_libzmq_has_not_is_an_error_that_names_the_endpoint() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    let error = stream.bind("carrier-pigeon://coop").unwrap_err();
    assert!(
        matches!(&error, EndpointError::Bind { endpoint, .. } if endpoint == "carrier-pigeon://coop")
    );
    assert_eq!(
        error.to_string(),
        "cannot bind carrier-pigeon://coop: Protocol not supported (errno 93)"
    );
    shut_down(&context);
}
