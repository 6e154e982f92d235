//! What this process takes, as Linux counts it.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use stats_alloc::INSTRUMENTED_SYSTEM;

/// Bytes that Rust's allocator has given out and not got back, in the binary that counts them.
pub fn held_bytes() -> f64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

/// Calls of Rust's allocator for memory, in the binary that counts them.
pub fn allocations() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

/// Memory that is resident, in KiB.
pub fn resident_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse().ok()).expect("a size")
}

pub fn threads() -> f64 {
    fs::read_dir("/proc/self/task").expect("Linux").count() as f64
}

pub fn descriptors() -> f64 {
    fs::read_dir("/proc/self/fd").expect("Linux").count() as f64
}

/// Time that all threads of this process have computed.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
