//! Whom a channel may connect to: a list of names and networks, and what no list allows by the way.
//!
//! Whoever may write a channel's address must not reach through the server what only the server can reach: its own
//! ports, the cloud's metadata. So such addresses are refused unless the list names them, or a network within theirs,
//! expressly: `127.0.0.1`, `169.254.0.0/16` or `localhost`, but not `0.0.0.0/0` and not a name that leads there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use auditlog_sink::ConfigError;
use ipnet::IpNet;

/// The networks of this machine, of its link, of groups, of the clouds' metadata (AWS, Google, Azure, Alibaba) and of
/// nobody (RFC 6890).
const SPECIAL: [&str; 18] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "100::/64",
    "2001:db8::/32",
    "5f00::/16",
];

/// The hosts that may be connected to: `auditlog.allowed_hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedHosts {
    names: Vec<Name>,
    networks: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Any,
    Exact(String),
    /// With its leading dot.
    Below(String),
}

impl AllowedHosts {
    /// Reads a list: names (`hooks.slack.com`), names below one (`*.example.com`), addresses and networks (`10.0.0.5`,
    /// `10.0.0.0/8`, `fd12::/16`), or `*` for every name; separated by commas or white space. An empty list allows every
    /// host that needs no express permission.
    ///
    /// # Errors
    /// When an item is none of these.
    pub fn parse(list: &str) -> Result<Self, ConfigError> {
        let mut hosts = Self::default();
        let items = list
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|item| !item.is_empty());
        for item in items {
            let lower = item.to_ascii_lowercase();
            let address = lower.trim_start_matches('[').trim_end_matches(']');
            if let Ok(network) = address.parse::<IpNet>() {
                hosts.networks.push(plain_network(network));
            } else if let Ok(address) = address.parse::<IpAddr>() {
                hosts.networks.push(IpNet::from(embedded(address).unwrap_or(address)));
            } else if lower == "*" {
                hosts.names.push(Name::Any);
            } else if let Some(below) = lower.strip_prefix('*').filter(|rest| is_name(rest.strip_prefix('.'))) {
                hosts.names.push(Name::Below(below.to_owned()));
            } else if is_name(Some(&lower)) {
                hosts.names.push(Name::Exact(lower.trim_end_matches('.').to_owned()));
            } else {
                return Err(
                    ConfigError::new(format!("«{}» is neither a host nor a network", item.escape_debug())).hint(
                        "Write names (hooks.slack.com, *.example.com), addresses (10.0.0.5) and networks (10.0.0.0/8), \
                         without ports, separated by commas.",
                    ),
                );
            }
        }
        Ok(hosts)
    }

    /// Whether the list says nothing.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.networks.is_empty()
    }

    fn has_name(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.names.iter().any(|name| match name {
            Name::Any => true,
            Name::Exact(exact) => *exact == host,
            Name::Below(below) => host.ends_with(below.as_str()),
        })
    }

    /// Whether it names the special network of an address, or a part of it with the address.
    fn names_expressly(&self, address: IpAddr, special: &IpNet) -> bool {
        let listed = |network: &IpNet| network.contains(&address) && special.contains(network);
        let local = address.is_loopback() && self.names.contains(&Name::Exact("localhost".to_owned()));
        local || self.networks.iter().any(listed)
    }
}

/// Whether `host`, whose address `address` was found to be, may be connected to.
pub fn allowed(address: SocketAddr, host: &str, hosts: &AllowedHosts) -> bool {
    let given = address.ip();
    let inner = embedded(given);
    let checked = [Some(given), inner];
    let express = checked.into_iter().flatten().all(|address| {
        let special = special().find(|network| network.contains(&address));
        special.is_none_or(|network| hosts.names_expressly(address, &network))
    });
    if !express {
        return false;
    }
    let address = inner.unwrap_or(given);
    hosts.is_empty() || hosts.networks.iter().any(|network| network.contains(&address)) || hosts.has_name(host)
}

fn special() -> impl Iterator<Item = IpNet> {
    SPECIAL.iter().filter_map(|text| text.parse().ok())
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    let parts = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => last(high, low),
        // RFC 8215: for local use.
        [0x64, 0xff9b, 1, _, _, _, high, low] => last(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if address != Ipv6Addr::LOCALHOST && !address.is_unspecified() => last(high, low),
        [0x2002, high, low, ..] => last(high, low),
        _ => None,
    }
}

/// A network of IPv4-mapped addresses as what it means.
fn plain_network(network: IpNet) -> IpNet {
    let inner = network
        .prefix_len()
        .checked_sub(96)
        .filter(|_| matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some()));
    let address = embedded(network.addr()).zip(inner);
    address
        .and_then(|(address, length)| IpNet::new(address, length).ok())
        .unwrap_or(network)
        .trunc()
}

/// Whether a text is a host's name in ASCII.
fn is_name(text: Option<&str>) -> bool {
    text.is_some_and(|text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
        let text = text.strip_suffix('.').unwrap_or(text);
        // What is only figures and dots is an address that was mistyped.
        text.len() <= 253 && text.split('.').all(label) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}
