//! One contestant at one work: prints its figures.

fn main() {
    tidegate_peers::contestant::main();
}
