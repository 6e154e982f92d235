//! What the examples of the core print.

use std::process::Command;

use tidegate_tests::Watchdog;

/// Runs an example, and returns what it printed.
fn run(example: &str) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--example", example])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn b2_the_example_sans_io_leaves_on_the_wire_what_a_gate_holds_back() {
    let _watchdog = Watchdog::new(300);
    let answers: String = (0..8).map(|k| format!("REQUEST {k}")).collect();
    let levels =
        "0 answered, 3 on the wire\n5 answered, 0 on the wire\n8 answered, 0 on the wire\n";
    let expected = format!("{levels}{answers}\n");
    assert_eq!(run("sans_io"), expected);
}

#[test]
fn h3_the_example_interrupt_hands_every_sample_to_its_task_in_order() {
    let _watchdog = Watchdog::new(300);
    let printed = "500 samples in order, some of them later, for the task was behind\n";
    assert_eq!(run("interrupt"), printed);
}
