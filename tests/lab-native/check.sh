# SPDX-License-Identifier: MIT
# Checks: one line each, counted. Sourced by run.

passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); echo "ok    ${LABEL:-}$1"; }
skip() { skipped=$((skipped + 1)); echo "SKIP  $1: $2"; }

# fail WHAT EXPECTED SEEN
fail() {
        failed=$((failed + 1))
        echo "FAIL  ${LABEL:-}$1: expected $2, seen $3"
        failures+=("${LABEL:-}$1: expected $2, seen $3")
}
failures=()

# same WHAT EXPECTED SEEN: as text
same() {
        if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "'$2'" "'$3'"; fi
}

is_number() { [[ $1 =~ ^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$ ]]; }
is_whole() { [[ $1 =~ ^-?[0-9]{1,18}$ ]]; }

# compare A OP B, with fractions
compare() { awk -v a="$1" -v b="$3" "BEGIN { exit !(a $2 b) }"; }

# between WHAT LOW HIGH SEEN; anything but a number fails
between() {
        if is_whole "$2" && is_whole "$3" && is_whole "$4"; then
                if (($2 <= $4 && $4 <= $3)); then pass "$1"; else fail "$1" "$2..$3" "$4"; fi
        elif is_number "$4" && compare "$2" '<=' "$4" && compare "$4" '<=' "$3"; then
                pass "$1"
        else
                fail "$1" "$2..$3" "'$4'"
        fi
}

# near WHAT EXPECTED SLACK SEEN
near() {
        if is_number "$2" && is_number "$4" &&
                awk -v a="$2" -v b="$3" -v x="$4" 'BEGIN { exit !(a - b <= x && x <= a + b) }'; then
                pass "$1"
        else
                fail "$1" "$2 +- $3" "'$4'"
        fi
}

# holds WHAT COMMAND...: the command must succeed; its output tells why not
holds() {
        local what=$1 out
        shift
        if out=$("$@" 2>&1); then pass "$what"; else fail "$what" success "'${out:0:300}'"; fi
}

# until_true SECONDS COMMAND...: polls, quietly
until_true() {
        local end=$((SECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                ((SECONDS < end)) || return 1
                sleep 0.1
        done
}

# "57.3MiB", "1.2MB", "980kB" as engines print them -> bytes
to_bytes() {
        awk -v s="$1" 'BEGIN {
                n = s + 0; u = s; gsub(/[0-9. ]/, "", u); i = index("kmgt", tolower(substr(u, 1, 1)))
                printf "%.0f", n * (u ~ /i/ ? 1024 : 1000) ^ (u ~ /^[Bb]?$/ ? 0 : i)
        }'
}

summary() {
        ((failed == 0)) || printf '\n%d failed:\n' "$failed"
        ((failed == 0)) || printf '  %s\n' "${failures[@]}"
        echo "lab-native: $passed passed, $failed failed, $skipped skipped"
}
