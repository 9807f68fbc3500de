//! Our reading and building of `jsonb` against PostgreSQL's own.

#[pgrx::pg_schema]
mod tests {
    use crate::store::{columns, jsonb, jsonb_build, row};
    use pgrx::prelude::*;

    /// Values that reach every branch of the layout: all types, nesting, alignment, more than 32 entries.
    fn values() -> Vec<String> {
        let mut values: Vec<String> = [
            "null",
            "true",
            "false",
            "0",
            "-0.00",
            "1.50",
            "1e10",
            "1.000000000000000000001",
            "12345678901234567890123456789012345678901234567890",
            "-0.000000000000000000000000000000000000012",
            "9999.0001",
            "10000",
            "0.0001",
            "100000000",
            "\"\"",
            "\"ä\\u0001\\\"\\\\\"",
            "[]",
            "{}",
            "[1,\"a\",null,[2.5,{\"b\":[]}],{\"ccc\":1,\"a\":2,\"bb\":{\"x\":null}}]",
            "{\"a\":\"x\",\"bb\":1,\"ä\":[true,false,null]}",
        ]
        .map(str::to_owned)
        .to_vec();
        let many: Vec<String> = (0..100)
            .map(|i| {
                if i % 3 == 0 {
                    format!("\"s{i}\"")
                } else {
                    format!("{i}.{i}")
                }
            })
            .collect();
        values.push(format!("[{}]", many.join(",")));
        let pairs: Vec<String> = (0..100)
            .map(|i| format!("\"key{}\":{}", "x".repeat(i % 7) + &i.to_string(), many[i]))
            .collect();
        values.push(format!("{{{}}}", pairs.join(",")));
        values
    }

    #[pg_test]
    fn jsonb_is_built_as_postgresql_builds_it() {
        for text in values() {
            // SAFETY: jsonb datums that were just made.
            unsafe {
                let theirs = row::bytes(columns::jsonb_from_text(text.clone()));
                let tree = jsonb::tree(theirs).unwrap();
                assert_eq!(row::bytes(jsonb_build::datum(&tree)), theirs, "{text}");
            }
        }
    }

    #[pg_test]
    fn numbers_are_read_as_postgresql_prints_them() {
        for text in values() {
            let printed: String = Spi::get_one_with_args("SELECT $1::jsonb::text", &[text.as_str().into()])
                .unwrap()
                .unwrap();
            // SAFETY: a jsonb datum that was just made.
            let tree = unsafe { jsonb::tree(row::bytes(columns::jsonb_from_text(text))) }.unwrap();
            let mut ours = String::new();
            columns::write_json(&tree, &mut ours);
            assert_eq!(ours, printed.replace(", ", ",").replace(": ", ":"));
        }
    }

    #[pg_test]
    fn damaged_jsonb_is_refused_or_read_but_never_trusted() {
        for text in values() {
            // SAFETY: a jsonb datum that was just made.
            let good = unsafe { row::bytes(columns::jsonb_from_text(text)) }.to_vec();
            for i in 0..good.len() {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[i] ^= 1 << bit;
                    let mut out = Vec::new();
                    let _ = jsonb::canonical(&bad, &mut out);
                    let _ = jsonb::tree(&bad);
                }
            }
            for end in 0..good.len() {
                let _ = jsonb::tree(&good[..end]);
            }
        }
    }
}
