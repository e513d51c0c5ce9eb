#!/bin/sh
# Greets everybody named on the command line.
for name in $1; do
    echo "Hello, $name!"
done
