#!/bin/sh
# Two people are to be greeted, one of them with a blank in her name.
expected='Hello, Ada Lovelace!
Hello, Alan!'
actual=$(sh ./greet.sh "Ada Lovelace" Alan)
if [ "$actual" = "$expected" ]; then
    echo "ok: everybody was greeted"
else
    echo "expected: $(echo "$expected" | tr '\n' '|')"
    echo "actual:   $(echo "$actual" | tr '\n' '|')"
    exit 1
fi
