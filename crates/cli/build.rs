//! Links the unwinder of GCC into the binary instead of loading it as a library: `libgcc_s` asks the processor for its features when
//! it is loaded, which a virtual machine answers slowly (0.1 ms of the 1.5 ms that a hook client takes to start), and nobody
//! wants to know them.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    // A linker takes a script for the library that it stands in for.
    fs::write(folder.join("libgcc_s.so"), "GROUP ( -lgcc_eh -lgcc -lc )\n").expect("the script is written");
    println!("cargo::rustc-link-search=native={}", folder.display());
}
