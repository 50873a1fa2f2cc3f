// Package run owns the life of a run in its folder of the work bucket: plan, ranges, shards, scores and markers.
// Objects are created once and never changed or deleted. So every step can be repeated, and a listing shows what has
// been done.
//
// A Reader only reads. A Planner computes plans, and writes only temporary objects. A Worker writes and publishes: it
// starts, cuts, scores and continues runs. Package subset makes the selections of runs.
package run

import "fmt"

// LayoutVersion is the version of the objects of a run. It changes when equal input gives different objects. A run with
// another version, or another dataset.ReadingVersion, is listed, but it is not continued, and no selection is made from
// it.
const LayoutVersion = 12

// Root is the prefix of all runs in the work bucket.
const Root = "runs/"

// PlanFile is the name of the plan in the folder of a run.
const PlanFile = "plan.json"

// Folder returns the prefix of a run's objects in the work bucket.
func Folder(run string) string { return Root + run + "/" }

func planName(run string) string   { return Folder(run) + PlanFile }
func scoredName(run string) string { return Folder(run) + "scored" }

// ScoredSentName returns the name of the object that records that the event of a scored run, and the task of making its
// selections, were published.
func ScoredSentName(run string) string { return Folder(run) + "scored.sent" }
func cancelledName(run string) string  { return Folder(run) + "cancelled" }

// eventName returns the name of the object that records that an event of a run was published.
func eventName(run, event string) string { return Folder(run) + "events/" + event + ".sent" }
func approvedName(run string) string     { return Folder(run) + "approved" }
func rangesPrefix(run string) string     { return Folder(run) + "ranges/" }
func scoresPrefix(run string) string     { return Folder(run) + "scores/" }
func wavesPrefix(run string) string      { return Folder(run) + "waves/" }

// removedName returns the name of a run's tombstone. It is outside of the run's folder, and stays.
func removedName(run string) string  { return "index/removed/" + run + ".json" }
func acceptedName(run string) string { return Folder(run) + "accepted" }
func askedPrefix(run string) string  { return Folder(run) + "asked/" }

// planningPrefix returns the prefix of the objects of planning an accepted run.
func planningPrefix(run string) string { return Folder(run) + "planning/" }

// draftName returns the name of the plan without ranges, and layoutName the name of the ranges of a manifest.
func draftName(run string) string         { return planningPrefix(run) + "draft.json" }
func layoutsPrefix(run string) string     { return planningPrefix(run) + "layouts/" }
func layoutName(run string, m int) string { return fmt.Sprintf("%s%04d.json", layoutsPrefix(run), m) }

// scanName returns the name of the state after a step that did not reach the end of its manifest.
func scanName(run string, m, step int) string {
	return fmt.Sprintf("%s%04d/%04d.json", scansPrefix(run), m, step)
}
func scansPrefix(run string) string { return planningPrefix(run) + "scans/" }

// planSentName returns the name of the object that records that a step of planning was published. planAgainPrefix
// returns the prefix of the objects that record further publications.
func planSentName(run string, m, step int) string {
	return fmt.Sprintf("%ssent/%04d/%04d", planningPrefix(run), m, step)
}
func planAgainPrefix(run string, m, step int) string {
	return fmt.Sprintf("%sagain/%04d/%04d.", planningPrefix(run), m, step)
}

// planAttemptsPrefix returns the prefix of the names of all attempts at a step of planning.
func planAttemptsPrefix(run string, m, step int) string {
	return fmt.Sprintf("%sstarted/%04d/%04d.", planningPrefix(run), m, step)
}

func rangeName(run string, r int) string { return fmt.Sprintf("%s%04d.json", rangesPrefix(run), r) }

func shardName(run string, r, shard int) string {
	return fmt.Sprintf("%sshards/%04d/%07d.zst", Folder(run), r, shard)
}

// shardScoresPrefix returns the prefix of the scores of a range's shards. They are kept when RangeScoresName has them,
// too.
func shardScoresPrefix(run string, r int) string {
	return fmt.Sprintf("%s%04d/", ratedPrefix(run), r)
}

// ratedPrefix returns the prefix of the scores of all shards.
func ratedPrefix(run string) string { return Folder(run) + "rated/" }

