//! What a short file unrolls to is bounded.

use super::names;

/// A list of so many texts, each as long as the number says.
fn list(count: usize, length: usize) -> String {
    let text = |number| format!("\"{number:0length$}\"");
    let texts: Vec<_> = (0..count).map(text).collect();
    format!("[{}]", texts.join(", "))
}

#[test]
fn many_long_texts_are_a_mistake_and_take_no_memory() {
    let large = "x".repeat(100_000);
    let numbers = list(1000, 1);
    let image = |matrix: &str, rest: &str| {
        format!("format = 1\n[images.\"i{{n}}\"]\nmatrix = {{ {matrix} }}\n{rest}\n")
    };
    let in_places = "{t}".repeat(10_000);
    for text in [
        // A long text in each cell.
        image(&format!("n = {numbers}"), &format!("salt = \"{large}\"")),
        // Many small values in each.
        image(
            &format!("n = {numbers}"),
            &format!("inputs = {}", list(10_000, 1)),
        ),
        // A long choice in many places, also of a template.
        image(
            &format!("n = [\"1\"], t = [\"{large}\"]"),
            &format!("salt = \"{in_places}\""),
        ),
        image(
            &format!("n = [\"1\"], t = [\"{large}\"]"),
            &format!("tag = \"{in_places}\""),
        ),
        // Long choices that every cell has.
        image(&format!("n = {numbers}, t = [\"{large}\"]"), ""),
        // A long default for each.
        image(&format!("n = {numbers}"), "").replace(
            "[images",
            &format!("[defaults]\nsalt = \"{large}\"\n[images"),
        ),
    ] {
        let (told, _) = names(&text).unwrap_err();
        let expected = "the tables become more than 16 MiB";
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn a_thousand_ordinary_images_have_room() {
    let text = format!(
        "format = 1\n[defaults]\nargs = {{ A = \"a\", B = \"b\" }}\n[images.\"i{{n}}\"]\nmatrix = {{ n = {} }}\n\
         inputs = {}\nrepository = \"ghcr.io/acme/app-{{n}}\"\n",
        list(1000, 4),
        list(50, 40),
    );
    let all = names(&text).unwrap();
    assert_eq!(all.split(' ').count(), 1000);
}
