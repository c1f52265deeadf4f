//! What host, keeper, init and worker say to each other: one JSON text a packet.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Fences, Policy};

/// From the host to the keeper, once, with the descriptor of the code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) role: Role,
    pub(super) readable: Vec<PathBuf>,
    /// Bound of the private memory, in bytes.
    pub(super) data: u64,
    pub(super) policy: Policy,
}

/// What the worker becomes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Role {
    Library,
    Program { interpreter: PathBuf, args: Vec<String> },
}

/// To the host from the keeper, and from the worker before it runs plugin code; to the keeper from init.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The fences stand; plugin code comes next.
    Fences(Fences),
    /// The worker ended with this status, as `waitpid` gives it. From the keeper: and everything else is gone too.
    Ended(i32),
    /// There never was a worker.
    Failed(String),
}

/// The longest packet, in bytes: lists of paths are what can be long.
const LONGEST: usize = 64 << 10;

/// Two ends of a line on which packets stay whole.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Says something, with at most one descriptor.
pub(super) fn say<T: Serialize>(
    line: &OwnedFd,
    what: &T,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    if text.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many paths or arguments"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    sendmsg(line, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What was heard, with the descriptor that came along.
pub(super) type Heard<T> = (T, Option<OwnedFd>);

/// Hears something; `None` when the other side is gone.
pub(super) fn hear<T: DeserializeOwned>(line: impl AsFd, wait: bool) -> io::Result<Option<Heard<T>>> {
    let mut text = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut flags = RecvFlags::CMSG_CLOEXEC;
    flags.set(RecvFlags::DONTWAIT, !wait);
    let length = loop {
        match recvmsg(&line, &mut [IoSliceMut::new(&mut text)], &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(Some((serde_json::from_slice(text.get(..length).unwrap_or_default())?, descriptor)))
}
