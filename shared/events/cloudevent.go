package events

import (
	"encoding/json"
	"fmt"
	"time"
)

// Types of the events that Harvest publishes, as values of AttrType. CloudEventType makes the attribute ce-type from a
// type.
const (
	RunAwaitingApproval = "run.awaiting_approval"
	RunPlanned          = "run.planned"
	RunStalled          = "run.stalled"
	RunScored           = "run.scored"
	RunFailed           = "run.failed"
	RunRefused          = "run.refused"
	RunCancelled        = "run.cancelled"
	SelectionCompleted  = "selection.completed"
	SelectionFailed     = "selection.failed"
	SelectionExported   = "selection.exported"
	// SelectionExportFailed means that no SelectionExported will follow.
	SelectionExportFailed = "selection.export_failed"
)

// Types returns all types of events.
func Types() []string {
	return []string{
		RunAwaitingApproval, RunPlanned, RunStalled, RunScored, RunFailed, RunRefused, RunCancelled, SelectionCompleted,
		SelectionFailed, SelectionExported, SelectionExportFailed,
	}
}

// AttrType is the attribute with the type of an event, without prefix and version. Subscriptions can filter on its name
// without quotes.
const AttrType = "type"

// typePrefix is the module's path as reverse DNS. SchemaVersion ends each ce-type; it is the version of the schema.
const (
	typePrefix    = "com.github.harvest-ml.harvest."
	SchemaVersion = "v1"
	schemaFolder  = "https://raw.githubusercontent.com/harvest-ml/harvest/main/shared/events/schema/"
)

// CloudEventType returns the ce-type of a type, such as com.github.harvest-ml.harvest.run.scored.v1.
func CloudEventType(kind string) string { return typePrefix + kind + "." + SchemaVersion }

// An Event describes a change of a run or of a selection.
type Event struct {
	// Type is one of the constants above.
	Type string
	// ID is the same each time the event is published, so that subscribers recognise a repetition.
	ID string
	// Run is the run's id.
	Run string
	// Data is a RunEvent, a SelectionEvent, a SelectionExportedEvent or a SelectionExportFailedEvent.
	Data any
}

// A RunEvent is the data of an event of a run.
type RunEvent struct {
	Run     string `json:"run"`
	Dataset string `json:"dataset"`
	// Samples counts all samples of the run once the run is scored. Before that, Planned is their number.
	Samples *Counts `json:"samples,omitempty"`
	Planned int64   `json:"planned,omitempty"`
	// Cost is the estimated cost of a run that waits for approval, in US dollars.
	Cost    float64 `json:"cost,omitempty"`
	Problem string  `json:"problem,omitempty"` // the reason why the run does not continue, in one sentence
	// API is the URL of the run in the API; empty if the URL of the API is not configured.
	API string `json:"api,omitempty"`
}

// Counts counts every sample: In = Scored + Failed + Skipped.
type Counts struct {
	In      int64 `json:"in"`
	Scored  int64 `json:"scored"`
	Failed  int64 `json:"failed"`
	Skipped int64 `json:"skipped"`
}

// A SelectionEvent is the data of an event of a selection. The event's id is `<run>/<selection>`. A selection is
// completed or failed, never both. A consumer needs only this event and the right to read the objects.
type SelectionEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	Problem   string `json:"problem,omitempty"` // the reason why no sample was selected, and the fix
	Selected  int    `json:"selected"`          // number of samples
	// Automatic is true if subscribers should act on the selection: it was made for a dataset.yaml, or by a call with
	// "notify".
	Automatic bool `json:"automatic"`
	// Shortfall is the part of the budget that could not be used, in samples or tokens.
	Shortfall int `json:"shortfall"`
	// Outputs are the written objects, by the names subset, rejected, picks, report and selection.
	Outputs map[string]Object `json:"outputs,omitempty"`
	// Images is the base URI of image names.
	Images     string `json:"images,omitempty"`
	Scorer     string `json:"scorer"`     // id of the scorer
	Parameters any    `json:"parameters"` // as in selection.json
	// API is the URL of the selection in the API; empty if the URL of the API is not configured.
	API string `json:"api,omitempty"`
}

// A SelectionExportedEvent is the data of a SelectionExported event: a subset was written to a folder of this machine,
// in the form of a trainer. The event's id is `<run>/<selection>/<trainer>/<hash of the folder>`.
type SelectionExportedEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	For       string `json:"for"`    // name of the trainer
	Folder    string `json:"folder"` // an absolute path
}

// A SelectionExportFailedEvent is the data of a SelectionExportFailed event: a subset can never be written in the form
// of a trainer. The event's id is `<run>/<selection>/<trainer>/<hash of the folder>/failed`.
type SelectionExportFailedEvent struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Selection string `json:"selection"`
	For       string `json:"for"`     // name of the trainer
	Problem   string `json:"problem"` // the cause and the fix
}

// An Object describes a written object in an event.
type Object struct {
	URI        string `json:"uri"` // gs://bucket/name, or file:///path on one machine
	Generation int64  `json:"generation,string"`
	Size       int64  `json:"size"` // bytes
	// CRC32C is the checksum of the content as Cloud Storage writes it: big-endian, in base64.
	CRC32C string `json:"crc32c"`
}

// UnmarshalJSON also accepts the name of an object of the work bucket, as in older events. The name becomes the URI.
func (o *Object) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &o.URI)
	}
	type object Object
	return json.Unmarshal(data, (*object)(o))
}

// message returns the message of an event (https://cloudevents.io, Pub/Sub binding, binary mode).
func (e Event) message(source string, at time.Time) (Message, error) {
	body, err := json.Marshal(e.Data)
	if err != nil {
		return Message{}, fmt.Errorf("encoding event %s %s: %w", e.Type, e.ID, err)
	}
	return Message{
		Attributes: map[string]string{
			"ce-specversion":     "1.0",
			"ce-id":              e.ID,
			"ce-type":            CloudEventType(e.Type),
			"ce-source":          source,
			"ce-subject":         e.Run,
			"ce-time":            at.UTC().Format(time.RFC3339Nano),
			"ce-datacontenttype": "application/json",
			"ce-dataschema":      schemaFolder + e.Type + "." + SchemaVersion + ".json",
			// Google's binding has this name in lower case and without a prefix.
			"content-type": "application/json",
			AttrType:       e.Type,
		},
		Data: body,
	}, nil
}
