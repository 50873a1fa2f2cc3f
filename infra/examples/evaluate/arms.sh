#!/bin/sh
# Makes the arms from one scored run: selections of one budget, and an export of each selection for a trainer.
#
#   ./arms.sh MANIFEST BUDGET TRAINER OUT        such as: ./arms.sh dataset.json 30% llama-factory arms
#
# HARVEST is the program (default: harvest). STATE is the state folder (default: harvest's default). VISUAL is the rule
# for the tokens of an image (default: qwen2.5-vl, the model of README.md; see `harvest select --help` for others).
set -eu
manifest=$1 budget=$2 trainer=$3 out=$4
harvest=${HARVEST:-harvest}
state=${STATE:+--state $STATE}
visual="visual_tokens: \"${VISUAL:-qwen2.5-vl}\""
mkdir -p "$out"

# This starts the run: samples are scored once. After a kill, the same command continues.
# shellcheck disable=SC2086 # the flag and its value are two words
run=$($harvest curate --quiet --json --no-report --budget "$budget" $state --out "$out/curated" "$manifest" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["run"])')

cat >"$out/arms.yaml" <<END
full: {budget: 100%, $visual}
mmssr: {budget: $budget, $visual}
threshold-1: {budget: $budget, threshold: 1, $visual}
threshold-2: {budget: $budget, threshold: 2, $visual}
descending: {budget: $budget, strategy: descending, $visual}
stratified: {budget: $budget, strategy: stratified, seed: 1, $visual}
longest: {budget: $budget, strategy: longest, $visual}
random-1: {budget: $budget, strategy: random, seed: 1, $visual}
random-2: {budget: $budget, strategy: random, seed: 2, $visual}
random-3: {budget: $budget, strategy: random, seed: 3, $visual}
END
# shellcheck disable=SC2086
$harvest select --quiet --no-report $state --arms "$out/arms.yaml" --out "$out/selections" "$run"

# This makes a random arm with as many tokens as mmssr, because a subset may be better only because it has more tokens.
tokens=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["summary"]["selection"]["tokens"])' \
  "$out/selections/mmssr/selection.json")
echo "random-tokens: {budget: ${tokens}-tokens, strategy: random, seed: 1, $visual}" >"$out/tokens.yaml"
# shellcheck disable=SC2086
$harvest select --quiet --no-report $state --arms "$out/tokens.yaml" --out "$out/equal-tokens" "$run"

for file in "$out"/selections/*/selection.json "$out"/equal-tokens/*/selection.json; do
  arm=$(basename "$(dirname "$file")")
  id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$file")
  # shellcheck disable=SC2086
  $harvest export-subset $state --for "$trainer" --out "$out/exports/$arm" "$run" "$id"
done
