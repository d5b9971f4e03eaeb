//! What a build takes from a Dockerfile: slices and sources for whole files.

use std::collections::{BTreeMap, BTreeSet};

mod hints;
mod large;
mod misspelt;

use super::{Dockerfile, Interpretation, Mistake, MistakeKind, Request, Undecided};
use crate::platform::Platform;

/// A request, with its defaults.
#[derive(Default)]
struct Asked<'a> {
    target: Option<&'a str>,
    args: &'a [(&'a str, &'a str)],
    platforms: &'a [&'a str],
    needs: &'a [&'a str],
    hints: &'a [&'a str],
}

impl Asked<'_> {
    fn of(&self, text: &str) -> Result<Interpretation, Mistake> {
        let args: BTreeMap<_, _> = self
            .args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let platforms: Vec<_> = self
            .platforms
            .iter()
            .map(|architecture| Platform::new("linux", architecture, ""))
            .collect();
        Dockerfile::parse(text)?.interpret(&Request {
            target: self.target,
            args: &args,
            platforms: &platforms,
            needs: &self.needs.iter().copied().collect::<BTreeSet<_>>(),
            hints: &self.hints.iter().copied().collect::<BTreeSet<_>>(),
        })
    }

    fn sources(&self, text: &str) -> Vec<String> {
        let sources = self.of(text).unwrap().sources.unwrap();
        sources
            .into_iter()
            .map(|source| format!("{} {} {}", source.line, source.keyword, source.text))
            .collect()
    }

    fn undecided(&self, text: &str) -> MistakeKind {
        self.of(text).unwrap().sources.unwrap_err().kind
    }
}

fn sources(text: &str) -> Vec<String> {
    Asked::default().sources(text)
}

fn slice(text: &str) -> String {
    Asked::default().of(text).unwrap().slice
}

fn slice_of(text: &str, target: &str) -> String {
    let asked = Asked {
        target: Some(target),
        ..Asked::default()
    };
    asked.of(text).unwrap().slice
}

fn mistake(text: &str) -> MistakeKind {
    Asked::default().of(text).unwrap_err().kind
}

#[test]
fn the_slice_holds_the_reached_stages() {
    let text = "\
# escape=\\
# about the base
ARG BASE=scratch
ARG OTHER=x

# the tools
FROM $BASE AS tools
COPY t /

FROM $OTHER AS unused
COPY u /
# the end
FROM scratch
COPY --from=tools /t /
# trailing
";
    let expected = "\
# escape=\\
# about the base
ARG BASE=scratch

# the tools
FROM $BASE AS tools
COPY t /
# the end
FROM scratch
COPY --from=tools /t /
# trailing
";
    assert_eq!(slice(text), expected);
    let tools = "\
# escape=\\
# about the base
ARG BASE=scratch

# the tools
FROM $BASE AS tools
COPY t /
";
    assert_eq!(slice_of(text, "TOOLS"), tools);
}

#[test]
fn global_arguments_count_where_they_are_used() {
    let kept = |stage: &str| {
        let globals = "ARG A=1\nARG B=$A\nARG C=x\nARG D\n";
        let slice = slice(&format!("{globals}{stage}"));
        let lines = slice.lines().filter_map(|line| line.strip_prefix("ARG "));
        let names = lines.take_while(|line| !line.starts_with("stage"));
        names.map(|line| line[..1].to_owned()).collect::<String>()
    };
    assert_eq!(kept("FROM a\n"), "");
    assert_eq!(kept("FROM a:${B:-x}\n"), "AB");
    assert_eq!(kept("FROM --platform=$D a\n"), "D");
    assert_eq!(kept("FROM a\narg C\n"), "C");
    assert_eq!(kept("FROM a\nRUN echo $A\n"), "");
    assert_eq!(kept("FROM a AS x\nONBUILD ARG C\nFROM x\n"), "C");
}

