//! The pure parts whose cost grows with what the user has: files, patterns, lines of ignore files.
//!
//! script/bench puts the medians into docs/BENCHMARKS.md.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use fp::dockerfile::dockerignore::Dockerignore;
use fp::inputs::gitignore::{Gitignore, IgnoreStack};
use fp::path::RootPath;
use fp::pattern::Pattern;
use fp::record::{ContentDigest, Item, Record};

const FILES: usize = 10_000;
const LINES: usize = 100_000;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    digests(&mut criterion);
    records(&mut criterion);
    patterns(&mut criterion);
    gitignores(&mut criterion);
    dockerignores(&mut criterion);
    criterion.final_summary();
}

/// Files of 1 to 16 KiB, as sources are: what takes long is that their last chunks are not full. At once, they have to take
/// half the time; else the compiler has not made wide instructions of it.
fn digests(criterion: &mut Criterion) {
    let bytes: Vec<_> = (0..1000 * 16 * 1024).map(|at| (at % 251) as u8).collect();
    let file = |number: usize| &bytes[number * 16 * 1024..][..1024 + number * 7919 % (15 * 1024)];
    let files: Vec<_> = (0..1000).map(file).collect();
    criterion.bench_function("digests: 1,000 files of 1 to 16 KiB, at once", |bencher| {
        bencher.iter(|| ContentDigest::of_each(black_box(&files)));
    });
    criterion.bench_function(
        "digests: 1,000 files of 1 to 16 KiB, one by one",
        |bencher| {
            let each = || black_box(&files).iter().copied().map(ContentDigest::of);
            bencher.iter(|| each().collect::<Vec<_>>());
        },
    );
}

fn records(criterion: &mut Criterion) {
    let paths = paths();
    let items: Vec<_> = paths.iter().map(file).collect();
    criterion.bench_function("record: encode and hash 10,000 files", |bencher| {
        bencher.iter(|| Record::new(black_box(items.clone())).fingerprint());
    });
}

fn patterns(criterion: &mut Criterion) {
    let patterns = ["**/*.rs", "crates/*/src/**/mod.rs", "crates/**/file-?7*"];
    let patterns = patterns.map(|text| Pattern::parse(text).expect("it is a pattern"));
    let paths = paths();
    criterion.bench_function("patterns: 3 globs on 10,000 paths", |bencher| {
        bencher.iter(|| {
            let matches = |path: &&RootPath| {
                let path = path.relative();
                patterns.iter().any(|p| p.matches_or_covers(path))
            };
            black_box(&paths).iter().filter(matches).count()
        });
    });
}

fn gitignores(criterion: &mut Criterion) {
    let text =
        b"*.log\n/target/\nnode_modules/\n**/build/*.o\n!keep.log\n.env\n*~\n/crates/*/tmp\n";
    let rules = IgnoreStack::default().below(b"", Gitignore::parse(text));
    let paths = paths();
    criterion.bench_function(".gitignore: 8 lines on 10,000 paths", |bencher| {
        bencher.iter(|| {
            let decided = |path: &&RootPath| rules.decide(path.relative(), false).is_some();
            black_box(&paths).iter().filter(decided).count()
        });
    });
    let long = lines(|line| format!("/crates/generated-{line}/\n"));
    criterion.bench_function(".gitignore: read 100,000 lines", |bencher| {
        bencher.iter(|| Gitignore::parse(black_box(&long)));
    });
}

fn dockerignores(criterion: &mut Criterion) {
    let long = lines(|line| format!("crates/generated-{line}\n"));
    criterion.bench_function(".dockerignore: read 100,000 lines", |bencher| {
        bencher.iter(|| Dockerignore::parse(black_box(&long)).expect("it has no mistake"));
    });
    let paths = paths();
    for (what, text) in [
        ("8 lines", b"**/*.log\ntarget\n**/node_modules\n**/build/*.o\n!keep.log\n.env\n**/*~\ncrates/*/tmp\n".to_vec()),
        ("100,000 lines", long),
    ] {
        let rules = Dockerignore::parse(&text).expect("it has no mistake");
        let name = format!(".dockerignore: {what} on 10,000 paths");
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                let excluded = |path: &&RootPath| rules.excludes(path.relative());
                black_box(&paths).iter().filter(excluded).count()
            });
        });
    }
}

fn paths() -> Vec<RootPath> {
    let path = |number: usize| {
        let (package, folder) = (number / 500, number / 20);
        format!("crates/package-{package}/src/part-{folder}/file-{number}.rs")
    };
    let parsed = |text: String| RootPath::parse(text.as_bytes()).expect("it stays in the root");
    (0..FILES).map(path).map(parsed).collect()
}

fn file(path: &RootPath) -> Item<'_> {
    let digest = ContentDigest::of(path.relative());
    Item::File {
        path,
        executable: false,
        digest,
    }
}

fn lines(line: impl Fn(usize) -> String) -> Vec<u8> {
    (0..LINES).map(line).collect::<String>().into_bytes()
}
