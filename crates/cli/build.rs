//! Links the unwinder of GCC into the binary instead of loading it as a library: `libgcc_s` asks the processor for its features when
//! it is loaded, which a virtual machine answers slowly (0.1 ms of the 1.5 ms that a hook client takes to start), and nobody
//! wants to know them. Where the compiler has no such library to link in, it is loaded.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script everything in variables")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    let Some(unwinder) = unwinder() else { return };
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    // A linker takes a script for the library that it stands in for.
    let script = format!("GROUP ( {} -lgcc -lc )\n", unwinder.display());
    fs::write(folder.join("libgcc_s.so"), script).expect("the script is written");
    println!("cargo::rustc-link-search=native={}", folder.display());
}

/// Where the program that links has the library.
fn unwinder() -> Option<PathBuf> {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let output = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let path = Path::new(path.trim());
    // Only a name is printed when there is none.
    let is_plain = path.to_str().is_some_and(|path| !path.contains([' ', '"', '(', ')']));
    (path.is_absolute() && path.exists() && is_plain).then(|| path.to_owned())
}
