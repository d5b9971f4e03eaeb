//! Faults at every request of whole commands, on the way to a real registry: the answer is the right one, or the exit
//! code says that there is none. Nothing is built on doubt, no tag is overwritten, and docs/RELIABILITY.md has the table.

mod cases;
mod ground;
mod judge;
mod progress;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cases::{CASES, Case, FAULTS, Fault, OTHER_BYTES};
use ground::Ground;
use judge::Outcome;

/// How many runs there are at once. Most of them wait for something that does not come.
const AT_ONCE: usize = 32;

/// What comes of a fault, in the words of the table.
fn cell(ground: &Ground, case: Case, place: &'static str, name: &str, fault: Fault) -> String {
    // A byte of an answer without a body, or of one that nobody reads, is no byte.
    if name == OTHER_BYTES && !place.ends_with("GET") {
        return String::new();
    }
    let always = ground.run(case, place, (name, fault), false);
    // Each request by which a record is stored has its faults in the other table.
    if matches!(case, Case::Store | Case::StoreAgain | Case::IndexStore) {
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
    let ground = Ground::new();
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
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
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
