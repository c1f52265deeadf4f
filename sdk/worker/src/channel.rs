//! Framing: messages with bodies and descriptors over a unix stream socket.
//!
//! A message is a header of 16 bytes, the text (JSON) and the body. The header: the four bytes `pfw1`, the length of the text as
//! a `u32`, the length of the body as a `u64`, little-endian. Descriptors travel with the header's first byte
//! (`SCM_RIGHTS`), at most [`MOST_DESCRIPTORS`].
//!
//! The socket never blocks: whoever cannot go on calls the caller's `wait`, which may watch other things meanwhile and may give
//! up with an error.

use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use parfocal_types::{Error, ErrorKind, Result};
use rustix::{
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    },
};
use serde::{Serialize, de::DeserializeOwned};

const MAGIC: [u8; 4] = *b"pfw1";
const HEADER: usize = 16;
/// Longest text of a message, in bytes.
pub const LONGEST_TEXT: usize = 64 << 20;
/// Longest body of a message, in bytes. A host takes less from a worker: see [`Channel::receive_within`].
pub const LONGEST_BODY: u64 = 4 << 30;
/// Most descriptors of a message.
pub const MOST_DESCRIPTORS: usize = 4;
/// Bytes read at once: what a lying header can make the reader allocate ahead of what was really sent.
const PIECE: usize = 1 << 20;

/// What the socket is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
}

/// Waits until the socket may go on, or gives up.
pub type Wait<'a> = dyn FnMut(Want) -> Result<()> + 'a;

/// A message as it came.
#[derive(Debug, Default)]
pub struct Message {
    /// The text.
    pub text: Vec<u8>,
    /// The body; usually empty.
    pub body: Vec<u8>,
    /// The descriptors; usually none.
    pub descriptors: Vec<OwnedFd>,
}

impl Message {
    /// The text as a message of this type.
    ///
    /// # Errors
    /// `protocol` with the text.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.text).map_err(|error| {
            let raw: String = String::from_utf8_lossy(&self.text).chars().take(200).collect();
            Error::new(ErrorKind::Protocol { raw }, format!("a message that is none: {error}"))
        })
    }
}

/// One end of the connection.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
}

