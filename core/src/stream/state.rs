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
/// `Closed` and `Failed` are ends. What is not drawn changes nothing.
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

/// What may change the state.
pub(super) enum Input<E> {
    Close,
    Finish,
    Abort,
    Fail(E),
}

impl<E> State<E> {
    /// Whether messages may still be sent.
    #[inline]
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Open | Self::Closing)
    }

    /// Whether messages may still be received and written.
    #[inline]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// The one transition function. Says whether the state has changed.
    pub(super) fn on(&mut self, input: Input<E>) -> bool {
        let next = match (&*self, input) {
            (Self::Open, Input::Close) => Self::Closing,
            (Self::Closing, Input::Finish) => Self::Closed,
            (Self::Open | Self::Closing, Input::Abort) => Self::Closed,
            (Self::Open | Self::Closing, Input::Fail(error)) => Self::Failed(error),
            _ => return false,
        };
        *self = next;
        true
    }
}
