//! Decimal numbers of any length, compared exactly: never through a float, which would take
//! 9007199254740993 for 9007199254740992.

use std::cmp::Ordering;

/// Exponents of more digits are not numbers here; PostgreSQL's `numeric` ends long before.
const EXPONENT_DIGITS: usize = 6;

/// A number in a text, as JSON writes numbers; a leading `+` or zero and a missing digit on one
/// side of the point are taken too.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// The number in `text`, when it is one.
    pub fn parse(text: &'a str) -> Option<Decimal<'a>> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let some = !whole.is_empty() || !fraction.is_empty();
        (some && digits(whole) && digits(fraction)).then_some(Decimal {
            negative,
            whole: whole.trim_start_matches('0'),
            fraction: fraction.trim_end_matches('0'),
            exponent,
        })
    }

    /// The digits from the first that is not zero.
    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole
            .bytes()
            .chain(self.fraction.bytes())
            .skip_while(|b| *b == b'0')
    }

    /// Where the point stands, counted from the first digit that is not zero.
    fn magnitude(&self) -> i64 {
        if !self.whole.is_empty() {
            return self.whole.len() as i64 + self.exponent;
        }
        let zeros = self.fraction.bytes().take_while(|b| *b == b'0').count();
        self.exponent - zeros as i64
    }

    fn is_zero(&self) -> bool {
        self.digits().next().is_none()
    }

    fn compare_size(&self, other: &Decimal<'_>) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        self.magnitude().cmp(&other.magnitude()).then_with(|| {
            let (mut a, mut b) = (self.digits(), other.digits());
            loop {
                match (a.next(), b.next()) {
                    (None, None) => return Ordering::Equal,
                    (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                        Ordering::Equal => {}
                        unequal => return unequal,
                    },
                }
            }
        })
    }

    /// The order of two numbers.
    pub fn compare(&self, other: &Decimal<'_>) -> Ordering {
        let sign = |number: &Decimal<'_>| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        match sign(self).cmp(&sign(other)) {
            Ordering::Equal if sign(self) < 0 => other.compare_size(self),
            Ordering::Equal => self.compare_size(other),
            unequal => unequal,
        }
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = (1..=EXPONENT_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// A JSON number's text in its shortest form: no zeros at the end of a fraction. An exponent stays
/// as it is; PostgreSQL's `jsonb` never holds one.
pub fn shortest(number: &str) -> &str {
    if !number.contains('.') || number.contains(['e', 'E']) {
        return number;
    }
    number.trim_end_matches('0').trim_end_matches('.')
}
