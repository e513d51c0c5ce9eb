# Sourced by ./test: which share of each crate's lines the tests run.

# install_coverage FOLDER: what counts lines, where the machine does not have it; a program goes into the folder.
install_coverage() {
    if ! cargo llvm-cov --version >/dev/null 2>&1; then
        cargo install --quiet --locked --root "$1" cargo-llvm-cov
    fi
    rustup component add llvm-tools
}

# Runs everything in a build of its own that counts, the benchmarks too, and fails when too few lines were run.
measure_coverage() {
    export CARGO_TARGET_DIR=$PWD/target/coverage
    # Few files, into which the many processes of the tests add up.
    export LLVM_PROFILE_FILE_NAME=provost-%4m.profraw
    source <(cargo llvm-cov show-env --sh)
    cargo llvm-cov clean --workspace --profraw-only
    cargo build --workspace --bins
    cargo nextest run --workspace
    "$CARGO_TARGET_DIR/debug/xtask" bench --quick --as-built
    cargo llvm-cov report --json --summary-only --output-path "$CARGO_TARGET_DIR/coverage.json"
    "$CARGO_TARGET_DIR/debug/xtask" coverage "$CARGO_TARGET_DIR/coverage.json"
}