#[test]
fn a_slice_that_would_be_read_otherwise_is_the_whole_file() {
    let moved_up = "ARG UNUSED=1\n# escape=`\nFROM a\nRUN x\n";
    assert_eq!(slice(moved_up), moved_up);
    let numbered = "FROM a\nCOPY u /\nFROM b\nCOPY v /\nFROM c\nCOPY --from=1 /v /\n";
    assert_eq!(slice(numbered), numbered);
}

#[test]
fn a_stage_starts_from_the_nearest_of_its_name_and_copies_from_the_last() {
    let text = "FROM s AS x\nCOPY 1 /\nFROM x AS x\nCOPY 2 /\nFROM x\nCOPY 3 /\n";
    assert_eq!(sources(text), ["2 COPY 1", "4 COPY 2", "6 COPY 3"]);
    let text = "FROM s AS x\nCOPY 1 /\nFROM s AS X\nCOPY 2 /\nFROM s\nCOPY --from=x / /\n";
    assert_eq!(sources(text), ["4 COPY 2"]);
    let text = "FROM s AS x\nCOPY --from=Y / /\nFROM s AS y\nFROM x\n";
    assert_eq!(mistake(text), MistakeKind::StageNotBefore("Y".into()));
}

#[test]
fn stages_are_reached_in_every_way() {
    let text = "\
FROM s AS copied
COPY a /
FROM s AS mounted
COPY b /
FROM s AS triggered
COPY c /
FROM s AS base
ONBUILD COPY --from=triggered / /
ONBUILD RUN --mount=target=/x,source=o true
FROM s AS missed
COPY d /
FROM base
COPY --from=copied / /
RUN --mount=type=cache,from=Mounted,target=/x true
COPY --from=image / /
RUN --mount=from=0,target=/y true
";
    assert_eq!(
        sources(text),
        ["2 COPY a", "4 COPY b", "6 COPY c", "9 RUN --mount o"]
    );
}

#[test]
fn a_cache_starts_with_a_stage_that_is_called_scratch() {
    let text = "FROM a AS scratch\nCOPY c /\nFROM b\nRUN --mount=type=cache,target=/c x\n";
    assert_eq!(sources(text), ["2 COPY c"]);
    assert_eq!(slice(text), text);
}

