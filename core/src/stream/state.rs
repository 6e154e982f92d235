//! The life of a stream.

/// Where a stream stands. Every change is made here.
///
/// ```text
///            close             finish
///   Open ───────────► Closing ─────────► Closed
///    │ │                │ │                ▲ ▲
///    │ │ fail           │ │ abort          │ │
///    │ ▼                │ └────────────────┘ │
///    │ Failed(E) ◄──────┘ fail               │
///    │                                       │
///    └───────────────────────────────────────┘
///                      abort
/// ```
///
/// `Closed` and `Failed` are ends.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State<E> {
    /// Messages go both ways.
    Open = 0,
    /// Nothing more is received or written; what was written is still being sent.
    Closing,
    /// Over.
    Closed,
    /// The transport has failed; over.
    Failed(E),
}

impl<E> State<E> {
    /// Whether messages may still be sent.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Open | Self::Closing)
    }

    pub(super) fn close(&mut self) {
        if matches!(self, Self::Open) {
            *self = Self::Closing;
        }
    }

    pub(super) fn finish(&mut self) {
        if self.is_live() {
            *self = Self::Closed;
        }
    }

    pub(super) fn fail(&mut self, error: E) {
        if self.is_live() {
            *self = Self::Failed(error);
        }
    }
}
