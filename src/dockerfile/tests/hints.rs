//! Hints, which are not recorded, decide nothing.

use super::{Asked, MistakeKind};

/// What is wrong with a file of which R is a hint, if something is.
fn mistake(text: &str) -> Option<MistakeKind> {
    let asked = Asked {
        hints: &["R"],
        ..Asked::default()
    };
    asked.of(text).err().map(|mistake| mistake.kind)
}

#[test]
fn they_choose_no_image() {
    for text in [
        "ARG R=x\nFROM $R/debian",
        "ARG R\nFROM ${R:-docker.io}/debian",
        "ARG R=x\nARG A=$R/debian\nFROM $A",
        "ARG R=x\nFROM --platform=$R debian",
        "ARG R=x\nFROM a AS b\nFROM $R",
        "ARG R=x\nARG T=$TARGETARCH$R\nFROM $T",
    ] {
        let mistake = mistake(text).unwrap_or_else(|| panic!("{text}"));
        let MistakeKind::HintInFrom { name, .. } = mistake else {
            panic!("{text}: {mistake:?}");
        };
        assert_eq!(name, "R", "{text}");
    }
}

#[test]
fn they_choose_no_files() {
    for text in [
        "FROM a\nARG R=x\nCOPY $R /",
        "FROM a\nARG R=x\nCOPY a b${R%x} /",
        "FROM a\nARG R=x\nADD [\"$R\", \"/\"]",
        "FROM a\nARG R\nADD https://$R/x /",
        "FROM a AS b\nFROM a\nARG R=x\nCOPY --from=b $R /",
        "FROM a\nARG R=x\nCOPY --chown=$R x /",
        "FROM a\nARG R=x\nCOPY --new-flag $R /",
        "FROM a\nARG R=x\nRUN --mount=source=$R,target=/x y",
        "FROM a\nARG R=x\nRUN --mount=from=b,source=$R,target=/x y",
        "FROM a\nARG R=x\nARG A=$R\nENV B=$A\nCOPY $B /",
        "ARG R=x\nFROM a\nARG R\nCOPY $R /",
        "ARG R=x\nFROM a\nARG A=1\nARG A=$TARGETARCH\nARG R\nCOPY $A$R /",
        "FROM a\nARG R\nCOPY $UNTOLD /\nCOPY $R /",
        "FROM scratch AS b\nARG R=x\nFROM b\nCOPY $R /",
        "FROM scratch AS b\nONBUILD ARG R=x\nONBUILD COPY $R /\nFROM b",
    ] {
        let mistake = mistake(text).unwrap_or_else(|| panic!("{text}"));
        let MistakeKind::HintInSource { name, .. } = mistake else {
            panic!("{text}: {mistake:?}");
        };
        assert_eq!(name, "R", "{text}");
    }
}

#[test]
fn what_does_not_depend_on_them_is_told_as_ever() {
    for text in [
        "FROM a\nARG R=x\nRUN echo $R\nCOPY y /",
        "ARG R=x\nFROM a\nRUN --mount=type=cache,id=$R,target=/c x",
        "FROM a\nARG R=x\nENV R=y\nCOPY $R /",
        "FROM a\nARG R=x\nARG A=y\nCOPY ${A:-$R} /",
        "ARG R=x\nFROM scratch\nCOPY a$R /",
        "FROM a AS b\nARG R=x\nCOPY $R /\nFROM a\nCOPY y /",
        "FROM a\nARG R=x\nCOPY y /$R",
    ] {
        assert_eq!(mistake(text), None, "{text}");
    }
}
