//! Who is let in.

use crate::support::{run, tool};

#[test]
fn i1_plain_lets_in_who_knows_the_password_and_nobody_else() {
    let secret = format!(
        "{}/user-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    std::fs::write(&secret, "ann:a:secret\n").unwrap();
    let file = format!("@{secret}");
    let server = [
        "recv",
        "-b",
        "tcp://127.0.0.1:*",
        "--plain-server",
        "bob:b",
        "--plain-server",
        &file,
    ];
    let mut recv = tool(&[&server[..], &["-n", "2"]].concat());
    let endpoint = recv.bound();
    let wrong = [
        "send",
        "-c",
        &endpoint,
        "--plain",
        "ann:wrong",
        "--timeout",
        "30",
        "no",
    ];
    let refused = run(&wrong);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("refused"), "{}", refused.stderr);
    for user in ["bob:b", &file] {
        let right = ["send", "-c", &endpoint, "--plain", user, "yes"];
        assert_eq!(run(&right).printed(), "");
    }
    assert_eq!(recv.end().printed(), "yes\nyes\n");
}

#[test]
fn i1_curve_lets_in_who_has_the_keys_or_the_error_says_how_to_get_curve() {
    let [server, ann, eve] = [(); 3].map(|()| run(&["keys"]));
    if server.code == 1 {
        assert!(
            server.stderr.contains("the system's libzmq has it"),
            "{}",
            server.stderr
        );
        return;
    }
    let [server, ann, eve] = [server, ann, eve].map(|keys| keys.printed().trim_end().to_owned());
    let (public, allowed) = (&server[..40], &ann[..40]);
    let open = [
        "recv",
        "-b",
        "tcp://127.0.0.1:*",
        "-n",
        "1",
        "--curve-server",
        "--curve-keys",
        &server,
    ];
    let mut recv = tool(&[&open[..], &["--curve-allow", allowed]].concat());
    let endpoint = recv.bound();
    let send = |keys: &str, timeout: &str| {
        let client = [
            "send",
            "-c",
            &endpoint,
            "--curve",
            public,
            "--curve-keys",
            keys,
        ];
        run(&[&client[..], &["--timeout", timeout, "hello"]].concat()).code
    };
    assert_eq!(send(&eve, "30"), 1);
    assert_eq!(send(&ann, "30"), 0);
    assert_eq!(recv.end().printed(), "hello\n");

    // Whoever knows the server's key, with keys of its own.
    let mut recv = tool(&open);
    let endpoint = recv.bound();
    assert_eq!(
        run(&["send", "-c", &endpoint, "--curve", public, "hello"]).code,
        0
    );
    assert_eq!(recv.end().printed(), "hello\n");
}
