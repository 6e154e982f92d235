//! High- and low-water marks, and the gate between them.

use core::fmt;
use core::marker::PhantomData;

use crate::queue::Level;

/// A high-water mark: a number of bytes, or none at all.
///
/// "No limit" is a value of its own, not a very large number and not a missing one: a missing mark means the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Limit {
    /// Pause when more than this many bytes are queued.
    Bytes(usize),
    /// Never pause.
    Unlimited,
}

impl From<usize> for Limit {
    fn from(bytes: usize) -> Self {
        Limit::Bytes(bytes)
    }
}

/// A valid pair of marks, in bytes: a side pauses when its level goes strictly over `high` and resumes when it is at or
/// under `low`. `low` is never over `high`.
///
/// ```
/// use tidegate_core::{Limit, Watermarks};
///
/// let marks = Watermarks::from_high(8192);
/// assert_eq!(marks.low_bytes(), 2048);
///
/// let error = Watermarks::new(10, 20).unwrap_err();
/// assert_eq!((error.high_bytes, error.low_bytes), (10, 20));
///
/// assert_eq!(Watermarks::UNLIMITED.high(), Limit::Unlimited);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Watermarks {
    /// `usize::MAX` stands for no limit: no level is strictly over it.
    high: usize,
    low: usize,
}

impl Watermarks {
    /// No limit: never pauses, and a side that was paused resumes at once.
    pub const UNLIMITED: Self = Self {
        high: usize::MAX,
        low: usize::MAX,
    };

    /// Both marks. `high = 0` forces `low = 0`: such a side pauses whenever anything is queued.
    ///
    /// # Errors
    /// `high` under `low`; the error names both.
    pub const fn new(high: usize, low: usize) -> Result<Self, WatermarkError> {
        if high == 0 {
            Ok(Self { high, low: 0 })
        } else if high < low {
            Err(WatermarkError {
                high_bytes: high,
                low_bytes: low,
            })
        } else {
            Ok(Self { high, low })
        }
    }

    /// A high-water mark alone: `low = high / 4`.
    pub const fn from_high(high: usize) -> Self {
        Self {
            high,
            low: high / 4,
        }
    }

    /// A low-water mark alone: `high = 4 * low`, saturating.
    pub const fn from_low(low: usize) -> Self {
        Self {
            high: low.saturating_mul(4),
            low,
        }
    }

    /// The defaults of a storage of a fixed capacity: three quarters and one quarter of it.
    pub const fn of_capacity(capacity: usize) -> Self {
        Self {
            high: capacity.saturating_sub(capacity.div_ceil(4)),
            low: capacity / 4,
        }
    }

    /// What a caller asked for, either mark left out or given, over a default.
    ///
    /// With [`Limit::Unlimited`] a given `low` stays the mark at which a side that is paused already resumes.
    ///
    /// # Errors
    /// `high` under `low`; the error names both.
    pub const fn resolve(
        high: Option<Limit>,
        low: Option<usize>,
        default: Self,
    ) -> Result<Self, WatermarkError> {
        match (high, low) {
            (None, None) => Ok(default),
            (None, Some(low)) => Ok(Self::from_low(low)),
            (Some(Limit::Bytes(high)), None) => Ok(Self::from_high(high)),
            (Some(Limit::Bytes(high)), Some(low)) => Self::new(high, low),
            (Some(Limit::Unlimited), None) => Ok(Self::UNLIMITED),
            (Some(Limit::Unlimited), Some(low)) => Ok(Self {
                high: usize::MAX,
                low,
            }),
        }
    }

    /// The high-water mark.
    pub const fn high(self) -> Limit {
        if self.high == usize::MAX {
            Limit::Unlimited
        } else {
            Limit::Bytes(self.high)
        }
    }

    /// The low-water mark, in bytes.
    pub const fn low_bytes(self) -> usize {
        self.low
    }
}

/// A high-water mark under its low-water mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WatermarkError {
    /// The high-water mark that was asked for.
    pub high_bytes: usize,
    /// The low-water mark that was asked for.
    pub low_bytes: usize,
}

impl fmt::Display for WatermarkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "high-water mark of {} bytes is under the low-water mark of {} bytes",
            self.high_bytes, self.low_bytes
        )
    }
}

impl core::error::Error for WatermarkError {}

/// What a gate asks for when the level has crossed a mark. The two strictly alternate.
#[must_use = "somebody has to be paused or resumed"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Transition {
    /// The level went over the high-water mark.
    Pause,
    /// The level came down to the low-water mark.
    Resume,
}

/// The hysteresis of a storage `Q`: one level in, at most one [`Transition`] out.
///
/// ```text
///             level > high
///        ┌──────────────────────┐
///        │                      ▼
///      open                  paused
///        ▲                      │
///        └──────────────────────┘
///             level <= low
/// ```
///
/// A new gate is open and has [`Level::LIMITS`]; it is all zeros in memory, so that a `static` of it lies in `.bss`.
pub struct Gate<Q> {
    marks: Marks<Q>,
    paused: bool,
}

impl<Q: Level> Gate<Q> {
    /// An open gate with the default marks of its storage.
    pub const fn new() -> Self {
        Self {
            marks: Marks::new(),
            paused: false,
        }
    }

    /// The marks in force.
    pub fn limits(&self) -> Watermarks {
        self.marks.limits()
    }

    /// Changes the marks while the stream runs, at once: a level over the new high pauses, one at or under the new low
    /// resumes, one between keeps the state.
    pub fn set_limits(&mut self, limits: Watermarks, level_bytes: usize) -> Option<Transition> {
        self.marks.set_limits(limits);
        self.update(level_bytes)
    }

    /// Takes the new level.
    #[inline]
    pub fn update(&mut self, level_bytes: usize) -> Option<Transition> {
        let turned = self.marks.turn(self.paused, level_bytes);
        if let Some(transition) = turned {
            self.paused = transition == Transition::Pause;
        }
        turned
    }

    /// Whether the side is paused.
    #[inline]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }
}

/// A gate's marks, as offsets from the default of a storage, so that the default is zero.
pub(crate) struct Marks<Q> {
    high_offset: usize,
    low_offset: usize,
    storage: PhantomData<fn() -> Q>,
}

impl<Q: Level> Marks<Q> {
    pub(crate) const fn new() -> Self {
        Self {
            high_offset: 0,
            low_offset: 0,
            storage: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn limits(&self) -> Watermarks {
        Watermarks {
            high: Q::LIMITS.high.wrapping_add(self.high_offset),
            low: Q::LIMITS.low.wrapping_add(self.low_offset),
        }
    }

    pub(crate) fn set_limits(&mut self, limits: Watermarks) {
        self.high_offset = limits.high.wrapping_sub(Q::LIMITS.high);
        self.low_offset = limits.low.wrapping_sub(Q::LIMITS.low);
    }

    /// The gate's one rule: over the high mark shut, at or under the low one open, between as it was.
    #[inline]
    pub(crate) fn turn(&self, paused: bool, level_bytes: usize) -> Option<Transition> {
        if paused {
            (level_bytes <= self.limits().low).then_some(Transition::Resume)
        } else {
            self.is_over(level_bytes).then_some(Transition::Pause)
        }
    }

    /// Whether a level is over the high mark: all that there is to ask when it has risen.
    #[inline]
    pub(crate) fn is_over(&self, level_bytes: usize) -> bool {
        level_bytes > self.limits().high
    }
}

impl<Q: Level> Default for Gate<Q> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Q: Level> fmt::Debug for Gate<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("limits", &self.limits())
            .field("paused", &self.paused)
            .finish()
    }
}
