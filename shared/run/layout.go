// Package run owns the life of a run in its folder of the work bucket: plan, ranges, shards,
// scores, markers and selections. Objects are created once and never changed or deleted, so every
// step can be repeated, and what has been done is what can be listed.
package run

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// LayoutVersion changes whenever equal input would be laid out differently.
const LayoutVersion = 3

const root = "runs/"

func planName(run string) string         { return root + run + "/plan.json" }
func scoredName(run string) string       { return root + run + "/scored" }
func scoredSentName(run string) string   { return root + run + "/scored.sent" }
func cancelledName(run string) string    { return root + run + "/cancelled" }
func approvedName(run string) string     { return root + run + "/approved" }
func rangesPrefix(run string) string     { return root + run + "/ranges/" }
func scoresPrefix(run string) string     { return root + run + "/scores/" }
func deadPrefix(run string) string       { return root + run + "/dead/" }
func resumesPrefix(run string) string    { return root + run + "/resumes/" }
func selectionsPrefix(run string) string { return root + run + "/selections/" }

func rangeName(run string, r int) string { return fmt.Sprintf("%s%04d.json", rangesPrefix(run), r) }

func shardName(run string, r, shard int) string {
	return fmt.Sprintf("%s%s/shards/%04d/%07d.jsonl.zst", root, run, r, shard)
}

func shardScoresPrefix(run string, r int) string {
	return fmt.Sprintf("%s%04d/", scoresPrefix(run), r)
}

func shardScoresName(run string, r, shard int) string {
	return fmt.Sprintf("%s%07d.parquet", shardScoresPrefix(run, r), shard)
}

func rangeScoresName(run string, r int) string {
	return fmt.Sprintf("%s%04d.parquet", scoresPrefix(run), r)
}

// itemsPrefix holds leases and results of a shard that is scored item by item.
func itemsPrefix(run string, r, shard int) string {
	return fmt.Sprintf("%s%s/items/%04d/%07d/", root, run, r, shard)
}

// deadName is the record of a shard whose message was given up in the given wave of attempts; each
// resume begins another wave.
func deadName(run string, r, shard, wave int) string {
	return fmt.Sprintf("%s%04d/%07d.%d.json", deadPrefix(run), r, shard, wave)
}

// deadRangeName is the same for a range that could not be cut.
func deadRangeName(run string, r, wave int) string {
	return fmt.Sprintf("%s%04d.%d.json", deadPrefix(run), r, wave)
}

func resumeName(run string, wave int) string { return fmt.Sprintf("%s%d", resumesPrefix(run), wave) }

func wantedPrefix(run string) string { return root + run + "/wanted/" }

func wantedName(run, id string) string { return wantedPrefix(run) + id + ".json" }

func selectionPrefix(run, id string) string { return selectionsPrefix(run) + id + "/" }
func selectionName(run, id string) string   { return selectionPrefix(run, id) + "selection.json" }
func picksName(run, id string) string       { return selectionPrefix(run, id) + "picks.parquet" }
func reasonsName(run, id string) string     { return selectionPrefix(run, id) + "reasons.parquet" }
func rejectedName(run, id string) string    { return selectionPrefix(run, id) + "rejected.jsonl" }
func completedName(run, id string) string   { return selectionPrefix(run, id) + "completed" }
func completedSentName(run, id string) string {
	return selectionPrefix(run, id) + "completed.sent"
}

func subsetName(run, id string, format dataset.Format) string {
	return selectionPrefix(run, id) + "subset." + string(format)
}

func partsPrefix(run, id string) string { return selectionPrefix(run, id) + "parts/" }

func subsetPartName(run, id string, r int) string {
	return fmt.Sprintf("%s%04d.subset", partsPrefix(run, id), r)
}

func rejectedPartName(run, id string, r int) string {
	return fmt.Sprintf("%s%04d.rejected", partsPrefix(run, id), r)
}
