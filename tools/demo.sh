#!/bin/sh
# The demo: a fresh copy of the shipped study `tiny-gpt`, improved for a while, ending at a dossier that waits.
set -eu
pawl=$(realpath "$1")
folder=$2
budget=$3

if [ ! -e "$folder/pawl.toml" ]; then
    echo "A small GPT will learn Shakespeare. Pawl will look for changes that make it really better,"
    echo "test them against the noise of the seed, and stop where a person has to decide."
    echo
    "$pawl" lab new tiny-gpt "$folder"
fi
cd "$folder"
status=0
"$pawl" run --budget "$budget" || status=$?
echo
echo "\`pawl\` is $pawl; the study is in $folder/. So, for example:  cd $folder && $pawl status"
exit $status
