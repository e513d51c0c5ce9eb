# Sourced by ./test and .ci/run: runs the parts of a check one after the other and says at the end what became of each.

parts_title=
parts_cleanup=
parts_summary=()
part_name=
part_started=0
part_group=
part_verdict=FAILED

# begin_parts TITLE CLEANUP: from here on the summary is printed and CLEANUP called however the script ends.
begin_parts() {
    parts_title=$1
    parts_cleanup=$2
    trap finish_parts EXIT
    trap 'interrupt_part INT 130' INT
    trap 'interrupt_part TERM 143' TERM
    trap 'interrupt_part HUP 129' HUP
}

# run_part NAME COMMAND...: runs the command in a subshell; the script ends where it fails.
run_part() {
    part_name=$1
    shift
    part_started=$SECONDS
    printf '\n== %s\n' "$part_name"
    # In a process group of its own, so that a signal can end all of it at once, and waited for, because bash
    # sits out a command in the foreground before it minds a signal.
    set -m
    "$@" </dev/null &
    set +m
    part_group=$!
    local status=0
    wait "$part_group" || status=$?
    part_group=
    [[ $status == 0 ]] || exit "$status"
    parts_summary+=("RAN     $part_name ($((SECONDS - part_started)) s)")
    part_name=
}

# skip_part NAME WHY
skip_part() {
    parts_summary+=("SKIPPED $1: $2")
}

interrupt_part() {
    trap '' INT TERM HUP
    part_verdict=STOPPED
    if [[ -n $part_group ]]; then
        kill -s "$1" -- "-$part_group" 2>/dev/null || true
        wait "$part_group" || true
    fi
    exit "$2"
}

finish_parts() {
    local status=$?
    trap '' INT TERM HUP
    "$parts_cleanup" || true
    if [[ -n $part_name ]]; then
        parts_summary+=("$(printf %-7s "$part_verdict") $part_name ($((SECONDS - part_started)) s)")
    fi
    printf '\n'
    if ((${#parts_summary[@]})); then
        printf '%s\n' "${parts_summary[@]}"
    fi
    if [[ $status == 0 ]]; then
        printf '%s: passed in %s s\n' "$parts_title" "$SECONDS"
    else
        printf '%s: %s%s\n' "$parts_title" "$part_verdict" "${part_name:+ in: $part_name}"
    fi
}
