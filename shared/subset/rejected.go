package subset

import (
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Rejected line of rejected.jsonl is why a sample is not in the subset.
type Rejected struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	Reason string        `json:"reason"`
	// Place is where a sample stands that was not scored, so that its author can fix it.
	Place *dataset.Place `json:"place,omitempty"`
}

// Outranked is the reason of most samples that are not in a subset.
const Outranked = "outranked: " +
	"other samples took the budget first, by the turns of capabilities, the sizes of bins, and rank"

// rejections word why a scored sample is not in a subset, the kind of reason first.
var rejections = map[selection.Reason]string{
	selection.ReasonStyle:     "filtered: by its styles",
	selection.ReasonSource:    "filtered: by its source",
	selection.ReasonDuplicate: "duplicate: another sample has the same texts and images",
	selection.ReasonExclude:   "excluded: by its id",
	selection.ReasonNoStyle:   run.NoKnownStyle,
	selection.ReasonUnrated:   "no rating: the scorer rated it for none of the capabilities asked for",
	selection.ReasonThreshold: "below threshold: no rating exceeds that of its capability",
	selection.ReasonSourceCap: "capped: its source is at its cap",
	selection.ReasonStyleCap:  "capped: one of its styles is at its cap",
	selection.ReasonImageCap:  "capped: one of its images is at its cap",
	selection.ReasonTokens:    "too long: it has more tokens than remained",
	selection.ReasonRank:      Outranked,
}

// rejection is why a sample was not picked: what kept it from being scored, or out of this selection.
func rejection(rec scores.Record, reason string) string {
	if rec.Reason != "" {
		return rec.Reason
	}
	return rejections[selection.Reason(reason)]
}
