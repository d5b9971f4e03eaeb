//! Faults at every request of whole commands, on the way to a real registry: the answer is the right one, or the exit
//! code says that there is none. Nothing is built on doubt, no tag is overwritten, and docs/RELIABILITY.md has the tables.

mod cases;
mod faults;
mod ground;
mod judge;
mod progress;
mod way;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cases::{CASES, Case};
use faults::{FAULTS, Fault, TOKEN_SERVERS, TokenServer};
use ground::Ground;
use judge::Outcome;
use way::Trouble;

/// How many runs there are at once. Most of them wait for something that does not come.
const AT_ONCE: usize = 32;

/// What a column of a table is about.
#[derive(Clone, Copy)]
enum Column {
    Fault(&'static Fault),
    Expiry(&'static TokenServer),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Fault(fault) => fault.name,
            Column::Expiry(server) => server.name,
        }
    }

    /// What comes of it, in the words of the table.
    fn cell(self, ground: &Ground, case: Case, place: &'static str) -> String {
        match self {
            Column::Fault(fault) => of_fault(ground, case, place, fault),
            Column::Expiry(server) => ground.run(case, place, Trouble::Expiry(server)).text(),
        }
    }
}

fn of_fault(ground: &Ground, case: Case, place: &'static str, fault: &'static Fault) -> String {
    if !fault.is_at(place) {
        return String::new();
    }
    let run = |once| ground.run(case, place, Trouble::Fault { fault, once });
    let always = run(false);
    // The first table of the page has the faults of each request by which a record is stored, and what asking again
    // does about them.
    let is_storing = matches!(case, Case::Store | Case::StoreAgain | Case::IndexStore);
    if is_storing || !fault.leaves_time() {
        return always.text();
    }
    match (run(true), always) {
        (Outcome::Right, Outcome::Right) => "right".to_owned(),
        (Outcome::Right, other) => format!("again, else {}", other.text()),
        (one, other) if one == other => one.text(),
        (one, other) => format!("{}, {}", one.text(), other.text()),
    }
}

/// A table with a row for each request of each case.
fn table(ground: &Ground, columns: &[Column]) -> String {
    let mut jobs = Vec::new();
    for (case, _, places) in CASES {
        for place in places {
            jobs.extend(columns.iter().map(|column| (case, *place, *column)));
        }
    }
    let next = AtomicUsize::new(0);
    let cells = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, place, column)) =
                    jobs.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let cell = column.cell(ground, *case, place);
                    let key = (format!("{case:?}"), *place, column.name());
                    cells.lock().unwrap().insert(key, cell);
                }
            });
        }
    });
    let cells = cells.into_inner().unwrap();
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
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

const BEGIN: &str = "<!-- begin of the table that the test `NAME` writes -->\n\n";
const END: &str = "\n<!-- end of that table -->\n";

/// Holds a table against the one of docs/RELIABILITY.md. With SNAPSHOTS=overwrite it is written anew.
fn compare(test: &str, columns: &[Column]) {
    static PAGE: Mutex<()> = Mutex::new(());
    let table = table(&Ground::new(), columns);
    let _only_one_writes = PAGE.lock();
    let path = Path::new("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(path).unwrap();
    let begin = BEGIN.replace("NAME", test);
    let (before, rest) = page.split_once(&begin).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::write(path, format!("{before}{begin}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table);
}

#[test]
fn the_table_of_whole_commands_is_what_fp_does() {
    compare(
        "the_table_of_whole_commands_is_what_fp_does",
        &FAULTS.each_ref().map(Column::Fault),
    );
}

#[test]
fn the_table_of_token_servers_is_what_fp_does() {
    compare(
        "the_table_of_token_servers_is_what_fp_does",
        &TOKEN_SERVERS.each_ref().map(Column::Expiry),
    );
}
