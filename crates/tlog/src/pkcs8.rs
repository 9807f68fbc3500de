//! The one kind of PKCS#8 file there is for Ed25519: RFC 5958 with RFC 8410, in the PEM of RFC 7468.
//!
//! Read by hand so that the message can say what else the file is, which is what people ask.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::key::{KeyFileError, SigningKey};

const LABEL: &str = "PRIVATE KEY";

/// What stands before the seed in version 1: SEQUENCE { 0, { 1.3.101.112 }, OCTET STRING { OCTET STRING } }.
const PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BITS: u8 = 0x03;
const OBJECT: u8 = 0x06;
/// `[0]` of PrivateKeyInfo.
const ATTRIBUTES: u8 = 0xa0;
/// `[1]`, implicitly tagged: the public key as RFC 5958 has it.
const PUBLIC: u8 = 0x81;
/// `[1]`, explicitly tagged: as some libraries write it.
const PUBLIC_EXPLICIT: u8 = 0xa1;

/// The file of the key with the seed `seed`.
pub(crate) fn write(seed: &[u8; 32]) -> Zeroizing<String> {
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&PREFIX);
    der[16..].copy_from_slice(seed);
    let base64 = Zeroizing::new(STANDARD.encode(&der[..]));
    Zeroizing::new(format!("-----BEGIN {LABEL}-----\n{}\n-----END {LABEL}-----\n", *base64))
}

/// The seed in the file `text`.
pub(crate) fn read(text: &str) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    parse(&unwrap(text)?)
}

/// The bytes in the PEM block of `text`.
fn unwrap(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let begins = |line: &&str| label(line, "-----BEGIN ").is_some();
    let mut lines = text.lines().map(str::trim).skip_while(|line| !begins(line));
    let label_found = lines
        .next()
        .and_then(|line| label(line, "-----BEGIN "))
        .ok_or(KeyFileError::NoPem)?;
    if label_found != LABEL {
        return Err(KeyFileError::Label(label_found.to_owned(), hint(label_found)));
    }
    // Reserved at once, so that growing leaves no copy behind.
    let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
    loop {
        let line = lines.next().ok_or(KeyFileError::Unfinished)?;
        if label(line, "-----END ") == Some(LABEL) {
            break;
        }
        base64.push_str(line);
    }
    if lines.any(|line| begins(&line)) {
        return Err(KeyFileError::Several);
    }
    STANDARD
        .decode(&*base64)
        .map(Zeroizing::new)
        .map_err(|_| KeyFileError::Base64)
}

/// The label of a PEM line that starts with `start`.
fn label<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

/// What to do about a block of another kind.
fn hint(label: &str) -> &'static str {
    match label {
        "ENCRYPTED PRIVATE KEY" => ": the key is protected by a password; «openssl pkey -in … -out …» removes it",
        "PUBLIC KEY" => ": this is the public key",
        "OPENSSH PRIVATE KEY" => ": this is a key of ssh",
        "EC PRIVATE KEY" | "RSA PRIVATE KEY" => ": this is a key for another algorithm",
        _ => "",
    }
}

/// PrivateKeyInfo or OneAsymmetricKey with an Ed25519 key.
fn parse(der: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let (info, rest) = element(der, SEQUENCE)?;
    end(rest)?;
    let (version, info) = element(info, INTEGER)?;
    if !matches!(version, [0 | 1]) {
        return Err(KeyFileError::Der("it has an unknown version"));
    }
    let (algorithm, info) = element(info, SEQUENCE)?;
    check_algorithm(algorithm)?;
    let (wrapped, info) = element(info, OCTETS)?;
    let (seed, rest) = element(wrapped, OCTETS)?;
    end(rest)?;
    let seed: [u8; 32] = seed
        .try_into()
        .map_err(|_| KeyFileError::Der("the key has not 32 bytes"))?;
    let seed = Zeroizing::new(seed);
    check_public(info, version == [1], &seed)?;
    Ok(seed)
}

fn check_algorithm(algorithm: &[u8]) -> Result<(), KeyFileError> {
    let (object, rest) = element(algorithm, OBJECT)?;
    let other = match object {
        [0x2b, 0x65, 0x70] => return end(rest),
        [0x2b, 0x65, 0x6e] => "X25519",
        [0x2b, 0x65, 0x6f] => "X448",
        [0x2b, 0x65, 0x71] => "Ed448",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => "ECDSA",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, ..] => "RSA",
        _ => "another algorithm",
    };
    Err(KeyFileError::Algorithm(other))
}

/// Checks what stands behind the private key: attributes, and in version 2 the public key.
fn check_public(mut rest: &[u8], version2: bool, seed: &[u8; 32]) -> Result<(), KeyFileError> {
    if rest.first() == Some(&ATTRIBUTES) {
        (_, rest) = element(rest, ATTRIBUTES)?;
    }
    let bits = match rest.first() {
        Some(&PUBLIC) if version2 => {
            let (bits, after) = element(rest, PUBLIC)?;
            rest = after;
            Some(bits)
        }
        Some(&PUBLIC_EXPLICIT) if version2 => {
            let (bits, after) = element(rest, PUBLIC_EXPLICIT)?;
            rest = after;
            let (bits, after) = element(bits, BITS)?;
            end(after)?;
            Some(bits)
        }
        _ => None,
    };
    end(rest)?;
    // The first byte of a bit string says how many bits of the last don't count.
    match bits {
        Some([0, public @ ..]) if *public == SigningKey::from_seed(seed).public() => Ok(()),
        Some(_) => Err(KeyFileError::Public),
        None => Ok(()),
    }
}

fn end(rest: &[u8]) -> Result<(), KeyFileError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(KeyFileError::Der("bytes follow that do not belong to it"))
    }
}

/// The content of the DER element with the tag `tag` that `der` begins with, and what follows it.
fn element(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), KeyFileError> {
    const CUT: KeyFileError = KeyFileError::Der("it is cut off");
    let (found, rest) = der.split_first().ok_or(CUT)?;
    if *found != tag {
        return Err(KeyFileError::Der("it is no private key of PKCS#8"));
    }
    let (length, rest) = match rest.split_first().ok_or(CUT)? {
        (short @ 0..=0x7f, rest) => (usize::from(*short), rest),
        (0x81, [length @ 0x80..=0xff, rest @ ..]) => (usize::from(*length), rest),
        (0x82, [high @ 1..=0xff, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return Err(KeyFileError::Der("it has an impossible length")),
    };
    rest.split_at_checked(length).ok_or(CUT)
}
