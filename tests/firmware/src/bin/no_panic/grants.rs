//! Both grants, in both directions.

use tidegate_core::{FixedEvents, ReadGrant, WriteGrant};

use tidegate_firmware_tests::opaque::{coin, number, opaque};

use crate::buffer::frames;

type Write<V, const RECEIVED: bool> = WriteGrant<'static, 64, 64, 2, u8, V, RECEIVED>;
type Read<V, const RECEIVED: bool> = ReadGrant<'static, 64, 64, 2, u8, V, RECEIVED>;

/// Writes some frames, and commits the message or drops it.
pub fn fill<V: FixedEvents, const RECEIVED: bool>(grant: Option<Write<V, RECEIVED>>) {
    // Even a grant of which nothing is known leads to no panic.
    let Some(mut grant) = opaque(grant) else {
        return;
    };
    while number() != 0 {
        if let Some(frame) = grant.frame(number()) {
            opaque(frame).fill(1);
        }
        grant.truncate(number());
        if let Some(frame) = grant.last_frame_mut() {
            opaque(frame).fill(2);
        }
        opaque(grant.used_bytes());
    }
    if coin() {
        opaque(grant.commit().is_ok());
    }
}

/// Looks at the message, and releases it or leaves it.
pub fn look_at<V: FixedEvents, const RECEIVED: bool>(grant: Option<Read<V, RECEIVED>>) {
    let Some(grant) = opaque(grant) else {
        return;
    };
    opaque(frames(grant.frames()));
    if coin() {
        grant.release();
    }
}
