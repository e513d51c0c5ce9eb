# Sourced by ./test and .ci/run: the real agent CLI, kept in a cache outside the repository. It is proprietary, so
# nothing of it may enter the repository.

agent_cli_version=2.1.329
agent_cli_package=@anthropic-ai/claude-code-linux-x64
agent_cli_cache=${XDG_CACHE_HOME:-$HOME/.cache}/provost/agent-cli
agent_cli_staging=$agent_cli_cache/.new-$$

agent_cli_path() {
    printf '%s\n' "$agent_cli_cache/$agent_cli_version/claude"
}

# Downloads the package unless it is there. On failure its last line says why.
fetch_agent_cli() {
    if [[ -x $(agent_cli_path) ]]; then
        return
    fi
    if [[ $(uname -sm) != "Linux x86_64" ]]; then
        echo "the agent CLI is pinned for Linux on x86_64, and this is $(uname -sm)" >&2
        return 1
    fi
    # Unpacked beside its place and then moved, so that what is found there is complete.
    if mkdir -p "$agent_cli_staging" && download_agent_cli; then
        mv -T "$agent_cli_staging/package" "$agent_cli_cache/$agent_cli_version" 2>/dev/null || true
    fi
    drop_agent_cli_staging
    if [[ ! -x $(agent_cli_path) ]]; then
        echo "the package $agent_cli_package@$agent_cli_version cannot be fetched" >&2
        return 1
    fi
}

download_agent_cli() {
    (cd "$agent_cli_staging" && npm pack --silent "$agent_cli_package@$agent_cli_version" >/dev/null) &&
        tar -xzf "$agent_cli_staging"/*.tgz -C "$agent_cli_staging"
}

drop_agent_cli_staging() {
    rm -rf "$agent_cli_staging"
}

verify_agent_cli() {
    local said
    said=$(env -i PATH="$PATH" HOME="$work" "$(agent_cli_path)" --version)
    echo "$said"
    if [[ $said != "$agent_cli_version "* ]]; then
        echo "the agent CLI in the cache is not version $agent_cli_version" >&2
        return 1
    fi
}

# Runs the tests that drive the CLI. They are built before the network is cut off.
run_real_cli_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --no-run
        with_loopback_only cargo nextest run --workspace --offline \
            --filterset 'test(/(^|::)real_cli_/)' --success-output immediate
    else
        cargo test --workspace --tests --no-run
        with_loopback_only cargo test --workspace --tests --offline real_cli_ -- --nocapture
    fi
}

# with_loopback_only COMMAND...: in a network namespace where only loopback exists, when this user may make one.
with_loopback_only() {
    if unshare --net ip link set lo up 2>/dev/null; then
        echo "network: only loopback"
        unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
    else
        echo "network: not cut off, because this user cannot make a network namespace"
        "$@"
    fi
}
