// Package run owns the life of a run in its folder of the work bucket: plan, ranges, shards, scores and markers.
// Objects are created once and never changed or deleted. So every step can be repeated, and a listing shows what has
// been done.
//
// A Reader only reads. A Planner computes plans and writes nothing. A Worker does everything that writes or publishes:
// it starts runs, cuts, scores and continues them. Selections of a run are the concern of package subset.
package run

import "fmt"

// LayoutVersion changes whenever equal input would be laid out differently. A run of another layout, or of another
// dataset.ReadingVersion, is listed, but neither continued nor selected from.
const LayoutVersion = 12

// Root is the prefix of all runs in the work bucket.
const Root = "runs/"

// Folder is the prefix of a run's objects in the work bucket.
func Folder(run string) string { return Root + run + "/" }

func planName(run string) string   { return Folder(run) + "plan.json" }
func scoredName(run string) string { return Folder(run) + "scored" }

// ScoredSentName says that the event of a scored run, and the task of making its selections, are published.
func ScoredSentName(run string) string { return Folder(run) + "scored.sent" }
func cancelledName(run string) string  { return Folder(run) + "cancelled" }

// eventName says that an event of a run is published.
func eventName(run, event string) string { return Folder(run) + "events/" + event + ".sent" }
func approvedName(run string) string     { return Folder(run) + "approved" }
func rangesPrefix(run string) string     { return Folder(run) + "ranges/" }
func scoresPrefix(run string) string     { return Folder(run) + "scores/" }
func wavesPrefix(run string) string      { return Folder(run) + "waves/" }

// removedName is the tombstone of a run. It is outside of the run's folder, and stays.
func removedName(run string) string  { return "index/removed/" + run + ".json" }
func acceptedName(run string) string { return Folder(run) + "accepted" }
func askedPrefix(run string) string  { return Folder(run) + "asked/" }

// planningPrefix holds how far an accepted run is planned.
func planningPrefix(run string) string { return Folder(run) + "planning/" }

// draftName is the plan without ranges, layoutName what a manifest was found to hold.
func draftName(run string) string         { return planningPrefix(run) + "draft.json" }
func layoutsPrefix(run string) string     { return planningPrefix(run) + "layouts/" }
func layoutName(run string, m int) string { return fmt.Sprintf("%s%04d.json", layoutsPrefix(run), m) }

// scanName is how far a manifest was split when a step of it ended before its end.
func scanName(run string, m, step int) string {
	return fmt.Sprintf("%s%04d/%04d.json", scansPrefix(run), m, step)
}
func scansPrefix(run string) string { return planningPrefix(run) + "scans/" }

// planSentName is the object that records that a step of planning is published. planAgainPrefix is the prefix of the
// objects that record further publications.
func planSentName(run string, m, step int) string {
	return fmt.Sprintf("%ssent/%04d/%04d", planningPrefix(run), m, step)
}
func planAgainPrefix(run string, m, step int) string {
	return fmt.Sprintf("%sagain/%04d/%04d.", planningPrefix(run), m, step)
}

// planAttemptsPrefix begins the names of all attempts at a step of planning.
func planAttemptsPrefix(run string, m, step int) string {
	return fmt.Sprintf("%sstarted/%04d/%04d.", planningPrefix(run), m, step)
}

func rangeName(run string, r int) string { return fmt.Sprintf("%s%04d.json", rangesPrefix(run), r) }

func shardName(run string, r, shard int) string {
	return fmt.Sprintf("%sshards/%04d/%07d.zst", Folder(run), r, shard)
}

// shardScoresPrefix holds the scores of a range's shards, until and after RangeScoresName has them in one object.
func shardScoresPrefix(run string, r int) string {
	return fmt.Sprintf("%s%04d/", ratedPrefix(run), r)
}

// ratedPrefix holds the scores of all shards.
func ratedPrefix(run string) string { return Folder(run) + "rated/" }

func shardScoresName(run string, r, shard int) string {
	return fmt.Sprintf("%s%07d.parquet", shardScoresPrefix(run, r), shard)
}

