//! Messages as lines.

use tidegate::zmq::{PULL, PUSH};

use crate::support::{bound, connected, tool};

/// A message that no line of text has room for.
const FRAMES: [&[u8]; 4] = [b"a\tb", b"\xff\0\n", b"", "\u{e4}\"".as_bytes()];

#[test]
fn c1_recv_prints_every_frame_of_what_comes_in_each_format() {
    let printed: [(&[&str], &[u8]); 4] = [
        (&[], b"a\tb\t\xff\0\n\t\t\xc3\xa4\"\nlast\n"),
        (&["-d", "|"], b"a\tb|\xff\0\n||\xc3\xa4\"\nlast\n"),
        (&["-f", "hex"], b"610962,ff000a,,c3a422\n6c617374\n"),
        (
            &["-f", "json"],
            b"[\"a\\tb\",{\"hex\":\"ff000a\"},\"\",\"\xc3\xa4\\\"\"]\n[\"last\"]\n",
        ),
    ];
    for (format, expected) in printed {
        let mut arguments = vec!["recv", "-b", "tcp://127.0.0.1:*", "-n", "2"];
        arguments.extend(format);
        let mut recv = tool(&arguments);
        let push = connected(PUSH, &recv.bound());
        push.send_multipart(FRAMES, 0).unwrap();
        push.send("last", 0).unwrap();
        let ended = recv.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert_eq!(ended.stdout, expected, "{format:?}");
    }
}

#[test]
fn c1_send_makes_messages_of_lines_in_each_format() {
    let lines: [(&[&str], &[u8]); 5] = [
        (&["-d", "|"], b"a\tb|\xff\0|\nlast"),
        (&["-f", "hex"], b"610962,FF00,\n6c617374\n"),
        (
            &["-f", "json"],
            b"[\"a\\tb\",{\"base64\":\"/wA=\"},\"\"]\n\"last\"\n",
        ),
        // Of files from Windows.
        (&["-f", "hex"], b"610962,FF00,\r\n6c617374\r\n"),
        (
            &["-f", "json"],
            b"[\"a\\tb\",{\"hex\":\"ff00\"},\"\"]\r\n\"last\"\r\n",
        ),
    ];
    for (format, input) in lines {
        let (pull, endpoint) = bound(PULL);
        let mut arguments = vec!["send", "-c", &endpoint];
        arguments.extend(format);
        let mut send = tool(&arguments);
        send.write(input);
        let ended = send.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{format:?}");
        let message = pull.recv_multipart(0).unwrap();
        assert_eq!(message, [&b"a\tb"[..], b"\xff\0", b""], "{format:?}");
        assert_eq!(pull.recv_multipart(0).unwrap(), [b"last"], "{format:?}");
    }
}

#[test]
fn c1_bytes_of_every_value_go_from_tool_to_tool_over_ipc() {
    let path = format!(
        "{}/tool-{}.ipc",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    let endpoint = format!("ipc://{path}");
    let every_byte: String = (0..=255).map(|byte| format!("{byte:02x}")).collect();
    let long = "00ff".repeat(50_000);
    let lines = format!("{every_byte},,{every_byte}\n{long}\n");
    let mut recv = tool(&["recv", "-b", &endpoint, "-f", "hex", "-n", "2"]);
    let mut send = tool(&["send", "-c", &endpoint, "-f", "hex"]);
    send.write(&lines);
    assert_eq!(send.end().code, 0);
    assert_eq!(recv.end().printed(), lines);
}

#[test]
fn a_line_that_is_no_message_ends_it_with_its_number_and_those_before_it_are_sent() {
    let (pull, endpoint) = bound(PULL);
    let mut send = tool(&["send", "-c", &endpoint, "-f", "json"]);
    send.write("\"one\"\n\"two\"\n{\"three\"\n\"four\"\n");
    let ended = send.end();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("line 3: "), "{}", ended.stderr);
    for expected in ["one", "two"] {
        assert_eq!(pull.recv_multipart(0).unwrap(), [expected.as_bytes()]);
    }
    pull.set_rcvtimeo(100).unwrap();
    assert!(pull.recv_bytes(0).is_err(), "there was one more");
}
