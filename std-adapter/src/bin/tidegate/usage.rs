//! Which of the library's errors say that the command line was wrong: it asks for what no socket of that type does, or names an endpoint
//! that is none.

use std::error::Error;

use tidegate::{
    EndpointError, Errno, OpenError, ReadError, SubscribeError, TryReadError, WaitError, WriteError,
};
use zmq_sys::errno::{EINVAL, ENAMETOOLONG, ENOCOMPATPROTO, ENODEV, EPROTONOSUPPORT};

pub fn is_usage(error: &(dyn Error + 'static)) -> bool {
    let is_of_another_type = matches!(
        error.downcast_ref(),
        Some(
            OpenError::Subscribe(SubscribeError::NotASubscriber { .. }) | OpenError::NotAReq { .. }
        )
    );
    is_of_another_type
        || matches!(
            error.downcast_ref(),
            Some(TryReadError::Read(ReadError::SendsOnly))
        )
        || matches!(error.downcast_ref(), Some(WriteError::ReceivesOnly(_)))
        || matches!(error.downcast_ref(), Some(WaitError::WrongType { .. }))
        || error.downcast_ref().is_some_and(is_no_endpoint)
}

fn is_no_endpoint(error: &EndpointError) -> bool {
    let says = |errno: Errno| {
        [
            EINVAL,
            ENAMETOOLONG,
            ENOCOMPATPROTO,
            ENODEV,
            EPROTONOSUPPORT,
        ]
        .contains(&errno.raw())
    };
    match error {
        EndpointError::Port { .. } => true,
        EndpointError::Bind { source, .. } | EndpointError::Connect { source, .. } => says(*source),
        _ => false,
    }
}
