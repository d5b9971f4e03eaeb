//! Instructions and flags that nobody knows.

use super::Asked;

#[test]
fn what_is_misspelt_is_likely_something_known() {
    let asked = |line: &str| {
        let kind = Asked::default().undecided(&format!("FROM a\n{line}\n"));
        let said = kind.to_string();
        said.split_once("; ")
            .map(|(_, question)| question.to_owned())
    };
    for (line, meant) in [
        ("COPPY a /", "COPY"),
        ("workdri /", "WORKDIR"),
        ("COPY --chwon=1 a /", "--chown"),
        ("ADD --keep-gitdir a /", "--keep-git-dir"),
        ("RUN --mnt=type=bind true", "--mount"),
    ] {
        let question = asked(line).expect(line);
        assert_eq!(question, format!("did you mean {meant}?"));
    }
    for line in ["FETCH a /", "COPY --exclude a /", "RUN --quick true"] {
        assert_eq!(asked(line), None, "{line}");
    }
    assert_eq!(asked(&"COPY".repeat(1 << 13)), None);
}
