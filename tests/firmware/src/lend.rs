//! A static that `main` has to itself.

/// Makes it a reference.
///
/// # Safety
/// It points to a value that nobody else has a reference to, now or later.
pub unsafe fn lend<T>(value: *mut T) -> &'static mut T {
    // SAFETY: the caller's.
    unsafe { &mut *value }
}