// RangeScoresName is the name of the scores of a range, once all its shards have theirs.
func RangeScoresName(run string, r int) string {
	return fmt.Sprintf("%s%04d.parquet", scoresPrefix(run), r)
}

// countsPrefix holds the counts of a block of ranges, or of blocks of a lower level.
func countsPrefix(run string, level, block int) string {
	return fmt.Sprintf("%s%04d/", countsLevelPrefix(run, level), block)
}

// countsLevelPrefix holds the counts of a level.
func countsLevelPrefix(run string, level int) string {
	return fmt.Sprintf("%scounts/%d/", Folder(run), level)
}

func countsName(run string, level, number int) string {
	return fmt.Sprintf("%s%04d.json", countsPrefix(run, level, number/countsBlock), number)
}

// itemsPrefix holds leases and results of a shard that is scored item by item.
func itemsPrefix(run string, r, shard int) string {
	return fmt.Sprintf("%sitems/%04d/%07d/", Folder(run), r, shard)
}

// numbersName is what the records of a range hold in fields of numbers.
func numbersName(run string, r int) string {
	return fmt.Sprintf("%snumbers/%04d.parquet", Folder(run), r)
}

// waitsPrefix holds that the run waits for its scorer, minute by minute, the latest first.
func waitsPrefix(run string) string { return Folder(run) + "waiting/" }

// deadName is the dead letter of a task in a wave.
func deadName(run string, wave int, t task) string { return deadPrefix(run, wave) + t.path() + ".json" }

func deadPrefix(run string, wave int) string { return fmt.Sprintf("%sdead/%d/", Folder(run), wave) }

func waveName(run string, wave int) string { return fmt.Sprintf("%s%d.json", wavesPrefix(run), wave) }

func stoppedName(run string, wave int) string {
	return fmt.Sprintf("%s%d.stopped", wavesPrefix(run), wave)
}

// attemptsPrefix begins the names of all attempts at a task.
func attemptsPrefix(run string, t task) string { return Folder(run) + "started/" + t.path() + "." }

// shardAttemptsPrefix begins the names of all attempts at shards.
func shardAttemptsPrefix(run string) string { return Folder(run) + "started/shards/" }

// sentName says that what follows a task in its chain is published.
func sentName(run string, wave int, t task) string {
	return fmt.Sprintf("%ssent/%d/%s", Folder(run), wave, t.path())
}

// begunName says that the first task of a chain is published.
func begunName(run string, wave int, kind string, chain int) string {
	return fmt.Sprintf("%ssent/%d/%s-%d", Folder(run), wave, kind, chain)
}

// checkPrefix holds what is known of a check of the images.
func checkPrefix(run, check string) string { return Folder(run) + "checks/" + check + "/" }

func checkAcceptedName(run, check string) string { return checkPrefix(run, check) + "accepted" }
func checkDoneName(run, check string) string     { return checkPrefix(run, check) + "done" }
func checkSentPrefix(run, check string) string   { return checkPrefix(run, check) + "sent/" }

// checkSentName says that the step of a check that begins with a range is published.
func checkSentName(run, check string, r int) string {
	return fmt.Sprintf("%s%04d", checkSentPrefix(run, check), r)
}

// checkFailedPrefix is the prefix of the objects that record failures of a step of a check. The step is named by its
// first range.
func checkFailedPrefix(run, check string, r int) string {
	return fmt.Sprintf("%sfailed/%04d.", checkPrefix(run, check), r)
}

// checkAgainPrefix is the prefix of the objects that record further publications of such a step.
func checkAgainPrefix(run, check string, r int) string {
	return fmt.Sprintf("%sagain/%04d.", checkPrefix(run, check), r)
}

// againPrefix begins the names of objects that say when a task was published again, because its message had no result.
func againPrefix(run string, wave int, t task) string {
	return fmt.Sprintf("%sagain/%d/%s.", Folder(run), wave, t.path())
}
