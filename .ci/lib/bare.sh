# Debian's compiler for bare targets, for it brings the sources of `core`; rustup's lends its linker. And QEMU.
# shellcheck shell=bash

step() { printf '== %s (%d s)\n' "$*" "$SECONDS" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Installs what is missing of these packages.
install_packages() {
    local package
    for package in "$@"; do
        if ! dpkg -s "$package" >/dev/null 2>&1; then
            apt-get update -q >&2
            apt-get install -q -y --no-install-recommends "$@" >&2
            return
        fi
    done
}

# The program of this name in one of Debian's packages.
program_of() { dpkg -L "$1" | grep -E "/bin/$2[^/]*\$" | head -n 1; }

find_compiler() {
    debian_rustc=$(program_of rustc-web rustc)
    debian_cargo=$(program_of cargo-web cargo)
    # Not everybody needs that.
    debian_clippy=$(program_of rust-web-clippy cargo-clippy 2>/dev/null) || debian_clippy=
    PATH=$PATH:$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
    export PATH
    command -v rust-lld >/dev/null || fail "rustup's rust-lld was not found"
}

# Debian's cargo for a bare target: the target, cargo's command and its arguments.
bare() {
    local triple=$1 command=$2 cargo=$debian_cargo
    shift 2
    [ "$command" != clippy ] || cargo=$debian_clippy
    RUSTC_BOOTSTRAP=1 RUSTC=$debian_rustc CARGO=$debian_cargo timeout 600 "$cargo" "$command" -q --locked \
        --target "$triple" --config 'unstable.build-std=["core"]' --target-dir "${target:?}" "$@"
}

# Runs an image on a board with a Cortex-M3: the image, QEMU's other arguments. Its status is the image's.
emulate() {
    local image=$1
    shift
    timeout 60 qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native "$@" -kernel "$image"
}
