//! What makes an image a proof: its panic handler calls a function that is nowhere defined.

/// The image around a body, which must not be able to panic.
#[macro_export]
macro_rules! no_panic_image {
    ($body:block) => {
        #[cortex_m_rt::entry]
        fn main() -> ! {
            loop {
                $body
            }
        }

        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            unsafe extern "C" {
                fn a_path_to_a_panic_is_left() -> !;
            }
            // SAFETY: it does not exist, so an image with this call does not link.
            unsafe { a_path_to_a_panic_is_left() }
        }
    };
}
