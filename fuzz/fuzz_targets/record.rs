//! The record: every line of the text is a path, a link's text and a salt. Whatever they hold, they can
//! be read back, and the lines are sorted and each there once.

#![no_main]

use fp::path::RootPath;
use fp::record::{ContentDigest, Item, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let texts = bytes.split(|byte| *byte == b'|');
    let paths: Vec<_> = texts.clone().map(|text| RootPath::parse(text).ok()).collect();
    let items: Vec<Item<'_>> = texts
        .zip(&paths)
        .flat_map(|(text, path)| items(text, path.as_ref()))
        .collect();
    let record = Record::new(items.iter().cloned());
    let encoded = record.as_str();
    let lines: Vec<&str> = encoded.split_inclusive('\n').skip(1).collect();
    assert!(
        lines
            .windows(2)
            .all(|pair| pair[0].as_bytes() < pair[1].as_bytes())
    );
    let read: Vec<Vec<Vec<u8>>> = lines.iter().map(|line| fields(line)).collect();
    assert_eq!(read.len(), record.fields().count());
    assert_eq!(Record::read(encoded.into()).as_ref(), Some(&record));
    for item in &items {
        assert!(
            read.contains(&expected(item)),
            "{item:?} is not in {encoded}"
        );
    }
});

fn items<'a>(text: &'a [u8], path: Option<&'a RootPath>) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    if let Some(path) = path {
        items.push(Item::Context(path));
        items.push(Item::Link { path, text });
    }
    if let Ok(text) = str::from_utf8(text) {
        items.push(Item::Salt(text));
        items.push(Item::Arg {
            name: text,
            digest: ContentDigest::of(text.as_bytes()),
        });
    }
    items
}

fn expected(item: &Item<'_>) -> Vec<Vec<u8>> {
    match item {
        Item::Context(path) => vec![b"context".to_vec(), path.as_bytes().to_vec()],
        Item::Link { path, text } => {
            vec![b"link".to_vec(), path.as_bytes().to_vec(), text.to_vec()]
        }
        Item::Salt(text) => vec![b"salt".to_vec(), text.as_bytes().to_vec()],
        Item::Arg { name, digest } => {
            let digest = digest.to_string().into_bytes();
            vec![b"arg".to_vec(), name.as_bytes().to_vec(), digest]
        }
        other => panic!("{other:?} was not put in"),
    }
}

/// Reads a line back, by the rules of docs/FINGERPRINT.md.
fn fields(line: &str) -> Vec<Vec<u8>> {
    let line = line.strip_suffix('\n').expect("every line is ended");
    line.split('\t').map(unescaped).collect()
}

fn unescaped(field: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first().expect("something is escaped");
        rest = after;
        bytes.push(match kind {
            b'\\' => b'\\',
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            b'x' => {
                let digits = str::from_utf8(&rest[..2]).expect("two digits follow");
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).expect("two digits follow")
            }
            other => panic!("nothing is written as `\\{}`", char::from(other)),
        });
    }
    bytes
}
