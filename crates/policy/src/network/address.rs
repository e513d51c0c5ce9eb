//! Addresses: every spelling that resolvers take, and what they are for.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The metadata service of a cloud.
    Metadata,
    /// This machine.
    Loopback,
    /// A network that is not the internet.
    Private,
    /// The internet.
    Public,
}

/// Names of metadata services.
const METADATA_NAMES: [&str; 6] = [
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
];

/// What a host is for: by its address, or by names that stand for one.
pub(crate) fn kind_of(host: &str) -> Kind {
    if METADATA_NAMES.contains(&host) {
        return Kind::Metadata;
    }
    if host == "localhost"
        || host.ends_with(".localhost")
        || host == "ip6-localhost"
        || host == "localhost.localdomain"
    {
        return Kind::Loopback;
    }
    match parse_address(host) {
        Some(address) => kind_of_address(address),
        None if host.ends_with(".internal") || host.ends_with(".local") || host.ends_with(".lan") => {
            Kind::Private
        }
        None => Kind::Public,
    }
}

/// An address in any spelling: dotted, short, decimal, hexadecimal, octal; IPv6 with or without brackets and zone.
pub(crate) fn parse_address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.contains(':') {
        let bare = bare.split('%').next().unwrap_or(bare);
        return bare.parse::<Ipv6Addr>().ok().map(unwrapped);
    }
    four(bare).map(IpAddr::V4)
}

/// As `inet_aton` reads it: one to four numbers, the last fills the rest.
fn four(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let numbers: Vec<u64> = parts.iter().map(|part| number(part)).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.iter().any(|number| *number > 255) {
        return None;
    }
    let room = 8 * (4 - first.len());
    if *last >= 1 << room {
        return None;
    }
    let high = first.iter().enumerate().map(|(at, number)| number << (24 - 8 * at)).sum::<u64>();
    u32::try_from(high + last).ok().map(Ipv4Addr::from)
}

fn number(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || text.starts_with(['+', '-']) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 16).ok() };
    }
    if text.len() > 1 && text.starts_with('0') {
        return u64::from_str_radix(text, 8).ok();
    }
    text.parse().ok()
}

/// The IPv4 address within an IPv6 one that carries it.
fn unwrapped(address: Ipv6Addr) -> IpAddr {
    let parts = address.segments();
    let octets = address.octets();
    let four = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    let is_mapped = parts[..5] == [0; 5] && parts[5] == 0xffff;
    let is_compatible = parts[..6] == [0; 6] && !(parts[6] == 0 && parts[7] <= 1);
    let is_translated =
        parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] || (parts[..2] == [0x64, 0xff9b] && parts[2] == 1);
    let is_siit = parts[..4] == [0; 4] && parts[4] == 0xffff && parts[5] == 0;
    if is_mapped || is_compatible || is_translated || is_siit {
        return IpAddr::V4(four(12));
    }
    // 6to4 carries it behind the prefix.
    if parts[0] == 0x2002 {
        return IpAddr::V4(four(2));
    }
    IpAddr::V6(address)
}

fn kind_of_address(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(four) => {
            let octets = four.octets();
            let metadata = [[100, 100, 100, 100], [100, 100, 100, 200], [192, 0, 0, 192], [168, 63, 129, 16]];
            match octets {
                [169, 254, ..] => Kind::Metadata,
                _ if metadata.contains(&octets) => Kind::Metadata,
                [127 | 0, ..] => Kind::Loopback,
                [10, ..] | [192, 168, ..] => Kind::Private,
                [172, second, ..] if (16..32).contains(&second) => Kind::Private,
                [100, second, ..] if (64..128).contains(&second) => Kind::Private,
                [198, 18 | 19, ..] | [192, 0, 0, _] | [224..=255, ..] => Kind::Private,
                _ => Kind::Public,
            }
        }
        IpAddr::V6(six) => {
            let parts = six.segments();
            if six == Ipv6Addr::LOCALHOST || six == Ipv6Addr::UNSPECIFIED {
                Kind::Loopback
            } else if parts[0] & 0xffc0 == 0xfe80 || six == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
            {
                Kind::Metadata
            } else if parts[0] & 0xfe00 == 0xfc00 || parts[0] & 0xffc0 == 0xfec0 || parts[0] >> 8 == 0xff {
                Kind::Private
            } else {
                Kind::Public
            }
        }
    }
}

/// A range of addresses, `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    network: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads an address or a range.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let network: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { network, bits })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                u64::from(u32::from(network)) >> shift == u64::from(u32::from(address)) >> shift
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                let cut = |address: Ipv6Addr| u128::from(address).checked_shr(shift).unwrap_or(0);
                cut(network) == cut(address)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.16689662",
            "[::ffff:169.254.169.254]",
            "::ffff:a9fe:a9fe",
            "[64:ff9b::a9fe:a9fe]",
            "::169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "metadata.google.internal",
        ] {
            assert_eq!(kind_of(host), Kind::Metadata, "{host}");
        }
        for host in ["127.1", "0", "2130706433", "[::1]", "localhost", "0.0.0.0", "a.localhost", "0x7f.1"] {
            assert_eq!(kind_of(host), Kind::Loopback, "{host}");
        }
        for host in ["10.0.0.1", "192.168.1.1", "172.31.0.1", "[fc00::1]", "100.64.0.1"] {
            assert_eq!(kind_of(host), Kind::Private, "{host}");
        }
        for host in ["172.32.0.1", "8.8.8.8", "example.com", "1.2.3.4.5", "169.253.0.1"] {
            assert_eq!(kind_of(host), Kind::Public, "{host}");
        }
    }

    #[test]
    fn ranges_hold_their_addresses() {
        let range = Cidr::read("10.1.0.0/16").expect("a range");
        assert!(range.contains("10.1.2.3".parse().expect("an address")));
        assert!(!range.contains("10.2.2.3".parse().expect("an address")));
        assert!(Cidr::read("0.0.0.0/0").expect("a range").contains("1.2.3.4".parse().expect("an address")));
        for bad in ["10.0.0.0/33", "x/8", "10.0.0/8", ""] {
            assert_eq!(Cidr::read(bad), None, "{bad}");
        }
    }
}
