//! The soak runs, and counts: a short one. `CONTRIBUTING.md` has the long ones.

use std::process::Command;

use tidegate_tests::Watchdog;

#[test]
fn a5_the_soak_loses_nothing_on_any_executor_and_leaves_nothing() {
    let _watchdog = Watchdog::new(120);
    let soak = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["--minutes", "0.05"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&soak.stdout);
    let error = String::from_utf8_lossy(&soak.stderr);
    assert!(soak.status.success(), "{printed}{error}");
    let summary = printed.lines().last().unwrap();
    assert!(summary.ends_with(" messages, 0 failures"), "{summary}");
}
