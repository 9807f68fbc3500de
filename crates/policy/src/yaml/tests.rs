use super::*;

fn at(node: &Node) -> (usize, usize) {
    (node.place.line, node.place.column)
}

#[test]
fn values_and_keys_have_places() {
    let text = "name: \"Üben\"\nthreshold:\n  count: 05\n  on: no\n  list: [a, 2.50, ~, true]\n";
    let root = read(text).expect("YAML");
    let threshold = &root.entries().expect("a mapping")[1];
    assert_eq!((threshold.place.line, threshold.place.column), (2, 1));
    let count = threshold.node.get("count").expect("count");
    assert_eq!((at(count), count.scalar()), ((3, 10), Some("05")));
    assert_eq!(
        threshold.node.get("on").expect("on").value,
        Value::Text("no".to_owned())
    );
    let Value::List(items) = &threshold.node.get("list").expect("list").value else {
        panic!("a list")
    };
    let shown: Vec<_> = items.iter().map(|item| (at(item), item.scalar())).collect();
    assert_eq!(
        shown,
        [
            ((5, 10), Some("a")),
            ((5, 13), Some("2.50")),
            ((5, 19), None),
            ((5, 22), Some("true"))
        ]
    );
}

#[test]
fn json_is_read_too() {
    let root = read("{\n\t\"name\": \"x\\u0041\",\n\t\"labels\": {\"a\": \"b\"}, \"n\": [1, -2, 1e3]}").expect("JSON");
    assert_eq!(root.get("name").and_then(Node::scalar), Some("xA"));
    let Value::List(items) = &root.get("n").expect("n").value else {
        panic!("a list")
    };
    assert_eq!(
        items.iter().map(|n| n.scalar()).collect::<Vec<_>>(),
        [Some("1"), Some("-2"), Some("1e3")]
    );
}

#[test]
fn what_is_no_yaml_is_refused_with_its_place() {
    for (text, line) in [
        ("a: 1\na: 2\n", 2),
        ("a: [1,\n", 2),
        ("", 1),
        ("a: 1\n---\nb: 2\n", 3),
        ("a: &x [*x]\n", 1),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.place.line.abs_diff(line) <= 1, "{text:?}: {error:?}");
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}");
    }
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    read(&deep).expect_err("too deep");
    let bomb = (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let items = vec![format!("*a{}", n - 1); 10].join(",");
        format!("{text}a{n}: &a{n} [{items}]\n")
    });
    read(&bomb).expect_err("too many nodes");
}

#[test]
fn a_place_is_told_once() {
    let error = read("a: 1\nb: *c\n").expect_err("no such anchor");
    assert_eq!((error.place.line, error.place.column), (2, 4));
    assert_eq!(error.message, "reference to unknown value");
}

#[test]
fn what_can_not_be_written_again_is_refused() {
    for (text, place) in [
        ("a: 1\nb: \"x\\uffff\"", (2, 4)),
        ("{\"a\": 1, \"\\ufffe\": 2}", (1, 10)),
        ("- - \"\\ufffe\"", (1, 5)),
        ("\"\\x7f\"", (1, 1)),
        ("a: \"x\\x80\"", (1, 4)),
        ("a: \"x\\u009f\"", (1, 4)),
    ] {
        let error = read(text).expect_err(text);
        assert_eq!((error.place.line, error.place.column), place, "{text}");
        assert!(error.message.contains("character"), "{error:?}");
    }
    read("a: \"\\ufffd\\U0001fffe\"").expect("characters of YAML");
}

#[test]
fn a_character_is_found_in_its_line() {
    for (text, at, column) in [
        ("q: ab cd", 3, 7),
        ("q: \"ab cd\"", 3, 8),
        ("q: 'a''b cd'", 4, 10),
        (r#"q: "a\"b cd""#, 4, 10),
        (r#"{"q": "a\u0041 c"}"#, 3, 16),
        ("q: ab", 2, 6),
        ("q: >\n  ab\n  cd\n", 3, 3),
        // the end of a text that ends two lines below
        ("q: \"ab\n\n \"", 3, 4),
        ("q: \"ab\r\n\r\n \"", 3, 4),
    ] {
        let root = read(text).expect(text);
        let node = root.get("q").expect("q");
        assert_eq!(node.place_of(at, text).column, column, "{text}");
    }
}

#[test]
fn an_alias_is_what_it_names_at_the_place_where_it_stands() {
    let root = read("a: &five 5.0\nb: *five\n").expect("YAML");
    let alias = root.get("b").expect("b");
    assert_eq!((alias.scalar(), at(alias)), (Some("5.0"), (2, 4)));
}
