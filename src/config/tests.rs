//! What fingerprint.toml means, and what is wrong in it.

mod room;
mod schema;

use std::collections::BTreeSet;

use super::draft::{Draft, Entry};
use super::matrix::Matches;
use super::{ArgValue, Image, Mistake, MistakeKind, Push};
use crate::environment::Environment;

const HEAD: &str = "format = 1\n[images.ci]\ninputs = [\"a\"]\n";

fn images(text: &str, variables: &[(&str, &str)]) -> Result<Vec<Entry>, Mistake> {
    let environment: Environment = variables.iter().copied().collect();
    Draft::parse(text)?.resolve(&environment, &Matches::new())
}

fn resolve(text: &str, variables: &[(&str, &str)]) -> Result<Image, Mistake> {
    images(text, variables)?.remove(0).image
}

/// The mistake in `HEAD` followed by `text`, and the piece of the file that it points at.
fn mistake(text: &str) -> (MistakeKind, String) {
    let text = format!("{HEAD}{text}");
    let mistake = resolve(&text, &[]).unwrap_err();
    let place = mistake
        .span
        .map(|span| text[span].to_owned())
        .unwrap_or_default();
    (mistake.kind, place)
}

#[test]
fn defaults_are_applied() {
    let image = resolve(HEAD, &[]).unwrap();
    assert_eq!(image.dockerfile.as_bytes(), b"Dockerfile");
    assert!(image.context.is_root() && image.repository.is_none() && image.args.is_empty());
    assert_eq!(image.push, Push::Auto);
}

#[test]
fn unknown_keys_are_pointed_at_with_a_near_name() {
    let (kind, place) = mistake("repositry = \"x\"\n");
    assert_eq!(place, "repositry");
    assert_eq!(kind.hint().unwrap(), "did you mean `repository`?");
    let (kind, place) = mistake("[engine]\nuse = \"docker\"\nwhat = 1\n");
    assert_eq!(
        (place.as_str(), kind.hint().unwrap().as_str()),
        ("what", "known keys are use, isolation")
    );
    let (kind, place) = mistake("args = { A = { envv = \"B\" } }\n");
    assert_eq!(
        (place.as_str(), kind.hint().unwrap().as_str()),
        ("envv", "did you mean `env`?")
    );
}

#[test]
fn wrong_types_are_pointed_at() {
    let (kind, place) = mistake("salt = 3\n");
    assert_eq!(place, "3");
    assert_eq!(
        kind.to_string(),
        "invalid type: integer `3`, expected a string"
    );
    let (kind, place) = mistake("args = { A = 3 }\n");
    assert_eq!(place, "3");
    assert!(
        kind.to_string().contains("expected a string, { env"),
        "{kind}"
    );
    assert_eq!(mistake("push = \"sometimes\"\n").1, "\"sometimes\"");
}

#[test]
fn wrong_values_are_pointed_at() {
    for (text, place) in [
        ("repository = \"a b\"", "\"a b\""),
        ("repository = \"{env\"", "\"{env\""),
        ("tag = \"x\"", "\"x\""),
        (
            "tag = \"fp-staging-{fingerprint:16}\"",
            "\"fp-staging-{fingerprint:16}\"",
        ),
        (
            "tag = \"fp-cache-{fingerprint:16}\"",
            "\"fp-cache-{fingerprint:16}\"",
        ),
        ("cache = \"s3\"", "\"s3\""),
        ("cache_from = [\"type=gha\", \"x=y\"]", "\"x=y\""),
        (
            "repository = \"r.io/a\"\ncache_to = [\"r.io/a:b\"]",
            "\"r.io/a:b\"",
        ),
        ("tag = \"-{fingerprint:16}\"", "\"-{fingerprint:16}\""),
        ("context = \"../x\"", "\"../x\""),
        ("target = \"\"", "\"\""),
        (
            "source = \"https://token@host/x\"",
            "\"https://token@host/x\"",
        ),
        ("args = { BUILDKIT_SYNTAX = \"x\" }", "BUILDKIT_SYNTAX"),
        ("args = { http_proxy = \"x\" }", "http_proxy"),
        ("args = { TARGETARCH = \"x\" }", "TARGETARCH"),
        ("args = { a-b = \"x\" }", "a-b"),
        ("args = { A = { default = \"x\" } }", "{ default = \"x\" }"),
        (
            "args = { A = { env = \"X\", file = \"x\" } }",
            "{ env = \"X\", file = \"x\" }",
        ),
    ] {
        assert_eq!(mistake(text).1, place, "{text}");
    }
}

