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
    debian_clippy=$(program_of rust-web-clippy cargo-clippy)
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

# The board that stands for a target: the emulator, and how it is called.
board() {
    case $1 in
        thumbv7m-none-eabi) echo qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb ;;
        thumbv6m-none-eabi) echo qemu-system-arm -machine microbit ;;
        riscv32imc-unknown-none-elf) echo qemu-system-riscv32 -machine virt -bios none ;;
        *) fail "there is no board for $1" ;;
    esac
}

# Runs an image for a target on its board: the target, the image, QEMU's other arguments. Its status is the image's.
emulate() {
    local triple=$1 image=$2 board
    shift 2
    read -ra board <<<"$(board "$triple")"
    timeout 60 "${board[@]}" -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native "$@" -kernel "$image"
}
