//! docs/fingerprint.schema.json names exactly the keys that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Draft, MistakeKind};

const SCHEMA: &str = include_str!("../../../docs/fingerprint.schema.json");

/// The keys that fp knows in the table that ends `text`.
fn known(text: &str) -> BTreeSet<String> {
    let text = format!("{text}\nnot-a-key = 1\n");
    let mistake = Draft::parse(&text).err().expect("there is no such key");
    match mistake.kind {
        MistakeKind::UnknownKey { known, .. } => known.into_iter().collect(),
        other => panic!("{other}"),
    }
}

/// The keys of the object that the schema describes at `place`.
fn described(schema: &Value, place: &str) -> BTreeSet<String> {
    let object = schema.pointer(place).expect("the schema describes it");
    assert_eq!(object["additionalProperties"], false, "{place}");
    let properties = object["properties"].as_object().expect("it has keys");
    properties.keys().cloned().collect()
}

#[test]
fn every_table_is_described_with_its_keys() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for (text, place) in [
        ("", ""),
        ("[images.ci]", "/$defs/image"),
        ("[engine]", "/properties/engine"),
        (
            "[registry.\"x:1\"]",
            "/properties/registry/additionalProperties",
        ),
    ] {
        assert_eq!(known(text), described(&schema, place), "{text}");
    }
    let mut defaults = known("[defaults]");
    defaults.retain(|key| !matches!(key.as_str(), "matrix" | "needs"));
    assert_eq!(defaults, described(&schema, "/properties/defaults"));
    let tables = ["/$defs/secret/anyOf/0", "/$defs/secret/anyOf/1"];
    let secrets = tables.map(|place| described(&schema, place));
    assert_eq!(known("[images.ci.secrets.A]"), &secrets[0] | &secrets[1]);
    let tables = ["/$defs/value/anyOf/1", "/$defs/value/anyOf/2"];
    let values = tables.map(|place| described(&schema, place));
    assert_eq!(known("[images.ci.args.A]"), &values[0] | &values[1]);
}
