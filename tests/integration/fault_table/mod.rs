//! Faults at every request of whole commands, on the way to a real registry: the answer is the right one, or the exit
//! code says that there is none. Nothing is built on doubt, no tag is overwritten, and docs/RELIABILITY.md has the table.

mod cases;
mod progress;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use cases::{ALIAS, CASES, Case, FAULTS, Fault, OTHER_BYTES, SILENCE};
use progress::Progress;

use crate::support::fault_proxy::FaultProxy;
use crate::support::lab::{self, Store};
use crate::support::{Answer, Machine, Reply, Running};

/// What all runs start from: an image that the engine has, and that is published with its record.
struct Ground {
    machine: Machine,
    /// The lines of fingerprint.toml by which every machine has the same fingerprint.
    salt: String,
    tag: String,
    name: String,
    digest: String,
    record: String,
    /// A repository where somebody else's image has the tag.
    taken: String,
    theirs: String,
}

impl Ground {
    fn new() -> Self {
        let machine = Machine::new(Store::Containerd);
        let (salt, tag) = (machine.salt(), machine.tag());
        let built = machine.fp(&["ensure"]).succeeded();
        let registry = lab::registry();
        let taken = format!("{}-taken", machine.repository());
        machine.configure_for(&format!("{}/{taken}", registry.host), "\"hello.sh\"", "");
        machine.fp(&["ensure"]).succeeded();
        registry.put_index(&taken, &tag, &[(&tag, "amd64")]);
        let theirs = registry.digest(&taken, &tag).expect("the tag was written");
        machine.configure("");
        Ground {
            name: machine.fp(&["ref"]).line().to_owned(),
            record: machine.fp(&["record"]).stdout,
            digest: built.digest().to_owned(),
            machine,
            salt,
            tag,
            taken,
            theirs,
        }
    }

    /// Runs a command with a fault at one kind of its requests, at the first of them or at all.
    fn run(
        &self,
        case: Case,
        place: &'static str,
        (what, fault): (&str, Fault),
        once: bool,
    ) -> Outcome {
        let machine = Machine::new(Store::Containerd);
        let repository = match case {
            Case::StatusPresent | Case::Hit | Case::RecordFrom | Case::Alias => {
                self.machine.repository()
            }
            Case::Overtaken => self.taken.clone(),
            _ => machine.repository(),
        };
        let (proxy, was_there) = self.proxy(case, place, fault, once);
        let full = format!("{}/{repository}", proxy.host());
        let keep = match case {
            Case::Store => "",
            _ => "publish_record = false\n",
        };
        machine.configure_for(&full, "\"hello.sh\"", &format!("{}{keep}", self.salt));
        let name = format!("{full}:{}", self.tag);
        if matches!(case, Case::Publish | Case::Overtaken | Case::Store) {
            machine.docker(&["tag", &self.name, &name]);
        }
        let alias = format!("{}/{}:{ALIAS}", proxy.host(), machine.repository());
        let arguments: &[&str] = match case {
            Case::StatusAbsent | Case::StatusPresent => &["status"],
            Case::Hit | Case::Overtaken => &["ensure", "--no-pull"],
            Case::Miss | Case::Publish | Case::Store => &["ensure"],
            Case::RecordFrom => &["record", "--from", &name],
            Case::Alias => &["alias", "ci", &alias],
        };
        let mut command = machine.command(arguments);
        // Only silence is waited out. Else a busy machine has the time that fp gives it.
        if what == SILENCE {
            command.env("FP_REGISTRY_READ_TIMEOUT", "3");
        }
        if what == SILENCE && !once {
            command.env("FP_REGISTRY_TIMEOUT", "8");
        }
        let folder = machine.folder("log");
        let answer = Running::spawn(command, &folder).finish();
        let outcome = self.judge(case, &machine, &repository, &answer);
        if matches!(
            case,
            Case::Publish | Case::Overtaken | Case::Store | Case::Miss
        ) {
            machine.try_docker(&["image", "rm", &name]);
        }
        let was_there = was_there.load(Ordering::SeqCst);
        assert!(was_there, "{case:?}: fp has not asked for {place}");
        outcome
    }

    /// The way to the registry, and whether the fault was there.
    fn proxy(
        &self,
        case: Case,
        place: &'static str,
        fault: Fault,
        once: bool,
    ) -> (FaultProxy, Arc<AtomicBool>) {
        let progress = Progress::new(case);
        let was_there = Arc::<AtomicBool>::default();
        let (tag, fault_was_there) = (self.tag.clone(), Arc::clone(&was_there));
        let proxy = FaultProxy::start(&lab::registry().host, move |request, ask| {
            let found = progress.place(request, &tag);
            if found == place && !(fault_was_there.swap(true, Ordering::SeqCst) && once) {
                return fault(ask);
            }
            progress.note(found);
            // Somebody writes the tag after the first look.
            if case == Case::Overtaken && found.starts_with("look: ") {
                let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#;
                return Reply::status(404).body(body);
            }
            ask()
        });
        (proxy, was_there)
    }

