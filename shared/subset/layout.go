// Package subset makes the selections of a run, in the run's folder of the work bucket. It selects, writes the selected
// and rejected samples in one part for each range, completes selections, and explains them. It also makes a run's
// automatic selections, which the plan or a later request names.
//
// A Reader only reads. A Selector also writes and publishes. Every step can be repeated.
package subset

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
)

func requestsPrefix(runID string) string   { return run.Folder(runID) + "requested/" }
func selectionsPrefix(runID string) string { return run.Folder(runID) + "selections/" }

func requestName(runID, id string) string     { return requestsPrefix(runID) + id + ".json" }
func selectionPrefix(runID, id string) string { return selectionsPrefix(runID) + id + "/" }
func selectionName(runID, id string) string   { return selectionPrefix(runID, id) + "selection.json" }
func picksName(runID, id string) string       { return selectionPrefix(runID, id) + "picks.parquet" }
func reasonsName(runID, id string) string     { return selectionPrefix(runID, id) + "reasons.parquet" }
func missesName(runID, id string) string      { return selectionPrefix(runID, id) + "misses" }
func nearName(runID, id string) string        { return selectionPrefix(runID, id) + "near.jsonl" }
func clustersName(runID, id string) string    { return selectionPrefix(runID, id) + "clusters.jsonl" }
func rejectedName(runID, id string) string    { return selectionPrefix(runID, id) + "rejected.jsonl" }
func reportName(runID, id string) string      { return selectionPrefix(runID, id) + "report.html" }
func completedName(runID, id string) string   { return selectionPrefix(runID, id) + "completed" }

// askedName is the name of the object that records a requested selection before it is made.
func askedName(runID, id string) string { return selectionPrefix(runID, id) + "asked.json" }

func failedSentName(runID, id string) string { return selectionPrefix(runID, id) + "failed.sent" }

// automaticPrefix is the prefix of the markers of automatic selections.
const automaticPrefix = "index/automatic/"

func automaticName(runID, id string) string { return automaticPrefix + runID + "." + id }

// automaticSentName is the name of the object that records that an event with the mark "automatic" was published.
func automaticSentName(runID, id string) string { return selectionPrefix(runID, id) + "automatic.sent" }

// externalPrefix is the prefix of the files of numbers. Selections name such a file by the hash of its content.
const externalPrefix = "external/"

// externalName returns the name of the n-th object of a file of numbers. There are several objects only if the earlier
// ones are damaged.
func externalName(hash string, n int) string { return withNumber(externalPrefix+hash, n) }

// runExternalName returns the name of the object with the numbers of such a file for the samples of a run.
func runExternalName(runID, hash string) string {
	return run.Folder(runID) + externalPrefix + hash + ".parquet"
}

func completedSentName(runID, id string) string {
	return selectionPrefix(runID, id) + "completed.sent"
}

// acceptedName is the name of the object that records when a selection was accepted. madeName is the name of the object
// that records that the automatic selections of a run are made. The names with request are for a selection that was
// requested after its run was planned.
func acceptedName(runID, id string) string { return selectionPrefix(runID, id) + "accepted" }

func madeName(runID string) string { return run.Folder(runID) + "made/automatic" }
func requestAcceptedName(runID, id string) string {
	return run.Folder(runID) + "made/" + id + ".accepted"
}
func requestSentName(runID, id string) string { return run.Folder(runID) + "made/" + id + ".sent" }
func requestMadeName(runID, id string) string { return run.Folder(runID) + "made/" + id }

// leadersName returns the name of the n-th object of a run's near duplicates. There are several objects only if the
// earlier ones are damaged.
func leadersName(runID string, n int) string {
	return duplicatesPrefix(runID) + withNumber("leaders", n) + ".parquet"
}

func duplicatesPrefix(runID string) string { return run.Folder(runID) + "duplicates/" }

// againName is the prefix of the records of further publications of a task of a run or a selection.
func againName(runID, what string) string { return run.Folder(runID) + "again/" + what + "." }

func subsetName(runID, id string, format dataset.Format) string {
	return selectionPrefix(runID, id) + "subset." + string(format)
}

// The parts of a selection: the selected and the other samples of a range, or of a block of ranges, and the notes for
// the end of a container's subset.
const (
	subsetPart   = ".subset"
	rejectedPart = ".rejected"
	notesPart    = ".notes"
)

// temporaryPrefix is the prefix of the objects that are needed only until a selection is completed.
func temporaryPrefix(runID, id string) string { return bucket.TemporaryPrefix + runID + "/" + id + "/" }

// partsRoot is the prefix of the parts of a level: parts of ranges at level 0, of blocks of ranges at level 1, and so
// on.
func partsRoot(runID, id string, level int) string {
	return fmt.Sprintf("%sparts/%d/", temporaryPrefix(runID, id), level)
}

// partsPrefix is the prefix of the parts of one block of a level.
func partsPrefix(runID, id string, level, block int) string {
	return fmt.Sprintf("%s%04d/", partsRoot(runID, id, level), block)
}

// wholeName is the name of the object with all parts of a container's subset without its end, or with all notes for the
// end. endName is the name of the end.
func wholeName(runID, id, kind string) string { return temporaryPrefix(runID, id) + "whole" + kind }
func endName(runID, id string) string         { return temporaryPrefix(runID, id) + "end" + subsetPart }

func partName(runID, id string, level, number int, kind string) string {
	return fmt.Sprintf("%s%04d%s", partsPrefix(runID, id, level, number/partsBlock), number, kind)
}

// partSentName is the name of the object that records that the task of a range's part was published. It is temporary
// like the part, so that a removed part is requested again.
func partSentName(runID, id string, r int) string {
	return fmt.Sprintf("%ssent/%04d", temporaryPrefix(runID, id), r)
}