#[test]
fn sources_are_expanded_as_the_builder_does() {
    let text = "\
ARG V=1
ARG W=w
FROM scratch
ARG V
ARG X=x$V
ENV E=$X-e F=\"a b\"
COPY $V ${W:-none} $X ${E#x} \"$F\" a\\$b /
ARG W
COPY $W \"/\"
COPY [\"c d\", \"$V\", \"/\"]
";
    assert_eq!(
        sources(text),
        [
            "7 COPY 1",
            "7 COPY 1-e",
            "7 COPY a b",
            "7 COPY a$b",
            "7 COPY none",
            "7 COPY x1",
            "9 COPY w",
            "10 COPY 1",
            "10 COPY c d",
        ]
    );
    let asked = Asked {
        args: &[("V", "2"), ("X", "y")],
        ..Asked::default()
    };
    assert_eq!(asked.sources(text)[0], "7 COPY 2");
    assert!(asked.sources(text).contains(&"7 COPY y-e".to_owned()));
}

#[test]
fn the_old_form_of_env_takes_the_rest_of_the_line() {
    assert_eq!(
        sources("FROM scratch\nENV A b=c 'd'\nCOPY \"$A\" /\n"),
        ["3 COPY b=c d"]
    );
}

#[test]
fn what_is_no_file_of_the_context_is_no_source() {
    let text = "\
FROM scratch
COPY <<a <<-\"b\" /x/
one
a
\ttwo
\tb
ADD https://example.com/x git@github.com:a/b.git file /
COPY --from=image /y /
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=secret,id=s \\
    --mount=type=ssh --mount=source=m/*,target=/m true
";
    assert_eq!(sources(text), ["7 ADD file", "9 RUN --mount m/*"]);
    let copied = Asked::default().undecided("FROM scratch\nCOPY https://example.com/x /\n");
    assert!(matches!(copied, MistakeKind::CopyOfAddress(_)));
}

#[test]
fn each_platform_adds_its_own() {
    let text = "\
FROM scratch AS amd64
COPY for-amd64 /
FROM scratch AS arm64
COPY for-arm64 /
FROM $TARGETARCH
ARG TARGETARCH
COPY bin/$TARGETARCH common /
";
    let asked = |platforms| Asked {
        platforms,
        ..Asked::default()
    };
    assert_eq!(
        asked(&["amd64"]).sources(text),
        ["2 COPY for-amd64", "7 COPY bin/amd64", "7 COPY common"]
    );
    assert_eq!(asked(&["arm64", "amd64"]).sources(text).len(), 5);
    assert_eq!(asked(&["arm64", "amd64"]).of(text).unwrap().slice, text);
    assert!(matches!(
        mistake(text),
        MistakeKind::UndecidedFrom {
            why: Undecided::Platform(_),
            ..
        }
    ));
    let only_source = "FROM --platform=$BUILDPLATFORM go\nARG TARGETARCH\nCOPY $TARGETARCH /\n";
    assert!(matches!(
        Asked::default().undecided(only_source),
        MistakeKind::UndecidedSource {
            why: Undecided::Platform(_),
            ..
        }
    ));
}

#[test]
fn what_cannot_be_decided_is_a_mistake_only_where_it_matters() {
    let base = "FROM debian\nCOPY $HOME/x /\n";
    assert!(matches!(
        Asked::default().undecided(base),
        MistakeKind::UndecidedSource {
            why: Undecided::Base(_),
            ..
        }
    ));
    let declared = "FROM debian\nARG X\nENV Y=$X\nRUN echo $Y\nCOPY a $HOME/\n";
    assert_eq!(sources(declared), ["5 COPY a"]);
    let unused = "FROM debian AS unused\nCOPY $X /\nUNKNOWN\nFROM scratch\nCOPY a /\n";
    assert_eq!(sources(unused), ["5 COPY a"]);
    assert!(matches!(
        Asked::default().undecided("FROM a\nUNKNOWN x\n"),
        MistakeKind::UnknownInstruction { .. }
    ));
    assert!(matches!(
        Asked::default().undecided("FROM a\nCOPY --newflag a /\n"),
        MistakeKind::UnknownFlag { .. }
    ));
    let one_image = "FROM debian:$TARGETARCH\nCOPY a /\n";
    assert_eq!(sources(one_image), ["2 COPY a"], "no stage can be meant");
}

#[test]
fn what_builders_disagree_about_is_undecided() {
    let text = "FROM scratch\nARG A=1 B=x C=$A D=${B:-x}\nCOPY $C $D /\n";
    assert!(matches!(
        Asked::default().undecided(text),
        MistakeKind::UndecidedSource {
            why: Undecided::Builder(_),
            ..
        }
    ));
    let text = "FROM scratch\nARG A=1 B=x C=$A D=${B:-x}\nCOPY $D /\n";
    assert_eq!(sources(text), ["3 COPY x"], "both ways lead to the same");
    let global = "ARG A=1 B=$A\nFROM scratch\nARG B\nCOPY $B /\n";
    assert_eq!(sources(global), ["4 COPY 1"], "global ones always saw them");
}

#[test]
fn what_buildkit_refuses_is_refused() {
    let kinds = [
        ("FROM $X\n", MistakeKind::EmptyImage("$X".into())),
        (
            "FROM a AS b\nFROM c\nCOPY --from=$b / /\n",
            MistakeKind::VariableInFrom("$b".into()),
        ),
        (
            "FROM a\nCOPY --from=7 / /\n",
            MistakeKind::NoSuchStage("7".into()),
        ),
        (
            "FROM a\nCOPY --from=0 / /\n",
            MistakeKind::StageNotBefore("0".into()),
        ),
    ];
    for (text, kind) in kinds {
        assert_eq!(mistake(text), kind, "{text}");
    }
    for target in ["x", "0"] {
        let absent = Asked {
            target: Some(target),
            ..Asked::default()
        };
        let kind = absent.of("FROM a\n").unwrap_err().kind;
        assert_eq!(kind, MistakeKind::NoSuchStage(target.into()));
    }
    let no_destination = Asked::default().undecided("FROM a\nCOPY a\n");
    assert_eq!(no_destination, MistakeKind::NoDestination("COPY".into()));
}

#[test]
fn arguments_are_declared_by_what_is_built() {
    let text = "ARG G=1\nARG H=2\nFROM a:$G AS x\nARG X\nFROM b AS y\nARG Y\nFROM x\n";
    let declared = Asked::default().of(text).unwrap().declared;
    assert_eq!(declared, ["G", "X"]);
}

#[test]
fn hostile_files_end() {
    let doubling = format!(
        "FROM scratch\nENV A=xxxxxxxx\n{}COPY $A /\n",
        "ENV A=$A$A\n".repeat(64)
    );
    assert!(matches!(
        Asked::default().undecided(&doubling),
        MistakeKind::UndecidedSource {
            why: Undecided::Value(_),
            ..
        }
    ));
    let triggers = format!(
        "FROM a AS b\n{}{}",
        "ONBUILD ENV A=1\n".repeat(20_000),
        (0..1000)
            .map(|n| format!(
                "FROM b AS c{n}\n{}",
                match n {
                    0 => String::new(),
                    n => format!("COPY --from=c{} / /\n", n - 1),
                }
            ))
            .collect::<String>()
    );
    assert_eq!(mistake(&triggers), MistakeKind::TooLarge);
    let chain: String = (1..50_000)
        .map(|n| format!("FROM s{} AS s{n}\nENV V{n}=$V{}\n", n - 1, n - 1))
        .collect();
    let chain = format!("FROM scratch AS s0\nENV V0=1\n{chain}COPY $V9 /\n");
    assert_eq!(sources(&chain), ["100001 COPY 1"]);
}

/// What a file is to a target whose `needs` has these names.
fn needing(needs: &[&str], text: &str) -> Result<Interpretation, MistakeKind> {
    let asked = Asked {
        needs,
        ..Asked::default()
    };
    asked.of(text).map_err(|mistake| mistake.kind)
}

#[test]
fn an_image_takes_the_place_of_the_stage_of_its_name() {
    let text = "FROM a AS Tools\nCOPY x /\nFROM tools AS mid\nFROM mid\nCOPY y /\n";
    let whole = needing(&["tools"], text).unwrap();
    assert_eq!(whole.slice, "FROM tools AS mid\nFROM mid\nCOPY y /\n");
    assert_eq!(whole.needed, ["tools"]);
    let sources = whole.sources.unwrap();
    assert_eq!(sources.len(), 1, "what the stage read is not read");
}

#[test]
fn an_image_is_used_wherever_its_name_can_stand() {
    for text in [
        "FROM tools",
        "ARG T=tools\nFROM $T",
        "FROM a\nCOPY --from=tools x /",
        "FROM a\nRUN --mount=from=tools x",
        "FROM a AS b\nONBUILD COPY --from=tools x /\nFROM b",
        "FROM a AS tools\nFROM b\nCOPY --from=0 x /",
        "FROM a\nCOPY --from=tools x /\nFROM b AS tools\nFROM c\nCOPY --from=tools x /",
    ] {
        assert_eq!(
            needing(&["tools"], text).unwrap().needed,
            ["tools"],
            "{text}"
        );
    }
    for text in ["FROM a", "FROM tools:1", "FROM tools AS b\nFROM c"] {
        assert!(
            needing(&["tools"], text).unwrap().needed.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn a_target_in_whose_place_there_is_an_image_cannot_be_built() {
    let replaced = MistakeKind::ReplacedTarget("tools".into());
    assert_eq!(
        needing(&["tools"], "FROM a AS tools").unwrap_err(),
        replaced
    );
    let asked = Asked {
        target: Some("Tools"),
        needs: &["tools"],
        ..Asked::default()
    };
    let mistake = asked.of("FROM a AS tools\nFROM b").unwrap_err();
    assert_eq!(mistake.kind, replaced);
}
