//! Against software that we did not write: pyzmq at the far end. Run by `.ci/run`; needs python3 with pyzmq.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tidegate_tests::Watchdog;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn c1_the_example_python_peer_answers_a_dealer_of_pyzmq() {
    let _watchdog = Watchdog::new(300);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut router = Command::new(cargo)
        .args(["run", "--quiet", "--example", "python_peer"])
        .current_dir(ROOT)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
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
    let printed = String::from_utf8_lossy(&peer.stdout);
    assert!(printed.contains("[b'DATA', b'', b'ASK 9']\n[1000000, b'LARGE']\n"));
    assert!(router.wait().unwrap().success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "answered 12 messages\n");
}
