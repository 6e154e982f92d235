# The proof that no call of the core leads to a panic, and that it allocates nothing and begins as zeros.
# shellcheck shell=bash disable=SC2154

# The functions of the core that others can call, each with the number of types that have one of this name. A transport's are
# not the core's, and what allocates is not for devices.
entry_points() {
    find core/src -name '*.rs' ! -name owned.rs -exec awk '
        FNR == 1 { skip = allocates = 0 }
        /^#\[cfg\(test\)\]/ { skip = 1 }
        /^#\[cfg\(feature = "alloc"\)\]/ { allocates = 1 }
        allocates && /^[^#].*;$|^}/ { allocates = 0; next }
        skip || allocates { next }
        /^pub trait / { in_trait = !/Transport/ }
        /^}/ { in_trait = 0 }
        $1 == "pub" || in_trait {
            if (match($0, /(^|[ \t])fn [a-z_0-9]+/)) {
                kind = /^pub/ ? "free" : "method"
                sub(/.*fn /, ""); sub(/[^a-z_0-9].*/, "")
                times[kind " " $0]++
            }
        }
        END { for (name in times) print name, times[name] }' {} + | sort
}

# The proof has to call each of them, and as many times as there are types with it.
everything_is_called() {
    local kind name times pattern calls all=0 left_out=""
    while read -r kind name times; do
        all=$((all + times))
        pattern="(\\.|::)$name\\>"
        [ "$kind" = method ] || pattern="(^|[^a-z_.:])$name\\("
        calls=$(grep -hv '^ *//\|^use \|fn ' tests/firmware/src/bin/no_panic/*.rs | { grep -oE "$pattern" || true; } | wc -l)
        [ "$calls" -ge "$times" ] || left_out+=" $name ($calls of $times)"
    done < <(entry_points)
    [ "$all" -ge 150 ] || fail "only $all entry points were found"
    [ -z "$left_out" ] || fail "the proof does not call:$left_out"
}

# One profile: what has a path to a panic does not link, and the proof, which does, has nothing else that it must not have.
prove() {
    local profile=$1 proof faulty data bss
    proof=$(image "$profile" no_panic)
    for faulty in faulty_index faulty_borrow; do
        if firmware --profile "$profile" --features=faulty --bin="$faulty" >"$work/linking" 2>&1; then
            fail "$faulty links at profile $profile: the proof proves nothing"
        fi
        grep -q 'undefined symbol: a_path_to_a_panic_is_left' "$work/linking" \
            || { cat "$work/linking" >&2; fail "$faulty was refused for another reason"; }
    done
    if nm "$proof" | grep -E '9panicking|rust_begin_unwind|rust_alloc|5alloc' >&2; then
        fail "the proof at profile $profile has what it must not have"
    fi
    data=$(size -A "$proof" | awk '$1 == ".data" { print $2 }')
    bss=$(size -A "$proof" | awk '$1 == ".bss" { print $2 }')
    [ "$data" = 0 ] && [ "$bss" -gt 256 ] || fail "statics: .data has $data bytes, .bss $bss"
}
