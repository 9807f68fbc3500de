//! Numbers below 2^35 in one to five bytes, seven bits each, the lowest first (LEB128).

use crate::chunk::Corrupt;

/// The longest number: enough for a 32-bit value with two flag bits.
const MAX_BYTES: usize = 5;

/// Appends `value`, which must be below 2^35.
#[inline]
pub fn write(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`write()`] appends.
pub fn length(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Reads the number at `*at` and moves `*at` behind it.
///
/// # Errors
/// When the bytes end inside the number, or it has more than five.
#[inline]
pub fn read(bytes: &[u8], at: &mut usize) -> Result<u64, Corrupt> {
    let first = *bytes.get(*at).ok_or(Corrupt("a number is cut off"))?;
    *at += 1;
    if first < 0x80 {
        return Ok(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for place in 1..MAX_BYTES {
        let byte = *bytes.get(*at).ok_or(Corrupt("a number is cut off"))?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Corrupt("a number is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_have_the_length_foretold() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), (1 << 35) - 1] {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), length(value));
            let mut at = 0;
            assert_eq!(read(&bytes, &mut at), Ok(value));
            assert_eq!(at, bytes.len());
            assert!(read(&bytes[..bytes.len() - 1], &mut 0).is_err());
        }
        assert!(read(&[0x80; 6], &mut 0).is_err());
    }
}
