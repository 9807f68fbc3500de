//! What the other side of a connection has not acknowledged yet.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

/// Bytes that the other side's kernel has not acknowledged (`man 7 tcp`, SIOCOUTQ), our end of the stream
/// among them. The standard library has no call for it.
pub(crate) fn bytes(socket: &TcpStream) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as `socket` is borrowed, and TIOCOUTQ (SIOCOUTQ by another
    // name) writes one int to where the pointer shows.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(count).unwrap_or_default())
}
