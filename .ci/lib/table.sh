# The tables of what everything costs. Reads the lines of $results: who, what, how much.
# shellcheck shell=bash disable=SC2154

# What is to be reached: figure, contender, `<=` or `>=`, bound. The table says `over` where it is not.
bounds() {
    cat <<'BOUNDS'
M3 20 B|tidegate Stream|<=|225
M3 200 B|tidegate Stream|<=|345
M3 3 messages|tidegate Stream|<=|700
M3 wait|tidegate Stream|<=|230
M3 event|tidegate EventRing|<=|30
masked 20 B|tidegate Stream|<=|60
masked 200 B|tidegate Stream|<=|60
masked waiting|tidegate Stream|<=|60
RAM|tidegate Stream|<=|60
fits 20 B|tidegate Stream|>=|93
fits 200 B|tidegate Stream|>=|10
fits 20 B sliding|tidegate Stream|>=|92
fits 200 B sliding|tidegate Stream|>=|9
flash waiting|tidegate Stream|<=|650
flash event|tidegate EventRing|<=|200
masked any call|tidegate Stream|<=|60
stack|tidegate Stream|<=|100
host 20 B|tidegate MessageBuffer + Gate|<=|100
host 200 B|tidegate MessageBuffer + Gate|<=|120
host 3 messages|tidegate MessageBuffer + Gate|<=|300
BOUNDS
}

# The table's columns: a heading, and the contenders that stand under it.
columns() {
    cat <<'COLUMNS'
copy alone|copy in alone, misaligned
heapless Deque, HistoryBuf|heapless Deque|heapless HistoryBuf
embassy-sync Channel, PubSubChannel|embassy-sync Channel|embassy-sync PubSubChannel
embassy-sync zerocopy_channel|embassy-sync zerocopy_channel
embassy-sync Pipe, framed|embassy-sync Pipe
bbqueue, framed|bbqueue
tidegate MessageBuffer + Gate|tidegate MessageBuffer + Gate
tidegate Stream, EventRing|tidegate Stream|tidegate EventRing
COLUMNS
}

# The table's rows: a figure, and what it is.
rows() {
    cat <<'ROWS'
M3 20 B|M3: push + pop of 20 B
M3 200 B|M3: push + pop of 200 B
M3 3 messages|M3: push + pop of three messages, 5, 0 and 200 B
M3 3 frames|M3: push + pop of one message of three frames, 5, 0 and 200 B
M3 wait|M3: pending poll, push of 5 B, wake, ready poll
M3 event|M3: event of 16 B into a full ring of 128
masked 20 B|M3: interrupts off, longest, 20 B
masked 200 B|M3: interrupts off, longest, 200 B
masked waiting|M3: interrupts off, longest, with a waiting reader
masked any call|M3: interrupts off, longest of every kind of call
stack|M3: stack of the deepest call, bytes
flash|M3: flash for push and pop, opt s, bytes
flash waiting|M3: flash for push, pop and wait, opt s, bytes
flash event|M3: flash for the event, opt s, bytes
RAM|M3: RAM beyond 2048 B
fits 20 B|messages of 20 B in 2048 B, from empty
fits 20 B sliding|the same, at the worst position
fits 200 B|messages of 200 B in 2048 B, from empty
fits 200 B sliding|the same, at the worst position
host 20 B|host: push + pop of 20 B
host 200 B|host: push + pop of 200 B
host 3 messages|host: push + pop of three messages, 5, 0 and 200 B
host 3 frames|host: push + pop of one message of three frames, 5, 0 and 200 B
host event|host: event of 16 B into a full ring of 128
ROWS
}

# The images that tell a contender's flash from that of an image without it: image, contender, figure.
flash_images() {
    cat <<'IMAGES'
deque|heapless Deque|flash
channel|embassy-sync Channel|flash
channel_wait|embassy-sync Channel|flash waiting
zerocopy|embassy-sync zerocopy_channel|flash
zerocopy_wait|embassy-sync zerocopy_channel|flash waiting
pipe|embassy-sync Pipe|flash
bbqueue|bbqueue|flash
bbqueue_wait|bbqueue|flash waiting
buffer|tidegate MessageBuffer + Gate|flash
stream|tidegate Stream|flash
stream_wait|tidegate Stream|flash waiting
history_buf|heapless HistoryBuf|flash event
pubsub|embassy-sync PubSubChannel|flash event
event_ring|tidegate EventRing|flash event
IMAGES
}

table() {
    awk -F'|' -v results="$results" '
        FILENAME == ARGV[1] { order[++columns] = $1; for (i = 2; i <= NF; i++) column[$i] = columns; next }
        FILENAME == ARGV[2] { sign[$1, column[$2]] = $3; bound[$1, column[$2]] = $4; asked[$1] = $3 " " $4; next }
        FNR == 1 {
            while ((getline line < results) > 0) {
                split(line, part, "\t")
                if (part[2] ~ / call$/ && part[1] != "tidegate Stream") continue
                if (!(part[1] in column)) { print "no column for " part[1] > "/dev/stderr"; exit 1 }
                value[part[2], column[part[1]]] = part[3]
            }
            printf "| |"; for (c = 1; c <= columns; c++) printf " %s |", order[c]; print " to reach |"
            printf "| --- |"; for (c = 0; c <= columns; c++) printf " ---: |"; print ""
        }
        {
            printf "| %s |", $2
            for (c = 1; c <= columns; c++) {
                v = value[$1, c]; b = bound[$1, c]; s = sign[$1, c]
                if (b != "" && v == "") { print "nothing was measured for " $1 > "/dev/stderr"; exit 1 }
                missed = v != "" && ((s == "<=" && v + 0 > b + 0) || (s == ">=" && v + 0 < b + 0))
                printf " %s%s |", v, missed ? " over" : ""
            }
            print " " asked[$1] " |"
        }' <(columns) <(bounds) <(rows)
}

# For each kind of call: how long it keeps interrupts off, and its stack.
calls() {
    printf '| call | interrupts off, longest | stack, bytes |\n| --- | ---: | ---: |\n'
    awk -F'\t' '
        $2 == "masked call" { masked[$1] = $3 }
        $2 == "stack call" { stack[$1] = $3 }
        END {
            for (call in masked) if (!(call in stack)) { print call " has no stack" > "/dev/stderr"; exit 1 }
            for (call in stack) printf "| %s | %s | %s |\n", call, masked[call], stack[call]
        }' "$results" | sort -t'|' -k3,3nr -k4,4nr -k2,2
}
