# The firmware of examples/firmware, built and run for each of its targets; the status with which it ends is the verdict.
# shellcheck shell=bash disable=SC2154

# Builds and runs it for one target, and shows what it says.
example() {
    local triple=$1 image=$target/$1/release/firmware
    # There, for the folder's own settings say what is logged, and by what it is run.
    (cd examples/firmware && bare "$triple" clippy -- -D warnings && bare "$triple" build --release)
    (cd examples/firmware && bare "$triple" run --release) >"$work/log" 2>"$work/qemu" \
        || { cat "$work/qemu" >&2; fail "examples/firmware failed on $triple"; }
    defmt-print -e "$image" <"$work/log" >"$work/lines"
    grep -q 'INFO *nothing was lost' "$work/lines" || { cat "$work/lines" >&2; fail "examples/firmware lost something on $triple"; }
    printf 'examples/firmware on %s: %s\n' "$triple" "$(grep -m 1 'messages sent' "$work/lines" | sed 's/^[0-9]* *INFO *//')"
}

# The core's own lines on one board: one at each transition, pauses and resumes in turn, and that the stream closes.
transitions() {
    local triple=thumbv7m-none-eabi image=$target/thumbv7m-none-eabi/release/firmware
    (cd examples/firmware && DEFMT_LOG=debug bare "$triple" run --release) >"$work/log" 2>"$work/qemu" \
        || { cat "$work/qemu" >&2; fail "examples/firmware failed on $triple with its debug lines"; }
    defmt-print -e "$image" <"$work/log" >"$work/lines"
    awk '/DEBUG *read gate paused,/ { faulty += paused++ != resumed }
        /DEBUG *read gate resumed,/ { faulty += ++resumed != paused }
        /DEBUG *stream closing,/ { closing++ }
        END { exit !(paused > 1 && paused == resumed && closing == 1 && !faulty) }' "$work/lines" \
        || { cat "$work/lines" >&2; fail "the core's log lines are not one at each transition"; }
    printf 'its log: a line at each of %s pauses and resumes, in turn\n' "$(grep -c 'DEBUG *read gate' "$work/lines")"
}

examples() {
    command -v defmt-print >/dev/null || CARGO_TARGET_DIR=$target/defmt-print cargo install -q --locked defmt-print
    cargo fmt --manifest-path examples/firmware/Cargo.toml --check
    local triple
    for triple in thumbv7m-none-eabi thumbv6m-none-eabi riscv32imc-unknown-none-elf; do
        example "$triple"
    done
    transitions
}
