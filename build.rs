//! Links libgcc into the program, where it would be a library of its own.
//!
//! When that library is loaded, it asks the processor some twenty times what it can do, and on a virtual machine each
//! answer comes from the hypervisor: together a twelfth of what `fp hash` takes on 40 files. Nobody needs the answers.
//! Without it, fp needs no more than the C library, and runs in images that hold nothing else.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the linker finds under the library's name: the same code, to be linked in.
const SCRIPT: &str = "INPUT(-lgcc_eh -lgcc)\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu =
        env::var("CARGO_CFG_TARGET_OS")? == "linux" && env::var("CARGO_CFG_TARGET_ENV")? == "gnu";
    if is_gnu && has_static_libgcc() {
        let folder = PathBuf::from(env::var("OUT_DIR")?);
        fs::write(folder.join("libgcc_s.so"), SCRIPT)?;
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    Ok(())
}

/// Whether the compiler that links has it, which tells its path. Compilers that come without gcc do not. One that only
/// arguments make a cross compiler answers for this machine.
fn has_static_libgcc() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let found = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    found.is_ok_and(|found| {
        let path = String::from_utf8_lossy(&found.stdout);
        Path::new(path.trim()).is_absolute()
    })
}
