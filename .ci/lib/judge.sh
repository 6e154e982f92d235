# A tree with no more in it than one crate and the tests that judge it, bundled into one binary: what is built again after
# each change of the crate is built in seconds.
# shellcheck shell=bash

# The test files that judge a crate: for the core those that need no libzmq, for the adapter those that open streams, and
# need neither software of others nor minutes.
judges_of() {
    if [ "$1" = core ]; then
        grep -l '\btidegate_core::' tests/tests/*.rs | xargs grep -LE '\b(tidegate|zmq)::'
    else
        grep -l '^use tidegate::' tests/tests/*.rs | grep -vE '/(interop|names|floods|faults_|network_faults)'
    fi
}

# The tests that take most of the time, and are there for what a quick one may not meet: a mutant is judged by the others first.
slow_tests() {
    cat <<'END'
c1_a_hundred_thousand_random_messages
d6_a_peer_that_goes_away_in_the_middle_of_a_message
g3_a_reader_that_is_served_leaves_no_other_asleep
g3_tcp_
g3_inproc_on_two_threads
g3_inproc_in_two_tasks
g3_with_both_sides_pausing
i3_a_thousand_requests_that_nobody_takes
i3_a_request_may_be_dropped_at_any_point
forks::
head_of_line::
hostile::
leaks::
many::
many_opens::
END
}

# Writes the tree, but for what was built there: the folder, `core` or `std-adapter`.
judge_tree() {
    local tree=$1 crate=$2 file line name
    mkdir -p "$tree"
    find "$tree" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
    mkdir -p "$tree/tests/src" "$tree/tests/tests/judges"
    cp -r core fuzz Cargo.lock clippy.toml "$tree"
    [ "$crate" = core ] || cp -r std-adapter README.md "$tree"
    rm -rf "$tree"/{core,std-adapter}/benches "$tree/fuzz/target"

    for file in $(judges_of "$crate"); do
        cp "$file" "$tree/tests/tests/judges/"
        echo "mod $(basename "$file" .rs);"
    done >"$tree/tests/tests/judges.rs.new"
    mv "$tree/tests/tests/judges.rs.new" "$tree/tests/tests/judges/main.rs"

    # Of what the tests share, the modules that do without what is not there.
    for file in tests/src/*.rs; do
        if [ "$crate" = std-adapter ] || ! grep -qE '\btidegate::|crate::(libzmq|runtime|corpus)' "$file"; then
            cp "$file" "$tree/tests/src/"
        fi
    done
    awk -v folder="$tree/tests/src/" 'BEGIN { RS = ";"; ORS = ";" }
        match($0, /(mod|use) [a-z_]+/) { split(substr($0, RSTART, RLENGTH), word, " ")
            if ((getline line < (folder word[2] ".rs")) > 0) print }' tests/src/lib.rs >"$tree/lib.rs"
    mv "$tree/lib.rs" "$tree/tests/src/lib.rs"

    # Of the packages, the crate and what it needs; of what the tests need, what they name.
    local members='"core", "tests"'
    [ "$crate" = core ] || members+=', "std-adapter"'
    # A lint is no judge: what it would deny is built.
    sed -e "s/^members = .*/members = [$members]/" -e 's/^exclude = .*/exclude = ["fuzz"]/' -e '/^\[workspace.lints/,$s/"deny"/"allow"/' \
        Cargo.toml >"$tree/Cargo.toml"
    [ "$crate" != core ] || sed -i '/^tidegate = /d' "$tree/Cargo.toml"
    for file in "$tree"/{core,std-adapter}/Cargo.toml; do
        [ ! -e "$file" ] || sed -i -e '/^\[\[bench/,/^$/d' -e '/^# Counts by/d' -e '/^\(divan\|bbqueue\|embassy-sync\)/d' "$file"
    done
    {
        # No feature is on here, and what one would need is not there.
        sed -e 's/\["dep:.*\]/[]/' -e '/^\[dependencies\]/q' tests/Cargo.toml
        echo 'tidegate-core = { workspace = true, features = ["alloc"] }'
        while read -r line; do
            name=${line%%[ .]*}
            [ "$name" != tidegate-core ] || continue
            if [ "$name" = critical-section ] || grep -rqE "\b${name//-/_}::" "$tree/tests"; then
                echo "$line"
            fi
        done < <(sed -n '/^\[dependencies\]/,/^$/{//!p}' tests/Cargo.toml)
    } >"$tree/tests/Cargo.toml"
}