    /// What came of a run. One that breaks a promise ends the test.
    fn judge(&self, case: Case, machine: &Machine, repository: &str, answer: &Answer) -> Outcome {
        let registry = lab::registry();
        let code = answer.code.expect("no signal ended it");
        let said = format!("{case:?}: {code}\n{}\n{}", answer.stdout, answer.stderr);
        let now = registry.digest(repository, &self.tag);
        let prints = |digest: &str| answer.stdout.ends_with(&format!("@{digest}\n"));
        let none = |allowed: &[i32]| {
            assert!(allowed.contains(&code), "{said}");
            Outcome::Code(code)
        };
        match case {
            Case::StatusAbsent if code == 3 => {
                assert!(answer.stdout.contains("registry  absent"), "{said}");
                Outcome::Right
            }
            Case::StatusPresent if code == 0 => {
                assert!(answer.stdout.contains(&self.digest), "{said}");
                Outcome::Right
            }
            Case::StatusAbsent | Case::StatusPresent => none(&[4]),
            Case::Hit | Case::RecordFrom => {
                assert!(machine.deeds().is_empty(), "{said}");
                match code {
                    0 if case == Case::Hit => assert!(prints(&self.digest), "{said}"),
                    0 => assert_eq!(answer.stdout, self.record),
                    _ => {
                        assert_eq!(answer.stdout, "");
                        return none(&[4]);
                    }
                }
                Outcome::Right
            }
            Case::Alias => {
                assert_eq!(now.as_deref(), Some(self.digest.as_str()), "{said}");
                let alias = registry.digest(&machine.repository(), ALIAS);
                if code != 0 {
                    let is_ours = alias.is_none_or(|alias| alias == self.digest);
                    assert!(is_ours && answer.stdout.is_empty(), "{said}");
                    return none(&[1, 4]);
                }
                let is_right = alias.is_some_and(|alias| alias == self.digest);
                assert!(is_right && prints(&self.digest), "{said}");
                Outcome::Right
            }
            Case::Overtaken => {
                assert_eq!(now.as_deref(), Some(self.theirs.as_str()), "{said}");
                match code {
                    0 if prints(&self.theirs) => Outcome::Right,
                    0 => {
                        assert!(answer.stderr.contains("is not published"), "{said}");
                        Outcome::Warning
                    }
                    _ => none(&[1, 4]),
                }
            }
            Case::Miss if code != 0 => {
                assert!(machine.deeds().is_empty(), "built on doubt: {said}");
                assert_eq!(now, None, "{said}");
                none(&[4])
            }
            Case::Miss | Case::Publish | Case::Store => {
                if code != 0 {
                    let is_ours = now.is_none_or(|now| now == self.digest);
                    assert!(is_ours && answer.stdout.is_empty(), "{said}");
                    return none(&[1, 4]);
                }
                match now.filter(|now| prints(now)) {
                    // The registry has refused this user, who is at a laptop.
                    None => assert!(answer.stderr.contains("is not published"), "{said}"),
                    Some(_) if answer.stderr.contains("its record is not stored") => {}
                    Some(_) => return Outcome::Right,
                }
                Outcome::Warning
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    /// Exit code 0, and a warning that something could not be done.
    Warning,
    Code(i32),
}

impl Outcome {
    fn text(self) -> String {
        match self {
            Outcome::Right => "right".to_owned(),
            Outcome::Warning => "warning".to_owned(),
            Outcome::Code(code) => code.to_string(),
        }
    }
}

/// What comes of a fault, in the words of the table.
fn cell(ground: &Ground, case: Case, place: &'static str, name: &str, fault: Fault) -> String {
    // A byte of an answer without a body, or of one that nobody reads, is no byte.
    if name == OTHER_BYTES && !place.ends_with("GET") {
        return String::new();
    }
    let always = ground.run(case, place, (name, fault), false);
    // Each request by which a record is stored has its faults in the other table.
    if case == Case::Store {
        return always.text();
    }
    let once = ground.run(case, place, (name, fault), true);
    match (once, always) {
        (Outcome::Right, Outcome::Right) => "right".to_owned(),
        (Outcome::Right, other) => format!("again, else {}", other.text()),
        (one, other) if one == other => one.text(),
        (one, other) => format!("{}, {}", one.text(), other.text()),
    }
}

fn table() -> String {
    let ground = Arc::new(Ground::new());
    let mut jobs = Vec::new();
    for (case, _, places) in CASES {
        for place in places {
            for (name, fault) in FAULTS {
                jobs.push((case, *place, name, fault));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let cells = Mutex::new(BTreeMap::new());
    // Most of them wait for something that does not come.
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((case, place, name, fault)) =
                    jobs.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let cell = cell(&ground, *case, place, name, *fault);
                    let key = (format!("{case:?}"), *place, *name);
                    cells.lock().unwrap().insert(key, cell);
                }
            });
        }
    });
    let cells = cells.into_inner().unwrap();
    let names: Vec<_> = FAULTS.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| | {} |\n|---|", names.join(" | "));
    table.extend(names.iter().map(|_| "---|"));
    table.push('\n');
    for (case, title, places) in CASES {
        for place in places {
            let key = |name| (format!("{case:?}"), *place, name);
            let row: Vec<_> = names
                .iter()
                .map(|name| cells[&key(*name)].as_str())
                .collect();
            table.push_str(&format!("| {title}; {place} | {} |\n", row.join(" | ")));
        }
    }
    table
}

const BEGIN: &str = "<!-- begin of the table that the test `the_table_of_whole_commands_is_what_fp_does` writes -->\n\n";
const END: &str = "\n<!-- end of the table of whole commands -->\n";

/// With SNAPSHOTS=overwrite the table is written anew.
#[test]
fn the_table_of_whole_commands_is_what_fp_does() {
    let path = Path::new("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table);
}
