//! Sources of COPY: the first line is what stands behind the keyword, the second one a path in the
//! context.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use fp::dockerfile::{Glob, Request, Shape};
use fp::expected;
use fp::path::RootPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Some(written) = lines.next() else { return };
    let Ok(path) = RootPath::parse(lines.next().unwrap_or_default().as_bytes()) else {
        return;
    };
    check_glob(&Glob::parse(written), &path);
    let dockerfile = format!("FROM scratch\nCOPY {written} /x/\n");
    let Some(file) = expected::dockerfile(&dockerfile) else {
        return;
    };
    expected::of_target(&dockerfile, &file, None);
    let request = Request {
        target: None,
        args: &BTreeMap::new(),
        platforms: &[],
        needs: &BTreeSet::new(),
        hints: &BTreeSet::new(),
    };
    let Ok(Ok(sources)) = file.interpret(&request).map(|it| it.sources) else {
        return;
    };
    for source in sources {
        check_shape(&source.shape, &path);
    }
});

fn folders(path: &RootPath) -> impl Iterator<Item = RootPath> {
    std::iter::successors(path.parent(), RootPath::parent)
}

fn check_glob(glob: &Glob, path: &RootPath) {
    if glob.matches(path.relative()) && !path.is_root() {
        assert!(glob.covers(path.relative()));
        let mut above = folders(path).filter(|folder| !folder.is_root());
        assert!(above.all(|folder| glob.may_match_below(folder.relative())));
    }
}

fn check_shape(shape: &Shape, path: &RootPath) {
    if shape.takes(path) {
        assert!(shape.covers(path));
        assert!(folders(path).all(|folder| shape.may_cover_below(&folder)));
    }
    if shape.takes_all() && shape.covers(path) {
        assert!(shape.takes(path));
    }
}