impl Channel {
    /// A channel over this socket, which must not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(socket: UnixStream) -> Result<Self> {
        socket.set_nonblocking(true).map_err(|error| lost(&error))?;
        Ok(Self { socket })
    }

    /// The socket, for waiting.
    #[must_use]
    pub fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Sends a message.
    ///
    /// # Errors
    /// `lost` when the other side is gone; what `wait` says; `invalid-argument` for a message that is too long.
    pub fn send(
        &self,
        text: &impl Serialize,
        body: &[&[u8]],
        descriptors: &[BorrowedFd<'_>],
        wait: &mut Wait<'_>,
    ) -> Result<()> {
        let text = serde_json::to_vec(text)
            .map_err(|error| Error::internal(format!("a message cannot be written: {error}")))?;
        let length = body.iter().map(|piece| piece.len() as u64).sum::<u64>();
        if text.len() > LONGEST_TEXT || length > LONGEST_BODY {
            return Err(Error::invalid_argument(format!(
                "a message of {} bytes and {length} more is longer than the protocol allows",
                text.len()
            ))
            .with_remedy("send less at once"));
        }
        let mut head = Vec::with_capacity(HEADER + text.len());
        head.extend(MAGIC);
        head.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        head.extend(length.to_le_bytes());
        head.extend(text);
        self.write(&head, descriptors, wait)?;
        body.iter().try_for_each(|piece| self.write(piece, &[], wait))
    }

    fn write(&self, mut bytes: &[u8], mut descriptors: &[BorrowedFd<'_>], wait: &mut Wait<'_>) -> Result<()> {
        while !bytes.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
                return Err(Error::internal("too many descriptors for one message"));
            }
            match sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
                Ok(count) => {
                    bytes = &bytes[count.min(bytes.len())..];
                    descriptors = &[];
                }
                Err(Errno::AGAIN) => wait(Want::Write)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }

    /// Receives a message.
    ///
    /// # Errors
    /// `lost` when the other side is gone; `protocol` for bytes that are no message; what `wait` says.
    pub fn receive(&self, wait: &mut Wait<'_>) -> Result<Message> {
        self.receive_within(LONGEST_BODY, wait)
    }

    /// Receives a message whose body has at most `longest` bytes. After a longer one, of which nothing is read, nothing more
    /// can be received.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); `out-of-memory` for a longer body, or `protocol` where none is allowed at all.
    pub fn receive_within(&self, longest: u64, wait: &mut Wait<'_>) -> Result<Message> {
        let mut message = Message::default();
        let mut header = [0; HEADER];
        self.read(&mut header, &mut message.descriptors, wait)?;
        let (magic, rest) = header.split_at(4);
        let (text, body) = rest.split_at(4);
        let text = text.try_into().map_or(usize::MAX, |bytes| u32::from_le_bytes(bytes) as usize);
        let body = body.try_into().map_or(u64::MAX, u64::from_le_bytes);
        if magic != MAGIC || text > LONGEST_TEXT || body > LONGEST_BODY {
            let raw = header.iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(Error::new(
                ErrorKind::Protocol { raw },
                "bytes that are no message of `worker/1` (something else writes to the socket)",
            ));
        }
        if body > longest {
            return Err(too_long(body, longest));
        }
        message.text = self.read_long(text as u64, wait)?;
        message.body = self.read_long(body, wait)?;
        Ok(message)
    }

    fn read_long(&self, length: u64, wait: &mut Wait<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        while left > 0 {
            let (from, piece) = (bytes.len(), left.min(PIECE));
            bytes.resize(from + piece, 0);
            self.read(&mut bytes[from..], &mut Vec::new(), wait)?;
            left -= piece;
        }
        Ok(bytes)
    }

    fn read(&self, mut bytes: &mut [u8], descriptors: &mut Vec<OwnedFd>, wait: &mut Wait<'_>) -> Result<()> {
        while !bytes.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let slices = &mut [IoSliceMut::new(bytes)];
            match recvmsg(&self.socket, slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Ok(result) => {
                    for rights in ancillary.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = rights {
                            descriptors.extend(rights);
                        }
                    }
                    if result.bytes == 0 {
                        return Err(Error::new(ErrorKind::Lost, "the connection was closed"));
                    }
                    let count = result.bytes.min(bytes.len());
                    bytes = &mut bytes[count..];
                }
                Err(Errno::AGAIN) => wait(Want::Read)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Waits for the socket alone, for ever: for a worker, which has nothing else to do.
///
/// # Errors
/// What the system says.
pub fn wait_for(channel: &impl AsFd, want: Want) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let events = match want {
        Want::Read => PollFlags::IN,
        Want::Write => PollFlags::OUT,
    };
    match poll(&mut [PollFd::new(channel, events)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(lost(&error)),
    }
}

fn too_long(body: u64, longest: u64) -> Error {
    if longest == 0 {
        let kind = ErrorKind::Protocol { raw: format!("a body of {body} bytes") };
        return Error::new(kind, "a message has a body where none belongs");
    }
    Error::new(
        ErrorKind::OutOfMemory { need: body, budget: longest },
        format!(
            "a result of {body} bytes is longer than the {} MiB that it may use",
            longest.div_ceil(1 << 20)
        ),
    )
    .with_remedy("keep less from tile to tile, or raise `memory` in the limits of the plugin's manifest")
}

fn lost(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Lost, format!("the connection broke: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read, Seek, Write},
        thread,
    };

    use super::*;
    use crate::message::{Call, Request};

    fn pair() -> (Channel, Channel) {
        let (a, b) = UnixStream::pair().unwrap();
        (Channel::new(a).unwrap(), Channel::new(b).unwrap())
    }

    fn request(id: u64) -> Request {
        Request { id, call: Call::Forget { memory: id } }
    }

    #[test]
    fn messages_arrive_whole_in_order_and_with_their_bodies() {
        let (a, b) = pair();
        let body: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let wait = &mut |want| wait_for(&a, want);
                for id in 0..3 {
                    a.send(&request(id), &[&body[..10], &body[10..]], &[], wait).unwrap();
                }
                a.send(&request(3), &[], &[], wait).unwrap();
            });
            for id in 0..4 {
                let message = b.receive(&mut |want| wait_for(&b, want)).unwrap();
                assert_eq!(message.read::<Request>().unwrap(), request(id));
                assert_eq!(message.body, if id < 3 { &body[..] } else { &[] });
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn a_descriptor_travels_with_its_message() {
        let (a, b) = pair();
        let mut file = tempfile();
        file.write_all(b"seen").unwrap();
        let wait = &mut |want| wait_for(&a, want);
        a.send(&request(1), &[], &[], wait).unwrap();
        a.send(&request(2), &[b"x"], &[file.as_fd()], wait).unwrap();
        let wait = &mut |want| wait_for(&b, want);
        assert!(b.receive(wait).unwrap().descriptors.is_empty());
        let mut message = b.receive(wait).unwrap();
        let mut other = File::from(message.descriptors.pop().unwrap());
        other.rewind().unwrap();
        let mut text = String::new();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "seen");
    }

    fn tempfile() -> File {
        let path = std::env::temp_dir().join(format!("parfocal-channel-{}", std::process::id()));
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_bytes_and_allocates_nothing() {
        for header in [
            *b"hello, I print he",
            *b"pfw1\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0",
            *b"pfw1\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
        ] {
            let (a, b) = pair();
            (&a.socket).write_all(&header[..16]).unwrap();
            let error = b.receive(&mut |want| wait_for(&b, want)).unwrap_err();
            assert_eq!(error.kind().name(), "protocol");
        }
    }

    #[test]
    fn a_body_beyond_the_receiver_s_limit_is_refused_before_it_is_read() {
        for (longest, body, kind) in
            [(100, 101, "out-of-memory"), (0, 1, "protocol"), (99, LONGEST_BODY, "out-of-memory")]
        {
            let (a, b) = pair();
            let mut header = MAGIC.to_vec();
            header.extend(2_u32.to_le_bytes());
            header.extend(body.to_le_bytes());
            (&a.socket).write_all(&header).unwrap();
            let error = b.receive_within(longest, &mut |want| wait_for(&b, want)).unwrap_err();
            assert_eq!(error.kind().name(), kind);
        }
        let (a, b) = pair();
        a.send(&request(1), &[&[7; 100]], &[], &mut |want| wait_for(&a, want)).unwrap();
        let message = b.receive_within(100, &mut |want| wait_for(&b, want)).unwrap();
        assert_eq!(message.body, [7; 100]);
    }

    #[test]
    fn a_closed_end_and_a_wait_that_gives_up_are_told_apart() {
        let (a, b) = pair();
        let gave_up = b.receive(&mut |_| Err(Error::cancelled())).unwrap_err();
        assert_eq!(gave_up.kind(), &ErrorKind::Cancelled);
        drop(a);
        let error = b.receive(&mut |want| wait_for(&b, want)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Lost);
        let error = b.send(&request(1), &[], &[], &mut |want| wait_for(&b, want)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Lost);
    }
}
