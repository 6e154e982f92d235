//! The frames in front of a message which say where it comes from, and where its reply goes.

use crate::message::{Frame, Multipart};

/// The frames in front of a message that a ROUTER has received: routing ids, and the empty frame behind them if there is one. A reply
/// begins with them ([RFC 28](https://rfc.zeromq.org/spec/28/)).
///
/// ```
/// use tidegate::Multipart;
///
/// // From a REQ: its routing id, an empty frame, the request.
/// let request = Multipart::from(("client-7", "", "what time is it?"));
/// let (envelope, body) = request.split_envelope().unwrap();
/// assert_eq!(body, "what time is it?");
/// assert_eq!(envelope.reply("noon"), ["client-7", "", "noon"]);
///
/// // From a DEALER that writes no empty frame.
/// let request = Multipart::from(("client-8", "what time is it?"));
/// let (envelope, body) = request.split_routing_id().unwrap();
/// assert_eq!(body, "what time is it?");
/// assert_eq!(envelope.into_reply("noon"), ["client-8", "noon"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope(Multipart);

impl Envelope {
    /// The peer that the message came from: what the ROUTER calls it.
    pub fn routing_id(&self) -> Option<&Frame> {
        self.0.first()
    }

    /// The frames.
    pub fn frames(&self) -> &[Frame] {
        &self.0
    }

    /// A message for whoever has sent this one. The frames of the envelope are copied.
    pub fn reply(&self, body: impl Into<Multipart>) -> Multipart {
        self.clone().into_reply(body)
    }

    /// A message for whoever has sent this one.
    pub fn into_reply(self, body: impl Into<Multipart>) -> Multipart {
        let mut message = self.0;
        message.extend(body.into());
        message
    }
}

impl Multipart {
    /// Splits what a REQ, or whoever writes as one does, has sent to a ROUTER: all frames up to the first empty one, and that, are the
    /// envelope. A REP does so by itself.
    ///
    /// # Errors
    /// No frame is empty: the message comes back.
    pub fn split_envelope(self) -> Result<(Envelope, Self), Self> {
        match self.iter().position(|frame| frame.is_empty()) {
            Some(delimiter) => Ok(self.split_behind(delimiter + 1)),
            None => Err(self),
        }
    }

    /// Splits what a ROUTER has received behind its first frame, the routing id of the peer that it came from.
    ///
    /// # Errors
    /// There is no frame: the message comes back.
    pub fn split_routing_id(self) -> Result<(Envelope, Self), Self> {
        if self.is_empty() {
            return Err(self);
        }
        Ok(self.split_behind(1))
    }

    fn split_behind(self, count: usize) -> (Envelope, Self) {
        let mut frames = self.into_iter();
        let envelope = frames.by_ref().take(count).collect();
        (Envelope(envelope), frames.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i4_an_envelope_ends_with_the_first_empty_frame_and_the_body_may_have_others() {
        let message = Multipart::from(("a", "b", "", "body", "", "more"));
        let (envelope, body) = message.clone().split_envelope().unwrap();
        assert_eq!(envelope.frames(), ["a", "b", ""]);
        assert_eq!(envelope.routing_id().unwrap(), "a");
        assert_eq!(body, ["body", "", "more"]);
        assert_eq!(envelope.into_reply(body), message);
    }

    #[test]
    fn i4_a_message_without_an_envelope_comes_back() {
        let message = Multipart::from(("a", "b"));
        assert_eq!(message.clone().split_envelope(), Err(message));
        assert_eq!(Multipart::new().split_routing_id(), Err(Multipart::new()));
    }

    #[test]
    fn i4_a_routing_id_is_split_off_whatever_follows_it() {
        let (envelope, body) = Multipart::from(["id"]).split_routing_id().unwrap();
        assert!(body.is_empty());
        assert_eq!(envelope.reply(("", "x")), ["id", "", "x"]);
        assert_eq!(envelope.frames().len(), 1);
    }
}
