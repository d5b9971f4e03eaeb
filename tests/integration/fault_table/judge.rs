//! What came of a run, held against what fp promises.

use super::cases::{ALIAS, Case};
use super::ground::{Ground, OTHER};
use crate::support::lab;
use crate::support::{Answer, Machine};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Right,
    /// Exit code 0, and a warning that something could not be done.
    Warning,
    Code(i32),
}

impl Outcome {
    pub(super) fn text(self) -> String {
        match self {
            Outcome::Right => "right".to_owned(),
            Outcome::Warning => "warning".to_owned(),
            Outcome::Code(code) => code.to_string(),
        }
    }
}

/// A run that is over, and what the registry has then.
pub(super) struct Run<'a> {
    pub(super) case: Case,
    pub(super) machine: &'a Machine,
    pub(super) answer: &'a Answer,
    /// What the image's tag names.
    pub(super) now: Option<String>,
    code: i32,
    said: String,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        case: Case,
        machine: &'a Machine,
        answer: &'a Answer,
        now: Option<String>,
    ) -> Self {
        let code = answer.code.expect("no signal ended it");
        let said = format!("{case:?}: {code}\n{}\n{}", answer.stdout, answer.stderr);
        Run {
            case,
            machine,
            answer,
            now,
            code,
            said,
        }
    }

    /// What came of it. A run that breaks a promise ends the test.
    pub(super) fn judge(&self, ground: &Ground) -> Outcome {
        match self.case {
            Case::StatusAbsent | Case::StatusPresent => self.status(&ground.digest),
            Case::MissingPart => self.reads(0, &format!("ci  {OTHER}\n")),
            Case::MissingNone => self.reads(0, ""),
            Case::Hit => self.names(&ground.digest),
            Case::RecordFrom => self.reads(0, &ground.record),
            Case::IndexHit => self.names(&ground.parts.digest),
            Case::IndexPartAbsent => self.part_absent(),
            Case::Alias | Case::HitAlias => self.alias(&ground.digest),
            Case::Overtaken => self.overtaken(&ground.theirs),
            Case::IndexOvertaken => self.overtaken(&ground.parts.theirs),
            Case::Miss if self.code != 0 => {
                self.nothing_done();
                assert_eq!(self.now, None, "{}", self.said);
                self.none(&[4])
            }
            Case::Miss | Case::Publish | Case::Store | Case::StoreAgain => {
                self.publishes(&ground.digest)
            }
            Case::Parts | Case::Index | Case::IndexStore => self.publishes(&ground.parts.digest),
        }
    }

    fn none(&self, allowed: &[i32]) -> Outcome {
        assert!(allowed.contains(&self.code), "{}", self.said);
        Outcome::Code(self.code)
    }

    fn prints(&self, digest: &str) -> bool {
        self.answer.stdout.ends_with(&format!("@{digest}\n"))
    }

    fn warns(&self, of: &str) -> bool {
        self.answer.stderr.contains(of)
    }

    fn nothing_done(&self) {
        let deeds = self.machine.deeds();
        assert!(deeds.is_empty(), "{deeds:?}: {}", self.said);
    }

    /// The answer is this one, or there is none.
    fn reads(&self, code: i32, stdout: &str) -> Outcome {
        self.nothing_done();
        if self.code == code {
            assert_eq!(self.answer.stdout, stdout, "{}", self.said);
            return Outcome::Right;
        }
        assert_eq!(self.answer.stdout, "", "{}", self.said);
        self.none(&[4])
    }

    /// The answer is the reference with this digest, or there is none.
    fn names(&self, digest: &str) -> Outcome {
        self.nothing_done();
        assert_eq!(self.now.as_deref(), Some(digest), "{}", self.said);
        if self.code == 0 {
            assert!(self.prints(digest), "{}", self.said);
            return Outcome::Right;
        }
        assert_eq!(self.answer.stdout, "", "{}", self.said);
        self.none(&[4])
    }

    fn status(&self, digest: &str) -> Outcome {
        let (code, told) = match self.case {
            Case::StatusAbsent => (3, "registry  absent"),
            _ => (0, digest),
        };
        if self.code != code {
            return self.none(&[4]);
        }
        assert!(self.answer.stdout.contains(told), "{}", self.said);
        Outcome::Right
    }

    /// That a part is absent is said of that part only, and nothing is joined.
    fn part_absent(&self) -> Outcome {
        assert_eq!(self.now, None, "{}", self.said);
        if self.code == 3 {
            let told = format!("nobody has published it for {OTHER}");
            assert!(self.warns(&told), "{}", self.said);
        }
        self.reads(3, "")
    }

    fn alias(&self, digest: &str) -> Outcome {
        assert_eq!(self.now.as_deref(), Some(digest), "{}", self.said);
        let alias = lab::registry().digest(&self.machine.repository(), ALIAS);
        let is_there = alias.is_some();
        assert!(alias.is_none_or(|alias| alias == digest), "{}", self.said);
        if self.code != 0 {
            assert_eq!(self.answer.stdout, "", "{}", self.said);
            return self.none(&[1, 4]);
        }
        assert!(is_there && self.prints(digest), "{}", self.said);
        Outcome::Right
    }

    fn overtaken(&self, theirs: &str) -> Outcome {
        assert_eq!(self.now.as_deref(), Some(theirs), "{}", self.said);
        match self.code {
            0 if self.prints(theirs) => Outcome::Right,
            0 => {
                assert!(self.warns("is not published"), "{}", self.said);
                Outcome::Warning
            }
            _ => {
                assert_eq!(self.answer.stdout, "", "{}", self.said);
                self.none(&[1, 4])
            }
        }
    }

    fn publishes(&self, ours: &str) -> Outcome {
        if self.code != 0 {
            let is_ours = self.now.as_deref().is_none_or(|now| now == ours);
            assert!(is_ours && self.answer.stdout.is_empty(), "{}", self.said);
            return self.none(&[1, 4]);
        }
        match self.now.as_ref().filter(|now| self.prints(now)) {
            // The registry has refused this user, who is at a laptop.
            None => assert!(self.warns("is not published"), "{}", self.said),
            // A miss is built anew, and has a digest of its own.
            Some(now) if self.case != Case::Miss => assert_eq!(now, ours, "{}", self.said),
            Some(_) => {}
        }
        let is_whole = self.now.is_some() && !self.warns("is not stored");
        if is_whole && !self.warns("is not published") {
            return Outcome::Right;
        }
        Outcome::Warning
    }
}
