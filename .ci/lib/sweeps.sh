# An interrupt at every point of what a program does with a stream.
# shellcheck shell=bash disable=SC2154

# What an image found: the image, what.
found() { awk -F'\t' -v what="$2" '$2 == what { print $3 }' "$work/$1"; }

# Runs one image. What it prints decides, not how it ends: those that are faulty end as failed.
sweep() {
    emulate "$(image release "$1")" -icount shift=7 >"$work/$1" 2>/dev/null || true
    [ "$(found "$1" delays)" -gt 0 ] || fail "$1 has swept nothing"
}

# One direction: without a fault where the critical section is sound, and with faults where it is not.
sweeps() {
    local what=sweep_$1 faulty
    sweep "${what}_sound"
    [ "$(found "${what}_sound" delays)" -ge 2000 ] && [ "$(found "${what}_sound" late)" -gt 0 ] \
        && [ "$(found "${what}_sound" unfinished)" = 0 ] || { cat "$work/${what}_sound" >&2; fail "$what is not whole"; }
    [ "$(found "${what}_sound" faults)" = 0 ] || fail "$what found $(found "${what}_sound" faults) faults"
    for faulty in left_on absent; do
        sweep "${what}_$faulty"
        [ "$(found "${what}_$faulty" faults)" -gt 0 ] || fail "$what did not find what is wrong with ${what}_$faulty"
    done
    printf 'An interrupt at each of %s delays, %s: no fault; with interrupts left on %s faults within %s, without a lock %s within %s.\n' \
        "$(found "${what}_sound" delays)" "$1" "$(found "${what}_left_on" faults)" "$(found "${what}_left_on" delays)" \
        "$(found "${what}_absent" faults)" "$(found "${what}_absent" delays)"
}
