//! Which commands, in which situations; and their requests.

/// A command in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    StatusAbsent,
    StatusPresent,
    MissingPart,
    MissingNone,
    Hit,
    HitAlias,
    Miss,
    Publish,
    Overtaken,
    Store,
    StoreAgain,
    Parts,
    Index,
    IndexHit,
    IndexPartAbsent,
    IndexOvertaken,
    IndexStore,
    RecordFrom,
    Alias,
}

impl Case {
    /// Whether it is about an image for several platforms.
    pub(super) fn is_in_parts(self) -> bool {
        matches!(
            self,
            Case::MissingPart
                | Case::MissingNone
                | Case::Parts
                | Case::Index
                | Case::IndexHit
                | Case::IndexPartAbsent
                | Case::IndexOvertaken
                | Case::IndexStore
        )
    }

    /// What fp is told to do. `name` is the image's, and `alias` one in another repository.
    pub(super) fn arguments<'a>(self, name: &'a str, alias: &'a str) -> Vec<&'a str> {
        match self {
            Case::StatusAbsent | Case::StatusPresent => vec!["status"],
            Case::MissingPart | Case::MissingNone => vec!["status", "--missing"],
            Case::Hit | Case::HitAlias | Case::Overtaken | Case::Parts => {
                vec!["ensure", "--no-pull"]
            }
            Case::Miss | Case::Publish | Case::Store | Case::StoreAgain => vec!["ensure"],
            Case::Index
            | Case::IndexHit
            | Case::IndexPartAbsent
            | Case::IndexOvertaken
            | Case::IndexStore => vec!["index"],
            Case::RecordFrom => vec!["record", "--from", name],
            Case::Alias => vec!["alias", "ci", alias],
        }
    }
}

/// The requests by which a record is stored.
const STORING: &[&str] = &[
    "blob: HEAD",
    "upload: POST",
    "blob: PUT",
    "manifest: PUT",
    "list: GET",
    "list: PUT",
];

/// What each case is called, and the requests of fp that something happens to.
pub(super) const CASES: [(Case, &str, &[&str]); 19] = [
    (
        Case::StatusAbsent,
        "`fp status`, absent",
        &["look: HEAD", "look: GET"],
    ),
    (Case::StatusPresent, "`fp status`, present", &["look: HEAD"]),
    (
        Case::MissingPart,
        "`fp status --missing`, a part is absent",
        &["look: HEAD", "look: GET", "part: HEAD", "part: GET"],
    ),
    (
        Case::MissingNone,
        "`fp status --missing`, all is present",
        &["look: HEAD"],
    ),
    (Case::Hit, "`fp ensure --no-pull`, a hit", &["look: HEAD"]),
    (
        Case::HitAlias,
        "`fp ensure --no-pull`, a hit with an alias",
        &[
            "alias: HEAD",
            "alias: GET",
            "manifest: GET",
            "alias: PUT",
            "alias, read back: HEAD",
        ],
    ),
    (
        Case::Miss,
        "`fp ensure`, a miss",
        &["look: HEAD", "look: GET"],
    ),
    (
        Case::Publish,
        "`fp ensure`, publishing",
        &[
            "what was pushed: GET",
            "look again: HEAD",
            "look again: GET",
            "tag: PUT",
            "read back: HEAD",
        ],
    ),
    (
        Case::Overtaken,
        "`fp ensure --no-pull`, somebody is faster",
        &["what was pushed: GET", "look again: HEAD"],
    ),
    (Case::Store, "`fp ensure`, storing the record", STORING),
    (
        Case::StoreAgain,
        "`fp ensure`, storing a record that is stored",
        &["referrers: GET", "list: GET", "manifest: GET"],
    ),
    (
        Case::Parts,
        "`fp ensure --no-pull`, several platforms",
        // From there on it is as with one image.
        &["what was pushed: GET"],
    ),
    (
        Case::Index,
        "`fp index`",
        &[
            "look: HEAD",
            "look: GET",
            "part: HEAD",
            "part's manifest: GET",
            "part's configuration: GET",
            "look again: HEAD",
            "look again: GET",
            "tag: PUT",
            "read back: HEAD",
        ],
    ),
    (
        Case::IndexHit,
        "`fp index`, a hit",
        &["look: HEAD", "manifest: GET"],
    ),
    (
        Case::IndexPartAbsent,
        "`fp index`, a part is absent",
        &["part: HEAD", "part: GET"],
    ),
    (
        Case::IndexOvertaken,
        "`fp index`, somebody is faster",
        &["look again: HEAD", "manifest: GET"],
    ),
    (Case::IndexStore, "`fp index`, storing the record", STORING),
    (
        Case::RecordFrom,
        "`fp record --from`",
        &[
            "look: HEAD",
            "referrers: GET",
            "list: GET",
            "manifest: GET",
            "blob: GET",
        ],
    ),
    (
        Case::Alias,
        "`fp alias`, in another repository",
        &[
            "look: HEAD",
            "alias: HEAD",
            "alias: GET",
            "manifest: GET",
            "blob: HEAD",
            "mount: POST",
            "alias: PUT",
            "alias, read back: HEAD",
        ],
    ),
];

/// The alias's tag.
pub(super) const ALIAS: &str = "stable";
