//! IP addresses as text, written as PostgreSQL's `inet` writes them.

use crate::event::Inet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// The address in `text`, with an optional prefix length; `None` for host names and the like.
pub fn parse_inet(text: &str) -> Option<Inet> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let full = full_bits(&address);
    let bits = match bits {
        None => full,
        Some(bits) if !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
    };
    (bits <= full).then_some(Inet { address, bits })
}

fn full_bits(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The text PostgreSQL prints for this `inet`: no prefix length when it is the full one.
pub fn format_inet(inet: &Inet) -> String {
    let mut out = match inet.address {
        // PostgreSQL writes the last 32 bits of ::/96 as an IPv4 address unless they begin with
        // 16 zero bits, the standard library does not; for ::ffff:0:0/96 both do
        IpAddr::V6(v6) if v6.segments()[..6] == [0; 6] && v6.segments()[6] != 0 => {
            let [.., a, b, c, d] = v6.octets();
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        address => address.to_string(),
    };
    if inet.bits != full_bits(&inet.address) {
        let _ = write!(out, "/{}", inet.bits); // writing to a String cannot fail
    }
    out
}

/// Is `text` what [`format_inet`] writes?
pub(super) fn renders_as(inet: &Inet, text: &str) -> bool {
    // std refuses leading zeros, so that a dotted quad without prefix length has one spelling only
    (inet.address.is_ipv4() && !text.contains('/')) || format_inet(inet) == text
}
