//! Gives the linker the memory of the board that the target stands for.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a build script says what is wrong by a panic"
)]

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let target = env::var("TARGET").expect("cargo says the target");
    let (memory, scripts): (&str, &[&str]) = match target.as_str() {
        "thumbv7m-none-eabi" => ("lm3s6965evb", &["link.x"]),
        "thumbv6m-none-eabi" => ("microbit", &["link.x"]),
        // riscv-rt wants its memory first.
        "riscv32imc-unknown-none-elf" => ("riscv-virt", &["memory.x", "link.x"]),
        other => panic!("there is no board for {other}; see README.md"),
    };
    let memory = format!("memory/{memory}.x");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says where to"));
    fs::copy(&memory, out.join("memory.x")).expect("the memory is copied");
    println!("cargo:rerun-if-changed={memory}");
    println!("cargo:rustc-link-search={}", out.display());
    for script in scripts.iter().chain(&["defmt.x"]) {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
}