#[test]
fn inputs_may_be_left_to_the_dockerfile() {
    let text = "format = 1\n[images.ci]\n";
    assert!(resolve(text, &[]).unwrap().inputs.is_none());
    let none = resolve(&format!("{text}inputs = []\n"), &[]).unwrap();
    assert!(none.inputs.unwrap().is_empty());
}

#[test]
fn platforms_are_parsed_and_sorted() {
    let text = "platforms = [\"linux/arm64/v8\", \"linux/amd64\"]\n";
    let image = resolve(&format!("{HEAD}{text}"), &[]).unwrap();
    let platforms: Vec<_> = image.platforms.iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    for (text, place) in [
        ("platforms = [\"arm64\"]", "\"arm64\""),
        ("platforms = [\"linux/ARM\"]", "\"linux/ARM\""),
        (
            "platforms = [\"linux/arm64\", \"linux/arm64/v8\"]",
            "\"linux/arm64/v8\"",
        ),
        ("platforms = []", "[]"),
    ] {
        assert_eq!(mistake(text).1, place, "{text}");
    }
}

#[test]
fn formats_and_names_are_checked() {
    for text in [
        "format = 9\n[images.a]\ninputs = []",
        "[images.a]\ninputs = []",
        "format = 1",
        "format = 1\n[images.A]\ninputs = []",
        "format = 1\n[images.a--b]\ninputs = []",
    ] {
        assert!(resolve(text, &[]).is_err(), "{text}");
    }
}

#[test]
fn a_name_too_long_for_a_repository_is_refused_before_it_is_made_part_of_one() {
    let image = |length| {
        resolve(
            &format!("format = 1\n[images.{}]\n", "a".repeat(length)),
            &[],
        )
    };
    let longest = image(128).unwrap().repository();
    assert_eq!(longest.path(), format!("fp/{}", "a".repeat(128)));
    assert!(matches!(
        image(129).unwrap_err().kind,
        MistakeKind::LongImageName(129)
    ));
}

#[test]
fn what_the_environment_decides_matters_only_to_images_asked_for() {
    let other = "[images.b]\ninputs = []\nrepository = \"ghcr.io/{env:X}\"\n";
    for value in ["", "a b"] {
        let images = images(&format!("{HEAD}{other}"), &[("X", value)]).unwrap();
        let [b, ci] = images.as_slice() else {
            panic!("two images")
        };
        assert!(b.image.is_err() && ci.image.is_ok(), "sorted: b before ci");
    }
    let literal = other.replace("{env:X}", "a b");
    assert!(images(&format!("{HEAD}{literal}"), &[]).is_err());
}

#[test]
fn values_come_from_where_the_table_says() {
    let text = format!(
        "{HEAD}args = {{ L = \"l\", E = {{ env = \"E\" }}, D = {{ env = \"D\", default = \"d\" }}, \
         F = {{ file = \"./VERSION\" }} }}\nrepository = \"ghcr.io/{{env:OWNER}}/x\""
    );
    let image = resolve(&text, &[("E", ""), ("D", ""), ("OWNER", "Acme")]).unwrap();
    let text = |name: &str| match &image.args[name].value {
        ArgValue::Text(text) => text.clone(),
        ArgValue::File(path) => format!("file {path}"),
        ArgValue::Key { path, key, .. } => format!("{key:?} in {path}"),
    };
    assert_eq!(
        ["L", "E", "D", "F"].map(text),
        ["l", "", "d", "file VERSION"].map(str::to_owned)
    );
    assert_eq!(image.repository.unwrap().to_string(), "ghcr.io/acme/x");
    let mistake = resolve(&format!("{HEAD}args = {{ E = {{ env = \"E\" }} }}"), &[]).unwrap_err();
    assert!(matches!(mistake.kind, MistakeKind::Unset(name) if name == "E"));
}

