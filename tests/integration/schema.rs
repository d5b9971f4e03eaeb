//! docs/fingerprint.schema.json: what fp accepts, editors accept as well.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../docs/fingerprint.schema.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
});

/// Checks that the schema accepts `config`, which fp accepts.
#[track_caller]
pub(crate) fn accepts(name: &str, config: &str) {
    let config: Value = toml::from_str(config).expect("TOML");
    let mistakes: Vec<_> = SCHEMA
        .iter_errors(&config)
        .map(|mistake| format!("{}: {mistake}", mistake.instance_path()))
        .collect();
    assert!(mistakes.is_empty(), "{name}: {mistakes:?}");
}

#[test]
fn mistakes_are_seen_in_an_editor() {
    let image = |image: Value| json!({ "format": 1, "images": { "ci": image } });
    accepts("the least", "format = 1\n[images.ci]\n");
    for wrong in [
        json!({ "images": { "ci": {} } }),
        json!({ "format": 1, "images": {} }),
        json!({ "format": 1, "images": { "ci": {} }, "defaults": { "matrix": { "a": ["b"] } } }),
        image(json!({ "repositry": "x" })),
        image(json!({ "push": "sometimes" })),
        image(json!({ "args": { "A": { "env": "B", "file": "C" } } })),
        image(json!({ "args": { "A": 1 } })),
        image(json!({ "verify": ["gcc"] })),
        image(json!({ "matrix": { "a": { "each": "no star" } } })),
    ] {
        assert!(!SCHEMA.is_valid(&wrong), "{wrong}");
    }
}
