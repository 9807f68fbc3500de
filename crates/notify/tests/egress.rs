//! Whom a channel may connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use auditlog_notify::egress::{AllowedHosts, allowed};
use proptest::prelude::*;

fn hosts(list: &str) -> AllowedHosts {
    AllowedHosts::parse(list).unwrap_or_else(|error| panic!("{list}: {error}"))
}

fn may(list: &str, host: &str, address: &str) -> bool {
    allowed(SocketAddr::new(address.parse().unwrap(), 443), host, &hosts(list))
}

const SPECIAL: [&str; 24] = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "::1",
    "::",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
];

#[test]
fn special_addresses_need_an_express_word() {
    for address in SPECIAL {
        for list in [
            "",
            "*",
            "0.0.0.0/0 ::/0",
            "evil.example",
            "*.example",
            "0.0.0.0/0, ::/0, *, evil.example",
        ] {
            assert!(!may(list, "evil.example", address), "{address} with «{list}»");
            assert!(!may(list, address, address), "{address} with «{list}»");
        }
        let IpAddr::V6(v6) = address.parse().unwrap() else {
            assert!(may(address, "evil.example", address), "{address} by itself");
            continue;
        };
        if v6.to_ipv4_mapped().is_some() {
            assert!(may(address, "evil.example", address), "{address} by itself");
        }
    }
    for (list, address) in [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("::ffff:127.0.0.0/104", "127.0.0.1"),
        ("169.254.0.0/16", "169.254.169.254"),
        ("fe80::/10", "fe80::1"),
        ("[::1]", "::1"),
        ("localhost", "::1"),
        ("LOCALHOST", "127.0.0.1"),
    ] {
        assert!(may(list, "localhost", address), "{address} with «{list}»");
    }
    assert!(!may("127.0.0.2", "localhost", "127.0.0.1"));
    assert!(!may("localhost", "evil.example", "169.254.169.254"));
    // Allowed as an address of this machine, and not for the list's other names.
    assert!(!may("hooks.slack.com", "hooks.slack.com", "127.0.0.1"));
}

#[test]
fn an_empty_list_allows_everybody_else() {
    for address in [
        "93.184.216.34",
        "10.0.0.5",
        "192.168.1.1",
        "2606:2800::1",
        "fd12::1",
        "::ffff:93.184.216.34",
    ] {
        assert!(may("", "example.com", address), "{address}");
    }
}

#[test]
fn a_list_allows_its_names_and_networks() {
    let list = "hooks.slack.com, *.pagerduty.com 10.1.0.0/16,192.0.2.7;".trim_end_matches(';');
    for (host, address, wanted) in [
        ("hooks.slack.com", "1.2.3.4", true),
        ("Hooks.Slack.com.", "1.2.3.4", true),
        ("xhooks.slack.com", "1.2.3.4", false),
        ("a.hooks.slack.com", "1.2.3.4", false),
        ("events.pagerduty.com", "1.2.3.4", true),
        ("a.b.pagerduty.com", "1.2.3.4", true),
        ("pagerduty.com", "1.2.3.4", false),
        ("evilpagerduty.com", "1.2.3.4", false),
        ("anything.example", "10.1.2.3", true),
        ("anything.example", "::ffff:10.1.2.3", true),
        ("anything.example", "10.2.2.3", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.8", "192.0.2.8", false),
    ] {
        assert_eq!(may(list, host, address), wanted, "{host} at {address}");
    }
    assert!(may("*", "anything.example", "1.2.3.4"));
    assert!(may("*", "1.2.3.4", "1.2.3.4"));
}

#[test]
fn what_is_no_host_is_refused() {
    for item in [
        "https://a.example",
        "a.example:443",
        "10.0.0.0/33",
        "10.0.0.256",
        "a..b",
        "*.",
        "*a.example",
        "a.*.example",
        "ä.example",
        "1.2.3",
    ] {
        let error = AllowedHosts::parse(&format!("good.example,{item}")).expect_err(item);
        assert!(
            error.message.contains("neither a host nor a network") && error.hint.is_some(),
            "{item}: {error}"
        );
    }
    assert!(hosts(" , ").is_empty() && !hosts("*").is_empty());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(list in "\\PC{0,60}", host in "\\PC{0,20}", address in any::<[u16; 8]>()) {
        if let Ok(hosts) = AllowedHosts::parse(&list) {
            allowed(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(address)), 1), &host, &hosts);
        }
    }

    /// Whatever form an address of this machine takes, no list of names and of everything opens it.
    #[test]
    fn forms_of_loopback_stay_closed(tail in any::<[u8; 3]>(), form in 0..5) {
        let inner = Ipv4Addr::new(127, tail[0], tail[1], tail[2]);
        let [_, _, _, _, _, _, high, low] = inner.to_ipv6_mapped().segments();
        let address = match form {
            0 => IpAddr::V4(inner),
            1 => IpAddr::V6(inner.to_ipv6_mapped()),
            2 => IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low)),
            3 => IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low)),
            _ => IpAddr::V6(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1)),
        };
        for list in ["", "*", "evil.example", "0.0.0.0/0,::/0"] {
            prop_assert!(!allowed(SocketAddr::new(address, 80), "evil.example", &hosts(list)));
        }
    }

    /// A listed network allows what lies in it and nothing else.
    #[test]
    fn networks_are_what_they_say(network in any::<[u8; 4]>(), length in 8_u8..=32, address in any::<[u8; 4]>()) {
        let (base, address) = (u32::from_be_bytes(network) & 0x3fff_ffff | 0x0a00_0000, u32::from_be_bytes(address));
        prop_assume!(base >> 24 != 127 && address >> 24 != 127 && address >> 24 != 0 && address >> 28 < 14);
        prop_assume!(address >> 16 != 0xa9fe && address >> 8 != 0x00c0_0000);
        prop_assume!(address != 0x6464_64c8 && address != 0xa83f_8110);
        let mask = u32::MAX << (32 - u32::from(length));
        let list = format!("{}/{length}", Ipv4Addr::from(base));
        let found = allowed(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(address)), 1), "a.example", &hosts(&list));
        prop_assert_eq!(found, base & mask == address & mask);
    }
}
