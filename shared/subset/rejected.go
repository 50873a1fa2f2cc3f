package subset

import (
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A Rejected line of rejected.jsonl is why a sample is not in the subset.
type Rejected struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	Code   reason.Code   `json:"reason_code"`
	Reason string        `json:"reason"` // the same in words
	// Place is where a sample stands that was not scored, so that its author can fix it.
	Place *dataset.Place `json:"place,omitempty"`
}

// rejection is why a sample was not picked, as a code and in words: what kept it from being scored, or out of this
// selection.
func rejection(rec scores.Record, code reason.Code) (reason.Code, string) {
	if rec.Code != "" {
		return rec.Code, rec.Reason
	}
	return code, code.Text(code.Meaning())
}
