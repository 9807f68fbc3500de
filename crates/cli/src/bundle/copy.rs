//! PostgreSQL's binary COPY format, for one column of bytes.

use std::io::{self, Read};

/// What a copy begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// The longest value that PostgreSQL has.
const MAX_BYTES: u32 = 1 << 30;

/// Hands the column's value of each row to `each`, its memory used again.
pub fn read<E: From<io::Error>>(mut copy: impl Read, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut head = [0; 19];
    copy.read_exact(&mut head)?;
    let (signature, rest) = head.split_at(SIGNATURE.len());
    let (flags, extension) = rest.split_at(4);
    if signature != SIGNATURE || flags != [0; 4] {
        return Err(broken("it does not begin like a binary copy").into());
    }
    let extension = u64::from(u32::from_be_bytes([
        extension[0],
        extension[1],
        extension[2],
        extension[3],
    ]));
    io::copy(&mut (&mut copy).take(extension), &mut io::sink())?;
    let mut value = Vec::new();
    loop {
        let mut fields = [0; 2];
        copy.read_exact(&mut fields)?;
        match i16::from_be_bytes(fields) {
            -1 => return Ok(()),
            1 => {}
            other => return Err(broken(&format!("a row has {other} columns, not one")).into()),
        }
        let mut length = [0; 4];
        copy.read_exact(&mut length)?;
        let length = match u32::from_be_bytes(length) {
            u32::MAX => return Err(broken("a row is NULL: an event that is not sealed").into()),
            length if length > MAX_BYTES => return Err(broken("a value is longer than 1 GiB").into()),
            length => length,
        };
        value.clear();
        if (&mut copy).take(u64::from(length)).read_to_end(&mut value)? < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        each(&value)?;
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server's answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut values = Vec::new();
        read(bytes, |value| {
            values.push(value.to_vec());
            Ok::<_, io::Error>(())
        })?;
        Ok(values)
    }

    #[test]
    fn rows_are_read() {
        let head = [SIGNATURE.as_slice(), &[0; 8]].concat();
        let empty = [&head[..], b"\xff\xff"].concat();
        assert_eq!(values(&empty).expect("a copy"), Vec::<Vec<u8>>::new());
        let two = [&head[..], b"\0\x01\0\0\0\x02ab\0\x01\0\0\0\0\xff\xff"].concat();
        assert_eq!(values(&two).expect("a copy"), [b"ab".to_vec(), vec![]]);
        for bad in [
            [&head[..], b"\0\x01\xff\xff\xff\xff\xff\xff"].concat(),
            [&head[..], b"\0\x02"].concat(),
            [&head[..], b"\0\x01\0\0\0\x02a"].concat(),
            head.clone(),
            head[1..].to_vec(),
        ] {
            assert!(values(&bad).is_err(), "{bad:?}");
        }
    }
}
