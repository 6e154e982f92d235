//! What is measured: a temperature that goes up and down.

/// The reading of this number, in thousandths of a degree: between -20 and 40 degrees, a tenth of one per reading.
pub fn reading(number: u32) -> i32 {
    const STEPS: u32 = 600;
    let step = number % (2 * STEPS);
    let up = step.min(2 * STEPS - step);
    up.cast_signed() * 100 - 20_000
}
