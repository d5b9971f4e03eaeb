//! What git says: of rules and paths made by chance, and of the examples.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::{ProptestConfig, Strategy, prop};
use proptest::{prop_assert_eq, prop_oneof, proptest};

use super::{TABLE, decide};
use crate::inputs::gitignore::{Decision, Gitignore, IgnoreStack, Verdict};

/// Before 2.52, git forgot what stood in front of the first wildcard and took `a**/b` for `a` and
/// then `**/b`. We do what its documentation always said, and it now does.
fn is_misread_by_older_git(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"!").unwrap_or(line);
    let wildcard = line
        .iter()
        .position(|byte| b"*?[\\".contains(byte))
        .unwrap_or(line.len());
    let (literal, rest) = line.split_at(wildcard);
    rest.starts_with(b"**") && literal.last().is_some_and(|byte| *byte != b'/')
}

/// A folder of the repository that git is asked about: its ignore file, one more in the folder
/// `in`, and paths below; a path that ends in `/` is a folder on disk.
#[derive(Clone)]
struct Case {
    rules: Vec<u8>,
    inner_rules: Vec<u8>,
    paths: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "\"{}\" and \"{}\"",
            self.rules.escape_ascii(),
            self.inner_rules.escape_ascii()
        )
    }
}

fn concat(
    tokens: &'static [&'static [u8]],
    count: std::ops::Range<usize>,
) -> prop::strategy::BoxedStrategy<Vec<u8>> {
    prop::collection::vec(prop::sample::select(tokens), count)
        .prop_map(|tokens| tokens.concat())
        .boxed()
}

const PLAIN: &[&[u8]] = &[
    b"a", b"b", b"/", b"*", b"**", b"?", b"**/", b"/**", b"*a", b"in",
];
const NASTY: &[&[u8]] = &[
    b"a",
    b"b",
    b"A",
    b"/",
    b"*",
    b"?",
    b"[",
    b"]",
    b"!",
    b"^",
    b"-",
    b"\\",
    b" ",
    b"#",
    b"{",
    b",",
    b"\r",
    b"\t",
    b"\xFF",
    "é".as_bytes(),
    b"[:alpha:]",
    b"[:punct:]",
    b"[[:space:]]",
    b"[a-b]",
    b"[!a]",
    b"[^-b]",
    b"\\ ",
    b"\\/",
    b"**",
    b"[:",
    b":]",
    b"[\\]-a]",
    b"[[:a]",
    b"\0",
];
const NAME: &[&[u8]] = &[
    b"a",
    b"b",
    b"a",
    b"b",
    b"A",
    b"[",
    b"]",
    b"!",
    b"-",
    b"\\",
    b" ",
    b"#",
    b"*",
    b"{",
    b",",
    b"^",
    b"\t",
    b"\n",
    b"\r",
    b"\x0B",
    b"\xFF",
    "é".as_bytes(),
    b":",
];

fn rules() -> impl Strategy<Value = Vec<u8>> {
    let line = (
        prop_oneof![5 => "", 1 => "!"],
        prop_oneof![concat(PLAIN, 1..5), concat(NASTY, 1..6), concat(NAME, 1..3)],
        prop_oneof![4 => "", 1 => "/", 1 => " "],
    );
    let line = line
        .prop_map(|(mark, text, end)| [mark.as_bytes(), &text, end.as_bytes()].concat())
        .prop_filter("git differs by version", |line| {
            !is_misread_by_older_git(line)
        });
    (
        prop_oneof![9 => "", 1 => "\u{feff}"],
        prop::collection::vec(line, 1..5),
    )
        .prop_map(|(bom, lines)| [bom.as_bytes(), &lines.join(&b'\n')].concat())
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![3 => concat(&[b"a", b"b"], 1..3), 3 => concat(NAME, 1..3), 1 => "in".prop_map(Vec::from)];
    (prop::collection::vec(name, 1..4), prop_oneof!["", "/"])
        .prop_map(|(names, end)| [&names.join(&b'/'), end.as_bytes()].concat())
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let case = (rules(), rules(), prop::collection::vec(path(), 30)).prop_map(
        |(rules, inner_rules, paths)| Case {
            rules,
            inner_rules,
            paths,
        },
    );
    prop::collection::vec(case, 40)
}

fn git(top: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args([
        "-c",
        "core.excludesFile=/dev/null",
        "-c",
        "core.ignoreCase=false",
    ]);
    git.args(arguments).current_dir(top).env_clear();
    git.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    git
}

