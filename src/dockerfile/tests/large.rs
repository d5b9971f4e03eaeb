//! Large files, and small ones that ask for much: each is answered in time that grows as the file does.
//! Nothing here looks at a clock; what goes wrong is noticed by whoever waits.

use std::fmt::Write;

use super::{Asked, sources};
use crate::dockerfile::MistakeKind;

/// The start of an instruction with `part` behind it `count` times, on lines that the builder can read.
fn continued(start: &str, part: &str, count: usize) -> String {
    let a_line = 30_000 / part.len();
    let line = |from| part.repeat(a_line.min(count - from)) + "\\\n";
    let lines = (0..count).step_by(a_line).map(line);
    start.to_owned() + &lines.collect::<String>()
}

/// `count` stages that the last one reaches, each of which starts as `from` says.
fn stages(from: &str, count: usize) -> String {
    let mut text = format!("{from} AS s0\n");
    for stage in 1..count {
        let last = stage - 1;
        write!(text, "{from} AS s{stage}\nCOPY --from=s{last} a b\n").unwrap();
    }
    text
}

fn is_too_large(text: &str) -> bool {
    let interpretation = match Asked::default().of(text) {
        Ok(interpretation) => interpretation,
        Err(mistake) => {
            return mistake.to_string().contains("that the Dockerfile asks for")
                || mistake.kind == MistakeKind::TooLarge;
        }
    };
    interpretation
        .sources
        .is_err_and(|mistake| mistake.kind == MistakeKind::TooLarge)
}

#[test]
fn a_source_with_very_many_parts_is_not_copied_for_each_of_them() {
    let down = continued("FROM scratch\nCOPY ", "a/", 300_000);
    let text = format!("{}../ /x\n", down + &continued("", "../", 300_000));
    assert_eq!(sources(&text).len(), 1);
    let text = format!(
        "{}b /x\n",
        continued("FROM scratch\nCOPY --parents x/./", "a/", 300_000)
    );
    assert_eq!(sources(&text).len(), 1);
}

#[test]
fn the_patterns_of_an_instruction_are_not_read_for_each_of_its_sources() {
    let excludes = continued("FROM scratch\nCOPY ", "--exclude=a ", 10_000);
    let text = format!("{}/x\n", excludes + &continued("", "b ", 10_000));
    let asked = Asked {
        platforms: &["amd64", "arm64"],
        ..Asked::default()
    };
    assert_eq!(asked.sources(&text).len(), 1);
}

#[test]
fn very_many_stages_of_one_name_are_not_searched_one_by_one() {
    let text = "FROM a AS a\n".repeat(50_000);
    assert_eq!(Asked::default().of(&text).unwrap().slice, text);
}

#[test]
fn a_large_argument_in_very_many_bases_is_too_much() {
    let argument = continued("ARG A=", "x", 300_000) + "x\n";
    assert!(is_too_large(&(argument + &stages("FROM $A", 2_000))));
}

#[test]
fn a_large_trigger_in_very_many_stages_is_too_much() {
    let trigger = continued("FROM a AS b\nONBUILD ARG ", "x y ", 60_000) + "z\n";
    assert!(is_too_large(&(trigger + &stages("FROM b", 2_000))));
}

#[test]
fn a_long_pattern_on_a_long_value_is_too_much() {
    let value = continued("ARG A=", "a", 90_000) + "a\n";
    let pattern = continued("ARG B=${A//", "?", 60_000) + "/x}\n";
    assert!(is_too_large(&format!("{value}{pattern}FROM a$B\n")));
}

#[test]
fn large_files_of_every_kind_are_read() {
    for text in [
        "FROM a\r\nRUN x\r\n".repeat(10_000),
        format!("{}FROM a\n", "# x\n\n".repeat(50_000)),
        continued("FROM a\nRUN ", "<<A ", 10_000) + "x\n" + &"A\n".repeat(10_000),
        continued("FROM a\nRUN ", "--mount=type=tmpfs,target=/x ", 5_000) + "x\n",
        continued("FROM a\nCOPY --chown=", "x", 300_000) + " a b\n",
        continued("FROM a\nCOPY [", "\"a\",", 10_000) + "\"/x\"]\n",
        continued("FROM a\nRUN ", "[", 300_000) + "x\n",
        continued("ARG ", "A=$A ", 20_000) + "B\nFROM a$A\n",
        "FROM a\n".to_owned() + &"COPY a b\n".repeat(20_000),
    ] {
        assert!(Asked::default().of(&text).unwrap().sources.is_ok());
    }
}
