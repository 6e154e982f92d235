//! [`contestant`](tidegate_peers::contestant), with the calls of Rust's allocator counted.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    tidegate_peers::contestant::main();
}
