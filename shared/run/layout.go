// Package run owns the life of a run in its folder of the work bucket: plan, ranges, shards, scores and markers.
// Objects are created once and never changed or deleted, so every step can be repeated, and what has been done is
// what can be listed.
//
// A Reader only reads. A Planner computes plans and writes nothing. A Worker does everything that writes or
// publishes: it starts runs, cuts, scores, and carries them on. What is selected of a run is the concern of package
// subset.
package run

import "fmt"

// LayoutVersion changes whenever equal input would be laid out differently. A run of another layout is listed, and
// not continued.
const LayoutVersion = 5

const root = "runs/"

// Folder is the prefix of a run's objects in the work bucket.
func Folder(run string) string { return root + run + "/" }

func planName(run string) string       { return Folder(run) + "plan.json" }
func scoredName(run string) string     { return Folder(run) + "scored" }
func scoredSentName(run string) string { return Folder(run) + "scored.sent" }
func cancelledName(run string) string  { return Folder(run) + "cancelled" }
func approvedName(run string) string   { return Folder(run) + "approved" }
func rangesPrefix(run string) string   { return Folder(run) + "ranges/" }
func scoresPrefix(run string) string   { return Folder(run) + "scores/" }
func deadPrefix(run string) string     { return Folder(run) + "dead/" }
func resumesPrefix(run string) string  { return Folder(run) + "resumes/" }

func rangeName(run string, r int) string { return fmt.Sprintf("%s%04d.json", rangesPrefix(run), r) }

func shardName(run string, r, shard int) string {
	return fmt.Sprintf("%sshards/%04d/%07d.jsonl.zst", Folder(run), r, shard)
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
	return fmt.Sprintf("%sitems/%04d/%07d/", Folder(run), r, shard)
}

// deadShardName is the dead letter of a shard in the given wave of attempts; each resume begins another wave.
func deadShardName(run string, r, shard, wave int) string {
	return fmt.Sprintf("%s%04d/%07d.%d.json", deadPrefix(run), r, shard, wave)
}

// deadRangeName is the same for a range that could not be cut.
func deadRangeName(run string, r, wave int) string {
	return fmt.Sprintf("%s%04d.%d.json", deadPrefix(run), r, wave)
}

func resumeName(run string, wave int) string { return fmt.Sprintf("%s%d", resumesPrefix(run), wave) }