func shardScoresName(run string, r, shard int) string {
	return fmt.Sprintf("%s%07d.parquet", shardScoresPrefix(run, r), shard)
}

// RangeScoresName returns the name of the scores of a range. The object exists when all shards of the range are scored.
func RangeScoresName(run string, r int) string {
	return fmt.Sprintf("%s%04d.parquet", scoresPrefix(run), r)
}

// countsPrefix returns the prefix of the counts of a level that are summed in one block.
func countsPrefix(run string, level, block int) string {
	return fmt.Sprintf("%s%04d/", countsLevelPrefix(run, level), block)
}

// countsLevelPrefix returns the prefix of the counts of a level.
func countsLevelPrefix(run string, level int) string {
	return fmt.Sprintf("%scounts/%d/", Folder(run), level)
}

func countsName(run string, level, number int) string {
	return fmt.Sprintf("%s%04d.json", countsPrefix(run, level, number/countsBlock), number)
}

// itemsPrefix returns the prefix of the attempts and results of a shard that is scored sample by sample.
func itemsPrefix(run string, r, shard int) string {
	return fmt.Sprintf("%sitems/%04d/%07d/", Folder(run), r, shard)
}

// numbersName returns the name of the numeric fields of a range's records.
func numbersName(run string, r int) string {
	return fmt.Sprintf("%snumbers/%04d.parquet", Folder(run), r)
}

// waitsPrefix returns the prefix of reports that the run waits for its scorer, the latest first.
func waitsPrefix(run string) string { return Folder(run) + "waiting/" }

// deadName returns the name of the dead letter of a task in a wave.
func deadName(run string, wave int, t task) string { return deadPrefix(run, wave) + t.path() + ".json" }

func deadPrefix(run string, wave int) string { return fmt.Sprintf("%sdead/%d/", Folder(run), wave) }

func waveName(run string, wave int) string { return fmt.Sprintf("%s%d.json", wavesPrefix(run), wave) }

func stoppedName(run string, wave int) string {
	return fmt.Sprintf("%s%d.stopped", wavesPrefix(run), wave)
}

// attemptsPrefix returns the prefix of the names of all attempts at a task.
func attemptsPrefix(run string, t task) string { return Folder(run) + "started/" + t.path() + "." }

// shardAttemptsPrefix returns the prefix of the names of all attempts at shards.
func shardAttemptsPrefix(run string) string { return Folder(run) + "started/shards/" }

// sentName returns the name of the object that records that the next task in a task's chain was published.
func sentName(run string, wave int, t task) string {
	return fmt.Sprintf("%ssent/%d/%s", Folder(run), wave, t.path())
}

// begunName returns the name of the object that records that the first task of a chain was published.
func begunName(run string, wave int, kind string, chain int) string {
	return fmt.Sprintf("%ssent/%d/%s-%d", Folder(run), wave, kind, chain)
}

// checkPrefix returns the prefix of the objects of a check of the images.
func checkPrefix(run, check string) string { return Folder(run) + "checks/" + check + "/" }

func checkAcceptedName(run, check string) string { return checkPrefix(run, check) + "accepted" }
func checkDoneName(run, check string) string     { return checkPrefix(run, check) + "done" }
func checkSentPrefix(run, check string) string   { return checkPrefix(run, check) + "sent/" }

// checkSentName returns the name of the object that records that a step of a check was published. The step is named by
// its first range.
func checkSentName(run, check string, r int) string {
	return fmt.Sprintf("%s%04d", checkSentPrefix(run, check), r)
}

// checkFailedPrefix returns the prefix of the objects that record failures of a step of a check.
func checkFailedPrefix(run, check string, r int) string {
	return fmt.Sprintf("%sfailed/%04d.", checkPrefix(run, check), r)
}

// checkAgainPrefix returns the prefix of the objects that record further publications of a step of a check.
func checkAgainPrefix(run, check string, r int) string {
	return fmt.Sprintf("%sagain/%04d.", checkPrefix(run, check), r)
}

// againPrefix returns the prefix of the objects that record further publications of a task whose message had no result.
func againPrefix(run string, wave int, t task) string {
	return fmt.Sprintf("%sagain/%d/%s.", Folder(run), wave, t.path())
}