/// The names of the images, or the mistake and the piece of the file that it points at.
fn names(text: &str) -> Result<String, (String, String)> {
    match images(text, &[]) {
        Ok(entries) => {
            let names = entries.iter().map(|entry| entry.name.as_str());
            Ok(names.collect::<Vec<_>>().join(" "))
        }
        Err(mistake) => {
            let place = text[mistake.span.unwrap_or_default()].to_owned();
            Err((mistake.kind.to_string(), place))
        }
    }
}

#[test]
fn an_image_has_what_it_leaves_to_the_defaults() {
    let text = "format = 1\n[defaults]\nsalt = \"s\"\ninputs = [\"a\"]\nargs = { A = \"1\", B = \"1\" }\n\
                [images.ci]\ninputs = [\"b\"]\nargs = { B = \"2\", C = \"2\" }\n";
    let image = resolve(text, &[]).unwrap();
    assert_eq!(image.salt.as_deref(), Some("s"));
    let inputs: Vec<_> = image
        .inputs
        .iter()
        .flatten()
        .map(|entry| entry.text())
        .collect();
    assert_eq!(inputs, ["b"]);
    let args = image.args.iter().map(|(name, arg)| match &arg.value {
        ArgValue::Text(text) => (name.as_str(), text.as_str(), arg.is_default),
        value => panic!("{value:?}"),
    });
    let expected = [("A", "1", true), ("B", "2", false), ("C", "2", false)];
    assert_eq!(args.collect::<Vec<_>>(), expected);
}

#[test]
fn a_wrong_default_is_told_even_if_no_image_has_it() {
    let text = "format = 1\n[defaults]\ntag = \"x\"\n[images.ci]\ntag = \"{fingerprint}\"\n";
    assert_eq!(names(text).unwrap_err().1, "\"x\"");
    let text = "format = 1\n[defaults]\nmatrix = { a = [\"b\"] }\n[images.ci]\n";
    assert_eq!(names(text).unwrap_err().1, "{ a = [\"b\"] }");
}

#[test]
fn a_matrix_gives_an_image_for_each_choice() {
    let text = "format = 1\n[images.\"ci-{os}-{v}\"]\nmatrix = { os = [\"b\", \"a\"], v = [\"1\", \"2\"] }\n";
    assert_eq!(names(text).unwrap(), "ci-a-1 ci-a-2 ci-b-1 ci-b-2");
}

#[test]
fn names_of_a_matrix_are_replaced_in_all_texts_of_their_table() {
    let text = "format = 1\n[defaults]\nsalt = \"{d}{{\"\n[images.\"x-{d}\"]\nmatrix = { d = [\"1{\"] }\n\
                target = \"t{d}{{}}\"\ninputs = [\"{d}\"]\nargs = { A = \"{d}\" }\n\
                tag = \"t-{fingerprint:16}-{arg:A}\"\n";
    let wrong = names(text).unwrap_err();
    assert_eq!(wrong.1, "\"x-{d}\"");
    let text = text.replace("1{", "1");
    let image = resolve(&text, &[]).unwrap();
    assert_eq!(image.target.as_deref(), Some("t1{}"));
    assert_eq!(image.inputs.unwrap()[0].text(), "1");
    // Another table's texts are as they stand.
    assert_eq!(image.salt.as_deref(), Some("{d}{{"));
    assert_eq!(image.args["A"].value, ArgValue::Text("1".into()));
}

#[test]
fn names_of_a_matrix_are_replaced_in_templates_and_nothing_else_is() {
    let text = "format = 1\n[images.\"x-{d}\"]\nmatrix = { d = [\"1\"] }\n\
                repository = \"ghcr.io/{env:OWNER:-acme}/{d}\"\ntag = \"{d}-{fingerprint:16}\"\n";
    let image = resolve(text, &[]).unwrap();
    assert_eq!(image.repository.unwrap().to_string(), "ghcr.io/acme/1");
}

