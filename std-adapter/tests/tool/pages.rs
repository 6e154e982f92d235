//! What is generated, and what a terminal shows.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tidegate::zmq::PULL;

use crate::support::{bound, run, text};

const COMMANDS: [&str; 9] = [
    "recv",
    "send",
    "request",
    "pub",
    "sub",
    "monitor",
    "proxy",
    "bench",
    "completions",
];

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).printed();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let mut bash = Command::new("bash");
    let bash = bash
        .args(["-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut bash = bash.spawn().unwrap();
    let mut script = run(&["completions", "bash"]).printed();
    script.push_str("\nCOMP_WORDS=(tidegate mon) COMP_CWORD=1; _tidegate tidegate mon tidegate; echo \"${COMPREPLY[@]}\"\n");
    bash.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = bash.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "monitor\n");
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let page = run(&["man"]).printed();
    assert!(
        page.contains(".TH tidegate 1") && page.contains("Exit codes"),
        "{page}"
    );
    let folder = format!("{}/man-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    assert_eq!(run(&["man", "--dir", &folder]).printed(), "");
    for command in COMMANDS {
        let page = fs::read_to_string(format!("{folder}/tidegate-{command}.1")).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}

#[test]
fn the_help_says_the_formats_and_the_exit_codes() {
    let help = run(&["--help"]).printed();
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
    assert!(
        help.contains("00ff,,01") && help.contains("130  interrupted"),
        "{help}"
    );
}

#[test]
fn a_terminal_shows_rates_on_stderr_unless_it_is_told_not_to() {
    for (more, expected) in [(&[][..], "3 messages, 12 B, "), (&["--quiet"], "")] {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new())
            .unwrap()
            .into_string()
            .unwrap();
        let stderr = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name)
            .unwrap();
        let (pull, endpoint) = bound(PULL);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(["send", "-c", &endpoint]).args(more);
        let mut send = command
            .stdin(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        // The terminal ends with its last user.
        drop(command);
        let mut stdin = send.stdin.take().unwrap();
        stdin.write_all(b"1234\n1234\n1234\n").unwrap();
        drop(stdin);
        for _ in 0..3 {
            assert_eq!(text(&pull), "1234");
        }
        assert!(send.wait().unwrap().success());
        let mut shown = Vec::new();
        // An error is how the end of a terminal looks.
        let _ = File::from(terminal).read_to_end(&mut shown);
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(expected), "{shown:?}");
        assert_eq!(shown.is_empty(), expected.is_empty(), "{shown:?}");
    }
}

#[test]
fn the_session_of_the_readme_prints_what_the_readme_shows() {
    let page = include_str!("../../README.md");
    let (_, session) = page.split_once("```console\n").unwrap();
    let (session, _) = session.split_once("```").unwrap();
    let commands = session.lines().filter_map(|line| line.strip_prefix("$ "));
    let script: String = commands.flat_map(|command| [command, "\n"]).collect();
    let folder = format!(
        "{}/session-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    fs::create_dir_all(&folder).unwrap();
    let tool = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
    let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    let bash = bash.arg("-c").arg(format!("exec 2>&1\n{script}"));
    let output = bash
        .current_dir(&folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let shown = session.lines().filter(|line| !line.starts_with("$ "));
    let shown: String = shown.flat_map(|line| [line, "\n"]).collect();
    assert_eq!(printed, shown);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
