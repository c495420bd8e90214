//! A body that promises more bytes than it sends and then breaks off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

pub struct Truncated {
    sent: Option<Bytes>,
    flushed: bool,
}

impl Truncated {
    /// Sends the first half of `whole`; the header `Content-Length` must be that of the whole.
    pub fn half_of(whole: &Bytes) -> Self {
        Self {
            sent: Some(whole.slice(..whole.len() / 2)),
            flushed: false,
        }
    }
}

impl Body for Truncated {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.sent.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        // hyper writes out what it holds while a body is pending; breaking off at once would lose the first half too.
        if !self.flushed {
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("the body breaks off on demand"))))
    }
}