/// What git says of each path: the ignore file, the line and whether it begins with `!`.
fn ask_git(top: &Path, paths: &[Vec<u8>]) -> Vec<Option<(Vec<u8>, Decision)>> {
    let mut child = git(
        top,
        &["check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = [&paths.join(&b'\0')[..], b"\0"].concat();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let mut fields: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    assert_eq!(fields.pop(), Some(&b""[..]));
    assert_eq!(fields.len(), paths.len() * 4, "git answered for every path");
    let answer = |(answer, path): (&[&[u8]], &Vec<u8>)| {
        assert_eq!(answer[3], path);
        let line = std::str::from_utf8(answer[1]).unwrap().parse().ok()?;
        let included = answer[2].starts_with(b"!");
        let verdict = if included {
            Verdict::Included
        } else {
            Verdict::Ignored
        };
        Some((answer[0].to_vec(), Decision { verdict, line }))
    };
    fields.chunks(4).zip(paths).map(answer).collect()
}

/// What our rules say, asked as a walker does: from the top down, stopping at what is ignored.
fn walk(case: &Case, dir: &[u8], path: &[u8], is_dir: bool) -> Option<(Vec<u8>, Decision)> {
    let inner = [dir, b"/in"].concat();
    let mut stack = IgnoreStack::default().below(dir, Gitignore::parse(&case.rules));
    let slashes = (dir.len() + 1..path.len()).filter(|at| path[*at] == b'/');
    for end in slashes {
        let found = stack.decide(&path[..end], true);
        if let Some((
            file,
            found @ Decision {
                verdict: Verdict::Ignored,
                ..
            },
        )) = found
        {
            return Some(([file, b"/.gitignore"].concat(), found));
        }
        if path[..end] == inner {
            stack = stack.below(&inner, Gitignore::parse(&case.inner_rules));
        }
    }
    let (file, found) = stack.decide(path, is_dir)?;
    Some(([file, b"/.gitignore"].concat(), found))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, failure_persistence: None, ..Default::default() })]

    /// Eight repositories of 40 folders with 30 paths each: more than 9000 answers of git.
    #[test]
    fn agrees_with_git(cases in cases()) {
        let top = tempfile::tempdir().unwrap();
        assert!(git(top.path(), &["init", "-q"]).status().unwrap().success());
        let mut asked = Vec::new();
        let mut ours = Vec::new();
        for (number, case) in cases.iter().enumerate() {
            let dir = format!("d{number}");
            lay_out(case, &top.path().join(&dir));
            for path in &case.paths {
                let path = [dir.as_bytes(), b"/", path.strip_suffix(b"/").unwrap_or(path)].concat();
                let is_dir = top.path().join(OsStr::from_bytes(&path)).is_dir();
                ours.push((walk(case, dir.as_bytes(), &path, is_dir), case));
                asked.push(path);
            }
        }
        for ((path, (ours, case)), git) in asked.iter().zip(ours).zip(ask_git(top.path(), &asked)) {
            prop_assert_eq!(ours, git, "{} with {:?}", path.escape_ascii(), case);
        }
    }
}

/// Writes a case's ignore files and makes its folders; git asks the disk for nothing else.
fn lay_out(case: &Case, dir: &Path) {
    fs::create_dir_all(dir.join("in")).unwrap();
    fs::write(dir.join(".gitignore"), &case.rules).unwrap();
    fs::write(dir.join("in/.gitignore"), &case.inner_rules).unwrap();
    for path in case.paths.iter().filter_map(|path| path.strip_suffix(b"/")) {
        fs::create_dir_all(dir.join(OsStr::from_bytes(path))).unwrap();
    }
}

/// The table of examples, too, is what git says.
#[test]
fn the_table_is_what_git_says() {
    let top = tempfile::tempdir().unwrap();
    assert!(git(top.path(), &["init", "-q"]).status().unwrap().success());
    let mut asked = Vec::new();
    let mut expected = Vec::new();
    for (number, (rule, yes, no)) in TABLE.iter().enumerate() {
        let dir = top.path().join(number.to_string());
        for (path, is_match) in yes
            .iter()
            .map(|path| (path, true))
            .chain(no.iter().map(|path| (path, false)))
        {
            if !can_be_asked(rule, path) {
                continue;
            }
            // A folder of its own for each path, since `a` and `a/` cannot be in one.
            let dir = dir.join(asked.len().to_string());
            fs::create_dir_all(dir.join(if path.ends_with('/') { path } else { "" })).unwrap();
            fs::write(dir.join(".gitignore"), format!("{rule}\n")).unwrap();
            let path = dir.join(path.trim_end_matches('/'));
            asked.push(
                path.strip_prefix(top.path())
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec(),
            );
            expected.push((rule, is_match));
        }
    }
    for ((path, expected), git) in asked.iter().zip(expected).zip(ask_git(top.path(), &asked)) {
        assert_eq!(
            (expected.0, git.is_some()),
            expected,
            "{}",
            path.escape_ascii()
        );
    }
}

/// Not the paths that no file can have, nor those that git gives up on at a parent.
fn can_be_asked(rule: &str, path: &str) -> bool {
    let below_ignored = path
        .match_indices('/')
        .any(|(at, _)| decide(rule, &path[..=at]).is_some() && at + 1 < path.len());
    !path.contains('\0')
        && !path.starts_with('/')
        && !below_ignored
        && !is_misread_by_older_git(rule.as_bytes())
}
