//! The client of this process, as the postmaster took its connection.

use pgrx::pg_sys;
use pgrx::pg_sys::libpq::be::{MyProcPort, Port};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The connection; none in background processes.
fn port() -> Option<&'static Port> {
    // SAFETY: a global of this process; once set, it lives as long as the process.
    unsafe { MyProcPort.as_ref() }
}

/// Does this process serve a client?
pub fn is_client() -> bool {
    port().is_some()
}

fn string(text: *const c_char) -> Option<String> {
    // SAFETY: a NUL-terminated string of the connection, or null.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// The role that the client asked for.
pub fn user() -> Option<String> {
    port().and_then(|port| string(port.user_name))
}

/// The database that it asked for.
pub fn database() -> Option<String> {
    port()
        .and_then(|port| string(port.database_name))
        .filter(|name| !name.is_empty())
}

/// Its name for itself, at the start.
pub fn application() -> Option<String> {
    port()
        .and_then(|port| string(port.application_name))
        .filter(|name| !name.is_empty())
}

/// Its port, when it came over the network.
pub fn port_number() -> Option<String> {
    port()
        .and_then(|port| string(port.remote_port))
        .filter(|port| !port.is_empty())
}

/// Its address; none for a Unix socket.
pub fn address() -> Option<IpAddr> {
    let storage = &raw const port()?.raddr.addr;
    // SAFETY: the address family says which address it is; the storage is large enough for each.
    unsafe {
        match i32::from((*storage.cast::<libc::sockaddr>()).sa_family) {
            libc::AF_INET => {
                let address = (*storage.cast::<libc::sockaddr_in>()).sin_addr;
                Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(address.s_addr))))
            }
            libc::AF_INET6 => {
                let address = (*storage.cast::<libc::sockaddr_in6>()).sin6_addr;
                Some(IpAddr::V6(Ipv6Addr::from(address.s6_addr)))
            }
            _ => None,
        }
    }
}

/// The session's id, as `%c` in `log_line_prefix` writes it.
pub fn session_id() -> String {
    // SAFETY: globals of this process.
    let (start, process) = unsafe { (pg_sys::MyStartTime, pg_sys::MyProcPid) };
    format!("{start:x}.{process:x}")
}

/// The beginning of PostgreSQL's `Port`. (pgrx keeps the rule of `pg_hba.conf`, and what follows, to itself.)
#[repr(C)]
struct PortHead {
    sock: c_int,
    noblock: bool,
    proto: u32,
    laddr: pg_sys::SockAddr,
    raddr: pg_sys::SockAddr,
    remote_host: *mut c_char,
    remote_hostname: *mut c_char,
    remote_hostname_resolv: c_int,
    remote_hostname_errcode: c_int,
    remote_port: *mut c_char,
    #[cfg(not(feature = "pg18"))]
    can_accept_connections: u32,
    #[cfg(feature = "pg18")]
    local_host: [c_char; 64],
    database_name: *mut c_char,
    user_name: *mut c_char,
    cmdline_options: *mut c_char,
    guc_options: *mut c_void,
    application_name: *mut c_char,
    hba: *const HbaHead,
    #[cfg(feature = "pg15")]
    authn_id: *const c_char,
    keepalives: [c_int; 8],
    #[cfg(feature = "pg18")]
    scram_keys: [[u8; 32]; 2],
    #[cfg(feature = "pg18")]
    has_scram_keys: bool,
    gss: *const c_void,
    ssl_in_use: bool,
}

/// The beginning of `HbaLine`, up to the method.
#[repr(C)]
struct HbaHead {
    #[cfg(not(feature = "pg15"))]
    sourcefile: *const c_char,
    linenumber: c_int,
    rawline: *const c_char,
    conntype: c_int,
    databases: *const c_void,
    roles: *const c_void,
    addr: libc::sockaddr_storage,
    addrlen: c_int,
    mask: libc::sockaddr_storage,
    masklen: c_int,
    ip_cmp_method: c_int,
    hostname: *const c_char,
    auth_method: c_int,
}

// What pgrx knows of the structure and what is said above must agree.
const _: () = assert!(std::mem::offset_of!(PortHead, application_name) == std::mem::offset_of!(Port, application_name));

unsafe extern "C-unwind" {
    fn hba_authname(method: c_int) -> *const c_char;
}

/// The rule that decided how to authenticate.
pub struct Rule {
    /// The method's name.
    pub method: String,
    /// Its line in the file.
    pub line: i32,
}

/// The rule of `pg_hba.conf` for this connection, which PostgreSQL forgets when the session has begun: not to be
/// called later. One that refuses for want of a rule has no line.
pub fn rule() -> Option<Rule> {
    let head = std::ptr::from_ref(port()?).cast::<PortHead>();
    // SAFETY: the structures begin as above in the versions that we build for; the name is a constant of PostgreSQL's.
    unsafe {
        let hba = (*head).hba.as_ref()?;
        Some(Rule {
            method: string(hba_authname(hba.auth_method))?,
            line: hba.linenumber,
        })
    }
}

/// Is the connection encrypted by TLS?
pub fn is_encrypted() -> bool {
    let head = port().map(|port| std::ptr::from_ref(port).cast::<PortHead>());
    // SAFETY: as above.
    head.is_some_and(|head| unsafe { (*head).ssl_in_use })
}