#[test]
fn mistakes_in_a_matrix_have_their_place_and_their_cell() {
    for (matrix, place) in [
        ("{}", "{}"),
        ("{ d = [] }", "d"),
        ("{ arg = [\"x\"] }", "arg"),
        ("{ d-d = [\"x\"] }", "d-d"),
        ("{ d = [\"x\", \"x\"] }", "\"x-{d}\""),
        ("{ d = [\"X\"] }", "\"x-{d}\""),
        ("{ e = [\"x\"] }", "\"x-{d}\""),
        ("{ d = [1] }", "1"),
        ("{ d = \"x\" }", "\"x\""),
        ("{ d = { each = \"a\" } }", "\"a\""),
        ("{ d = { each = \"*/*\" } }", "\"*/*\""),
        ("{ d = { each = \"**\" } }", "\"**\""),
        ("{ d = { each = \"!*\" } }", "\"!*\""),
        ("{ d = { each = \"a*/?\" } }", "\"a*/?\""),
        ("{ d = { each = \"a/*\" } }", "\"a/*\""),
        ("{ d = { all = \"a/*\" } }", "all"),
    ] {
        let text = format!("format = 1\n[images.\"x-{{d}}\"]\nmatrix = {matrix}\n");
        assert_eq!(names(&text).unwrap_err().1, place, "{matrix}");
    }
    let text =
        "format = 1\n[images.\"x-{d}\"]\nmatrix = { d = [\"1\", \"2\"] }\ncontext = \"/{d}\"\n";
    let mistake = images(text, &[]).unwrap_err();
    let table = mistake.table.unwrap();
    assert_eq!(table, "[images.\"x-{d}\"] with d = \"1\"");
}

#[test]
fn a_matrix_is_not_unrolled_beyond_all_measure() {
    let list = format!("[{}]", "\"a\", ".repeat(40));
    let matrix = format!("{{ a = {list}, b = {list}, c = {list} }}");
    let text = format!("format = 1\n[images.\"x-{{a}}\"]\nmatrix = {matrix}\n");
    let (told, place) = names(&text).unwrap_err();
    assert_eq!(
        (told.as_str(), place),
        ("the matrix gives more than 1024 images", matrix)
    );
}

#[test]
fn two_tables_cannot_make_one_name() {
    let text = "format = 1\n[images.\"a-{d}\"]\nmatrix = { d = [\"b\"] }\n[images.a-b]\n";
    let (told, place) = names(text).unwrap_err();
    assert_eq!(place, "\"a-{d}\"");
    assert!(told.ends_with("the other one is [images.a-b]"), "{told}");
}

#[test]
fn each_gives_what_its_star_stands_for() {
    let text =
        "format = 1\n[images.\"x-{d}\"]\nmatrix = { d = { each = \"./docker//a*/Dockerfile\" } }\n";
    let paths = [
        "docker/ab/Dockerfile",
        "docker/a1/Dockerfile",
        "docker/ab/Dockerfile/x",
    ];
    let parse = |path: &str| crate::path::RootPath::parse(path.as_bytes()).unwrap();
    let matches = |paths: &[&str]| {
        let paths = paths.iter().map(|path| parse(path)).collect();
        Matches::from([("./docker//a*/Dockerfile".to_owned(), paths)])
    };
    let unrolled =
        |paths: &[&str]| Draft::parse(text)?.resolve(&Environment::default(), &matches(paths));
    let entries = unrolled(&paths).unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["x-1", "x-b"]);
    let mistake = unrolled(&[]).unwrap_err();
    assert!(matches!(mistake.kind, MistakeKind::EachNothing(_)));
}

#[test]
fn a_tag_takes_arguments_that_do_not_come_from_the_environment() {
    let tag = |tag: &str| {
        let args =
            "args = { A = \"full\", F = { file = \"v\" }, E = { env = \"E\", default = \"e\" } }";
        resolve(&format!("{HEAD}{args}\ntag = \"{tag}\"\n"), &[]).map(|_| ())
    };
    tag("{arg:A}-{arg:F}-{fingerprint:16}").unwrap();
    for (text, wrong) in [
        ("{arg:E}-{fingerprint}", "comes from the environment"),
        ("{arg:X}-{fingerprint}", "`args` does not have"),
        ("{arg}-{fingerprint}", "`{arg}` is not known here"),
        (
            "fp-staging-{arg:A}-{fingerprint}",
            "which fp keeps for itself",
        ),
    ] {
        let told = tag(text).unwrap_err().kind.to_string();
        assert!(told.contains(wrong), "{told}");
    }
}

#[test]
fn keys_lead_into_files_that_have_keys() {
    let arg = |table: &str| resolve(&format!("{HEAD}args = {{ A = {table} }}\n"), &[]).map(drop);
    arg("{ file = \"a.toml\", key = \"b.c\" }").unwrap();
    for table in [
        "{ file = \"a.yaml\", key = \"b\" }",
        "{ file = \"a.toml\", key = \"b.\" }",
        "{ key = \"b\" }",
        "{ env = \"E\", key = \"b\" }",
    ] {
        assert!(arg(table).is_err(), "{table}");
    }
}

