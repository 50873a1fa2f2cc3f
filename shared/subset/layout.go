// Package subset owns the selections of a run, in the run's folder of the work bucket: it selects, writes what is
// selected and rejected in one part for each range, completes selections, and explains them. It makes the selections
// that a run is to have automatically, by its plan or by a later request.
//
// A Reader only reads; a Selector also writes and publishes. Every step can be repeated.
package subset

import (
	"fmt"

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
func rejectedName(runID, id string) string    { return selectionPrefix(runID, id) + "rejected.jsonl" }
func completedName(runID, id string) string   { return selectionPrefix(runID, id) + "completed" }

func failedSentName(runID, id string) string { return selectionPrefix(runID, id) + "failed.sent" }

func completedSentName(runID, id string) string {
	return selectionPrefix(runID, id) + "completed.sent"
}

func subsetName(runID, id string, format dataset.Format) string {
	return selectionPrefix(runID, id) + "subset." + string(format)
}

func partsPrefix(runID, id string) string { return selectionPrefix(runID, id) + "parts/" }

func subsetPartName(runID, id string, r int) string {
	return fmt.Sprintf("%s%04d.subset", partsPrefix(runID, id), r)
}

func rejectedPartName(runID, id string, r int) string {
	return fmt.Sprintf("%s%04d.rejected", partsPrefix(runID, id), r)
}
