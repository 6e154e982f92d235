# The fuzz targets, and how one is run.
# shellcheck shell=bash

fuzz_targets() { sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"|\1|p' fuzz/Cargo.toml; }

# Runs a target over a folder that keeps what it finds and over its seeds: the target, the folder, libFuzzer's options. An input that
# takes 25 seconds has failed.
fuzz_run() {
    local target=$1 found=$2
    shift 2
    mkdir -p "$found"
    RUSTC_BOOTSTRAP=1 cargo fuzz run "$target" "$found" "fuzz/corpus/$target" -- \
        -max_len=1024 -timeout=25 -print_final_stats=1 "$@"
}

# What libFuzzer's log says last of itself: stat::NAME.
fuzz_stat() { sed -n "s/^stat::$2: *//p" "$1"; }
