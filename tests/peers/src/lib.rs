//! tidegate measured against libzmq itself and against every other library for ZeroMQ in Rust, and aiozmq and pyzmq in Python. One
//! process for each contestant, work and round: `contestant`. `compare` runs them in turn and reports.

pub mod contestant;
pub mod library;
pub mod monitor;
pub mod plot;
pub mod process;
pub mod report;
pub mod runtime;
pub mod work;
