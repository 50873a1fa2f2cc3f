package events

import (
	"encoding/json"
	"fmt"
	"time"
)

// Types of the events that Harvest publishes.
const (
	RunScored          = "run.scored"
	RunFailed          = "run.failed"
	SelectionCompleted = "selection.completed"
	SelectionFailed    = "selection.failed"
	SelectionExported  = "selection.exported"
)

// AttrType is the attribute that distinguishes events: it repeats ce-type under a name that
// subscriptions can filter on without quotes.
const AttrType = "type"

// A RunScoredEvent is the data of a RunScored event. The event's id is the run's id.
type RunScoredEvent struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	Samples Counts `json:"samples"`
}

// A RunFailedEvent is the data of a RunFailed event, which follows the run's RunScored event if nothing is selected
// from it: no sample was scored, or more failed than are allowed. The event's id is `<run>/failed`.
type RunFailedEvent struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	Samples Counts `json:"samples"`
	Problem string `json:"problem"` // why, in one sentence
}

// Counts account for every sample: In = Scored + Failed + Skipped.
type Counts struct {
	In      int64 `json:"in"`
	Scored  int64 `json:"scored"`
	Failed  int64 `json:"failed"`
	Skipped int64 `json:"skipped"`
}

// A SelectionCompletedEvent is the data of a SelectionCompleted event. The event's id is
// `<run>/<selection>`. Outputs are names of objects in the work bucket.
type SelectionCompletedEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	Selected  int    `json:"selected"` // samples
	// Automatic says that subscribers are to act on the selection: it was made without a call, or by one with "notify".
	Automatic bool `json:"automatic"`
	// Shortfall is how much of the budget could not be given, in its unit: samples, or tokens.
	Shortfall int               `json:"shortfall"`
	Outputs   map[string]string `json:"outputs"`
}

// A SelectionExportedEvent is the data of a SelectionExported event: a subset is in a folder of this machine, in the
// form of a trainer. The event's id is `<run>/<selection>/<trainer>`.
type SelectionExportedEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	For       string `json:"for"`    // the trainer
	Folder    string `json:"folder"` // an absolute path
}

// A SelectionFailedEvent is the data of a SelectionFailed event: a selection chose no sample. The event's id is
// `<run>/<selection>`. A selection is completed or failed, never both.
type SelectionFailedEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	Problem   string `json:"problem"` // why, in one sentence, and what to change
}

// CloudEvent makes the message of an event (https://cloudevents.io, Pub/Sub binding, binary mode).
// The same event published again has the same id, so that subscribers recognise it.
func CloudEvent(kind, id, subject string, at time.Time, data any) (Message, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return Message{}, fmt.Errorf("encoding event %s %s: %w", kind, id, err)
	}
	return Message{
		Attributes: map[string]string{
			"ce-specversion": "1.0",
			"ce-id":          id,
			"ce-type":        kind,
			AttrType:         kind,
			"ce-source":      "/harvest",
			"ce-subject":     subject,
			"ce-time":        at.UTC().Format(time.RFC3339Nano),
			"content-type":   "application/json",
		},
		Data: body,
	}, nil
}