#[test]
fn registries_without_tls_are_named_as_repositories_begin() {
    let plain = |text: &str| Draft::parse(text).unwrap().plain_http();
    let text =
        format!("{HEAD}[registry.\"lab:5000\"]\nplain_http = true\n[registry.\"ghcr.io\"]\n");
    assert_eq!(
        plain(&text).unwrap(),
        BTreeSet::from(["lab:5000".to_owned()])
    );
    for name in [
        "lab",
        "http://lab:5000",
        "lab:5000/acme",
        "index.docker.io",
        "lab:port",
    ] {
        let text = format!("{HEAD}[registry.\"{name}\"]\n");
        let mistake = plain(&text).unwrap_err();
        assert!(matches!(mistake.kind, MistakeKind::Registry(text) if text == name));
        assert_eq!(&text[mistake.span.unwrap()], format!("\"{name}\""));
    }
}

#[test]
fn what_an_image_is_built_on_is_there_and_needs_it_not() {
    let built_on = |needs: &str, rest: &str| {
        names(&format!(
            "format = 1\n[images.a]\nneeds = {needs}\n[images.b]\n{rest}"
        ))
    };
    assert_eq!(built_on("{ x = \"b\" }", "").unwrap(), "a b");
    for (needs, rest, place) in [
        ("{ x = \"c\" }", "", "\"c\""),
        ("{ x = \"B\" }", "", "\"B\""),
        ("{ X = \"b\" }", "", "X"),
        ("{ \"x/y\" = \"b\" }", "", "\"x/y\""),
        ("{ scratch = \"b\" }", "", "scratch"),
        ("{ x = \"a\" }", "", "\"a\""),
        ("{ x = \"b\" }", "needs = { y = \"a\" }\n", "\"a\""),
        ("{ x = \"b\" }\nplatforms = [\"linux/amd64\"]", "", "\"b\""),
    ] {
        assert_eq!(
            built_on(needs, rest).unwrap_err().1,
            place,
            "{needs} {rest}"
        );
    }
    let covered = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n";
    built_on("{ x = \"b\" }\nplatforms = [\"linux/amd64\"]", covered).unwrap();
    let default = "format = 1\n[defaults]\nneeds = { x = \"a\" }\n[images.a]\n";
    assert_eq!(names(default).unwrap_err().1, "x");
}

#[test]
fn a_cycle_is_told_without_what_only_leads_to_it() {
    let text = "format = 1\n[images.a]\nneeds = { x = \"b\" }\n[images.b]\nneeds = { x = \"c\" }\n\
                [images.c]\nneeds = { x = \"b\" }\n";
    let (told, _) = names(text).unwrap_err();
    assert_eq!(told, "these images need one another: b → c → b");
}

#[test]
fn checks_are_commands() {
    let image = resolve(
        &format!("{HEAD}verify = [[\"gcc\", \"\"]]\nretry = 2\n"),
        &[],
    )
    .unwrap();
    assert_eq!(image.verify, [["gcc", ""]]);
    assert_eq!(image.retry, 2);
    for command in ["[]", "[\"\"]", "[\"\", \"x\"]"] {
        let (kind, place) = mistake(&format!("verify = [[\"true\"], {command}]\n"));
        assert!(matches!(kind, MistakeKind::EmptyCommand), "{kind}");
        assert_eq!(place, command);
    }
    assert_eq!(mistake("retry = 256\n").1, "256");
}

#[test]
fn no_cache_is_written_where_another_image_is_published() {
    let with = |place: &str| {
        names(&format!(
            "format = 1\n[images.a]\nrepository = \"r.io/a\"\n[images.b]\ncache_to = [\"{place}\"]\n"
        ))
    };
    for place in ["r.io/a:latest", "type=registry,ref=r.io/a"] {
        let (told, _) = with(place).unwrap_err();
        assert_eq!(told, "a cache of `b` is written where `a` is published");
    }
    for place in ["r.io/a:fp-cache-b", "r.io/a-cache:latest", "type=gha"] {
        with(place).unwrap();
    }
}
