// Package events has the messages by which Harvest's functions call each other and notify others. It has the one list
// of topics and subscriptions, the push envelope, and the one rule that decides whether a delivery is acknowledged.
//
// Tasks carry references, never data. Events are CloudEvents in Pub/Sub's binary form.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/harvest-ml/harvest/shared/telemetry"
)

// A Message is what a topic carries.
type Message struct {
	Attributes map[string]string
	Data       []byte
}

// A Publisher sends messages to one topic. Publish returns when the topic has them all.
type Publisher interface {
	Publish(ctx context.Context, messages ...Message) error
}

// AttrObject is the attribute that names the object of a notification of Cloud Storage.
// Source: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
const AttrObject = "objectId"

// AttrTask is the attribute of messages of the tasks topic by which subscriptions filter: one of the Task constants.
const AttrTask = "task"

// AttrScorer is the attribute of a shard's message that names its kind of scorer; subscriptions filter on it.
const AttrScorer = "scorer"

// AttrSize is the attribute of a shard's message that is SizeSmall if its run is small; subscriptions filter on it, so
// that small runs do not wait for large ones.
const (
	AttrSize  = "size"
	SizeSmall = "small"
)

// Values of AttrTask.
const (
	TaskPlan      = "plan"      // ingest: do a step of planning an accepted run
	TaskRange     = "range"     // ingest: cut a range into shards
	TaskShard     = "shard"     // score: rate a shard
	TaskPart      = "part"      // curate: write one range's part of a selection
	TaskSelect    = "select"    // curate: make the automatic selections of a scored run
	TaskImages    = "images"    // curate: compare the images of a scored run with their recorded state
	TaskReconcile = "reconcile" // curate: continue accepted, unfinished work
)

// A PlanTask asks ingest for a step of planning an accepted run: to split a manifest further, from the end of the step
// before.
type PlanTask struct {
	Run      string `json:"run"`
	Manifest int    `json:"manifest,omitempty"`
	Step     int    `json:"step,omitempty"`
}

// A RangeTask asks ingest to cut one range of a run into shards.
type RangeTask struct {
	Run   string `json:"run"`
	Wave  int    `json:"wave"` // the run's wave in which it was published
	Range int    `json:"range"`
}

// A ShardTask asks score to rate one shard of a run.
type ShardTask struct {
	Run   string `json:"run"`
	Wave  int    `json:"wave"` // the run's wave in which it was published
	Range int    `json:"range"`
	Shard int    `json:"shard"`
}

// A PartTask asks curate to write the selected and the other samples of one range.
type PartTask struct {
	Run       string `json:"run"`
	Selection string `json:"selection"`
	Range     int    `json:"range"`
}

// A SelectTask asks curate to make selections of a scored run that no caller waits for.
type SelectTask struct {
	Run string `json:"run"`
	// Request is the id of a request that was recorded after the run was planned. Empty asks for the plan's selection and
	// all recorded requests.
	Request string `json:"request,omitempty"`
}

// An ImagesTask asks curate for one step of a check: to compare the images of a scored run with their recorded state,
// beginning at a range.
type ImagesTask struct {
	Run   string `json:"run"`
	Check string `json:"check"`
	Range int    `json:"range"`
}

// Message is the task as the tasks topic carries it.
func (t ImagesTask) Message() Message { return task(TaskImages, t) }

// A ReconcileTask asks curate to continue accepted, unfinished work, in steps of bounded size.
type ReconcileTask struct {
	// Run restricts it to one run and its selections.
	Run string `json:"run,omitempty"`
	// Uploads says that the step looks for uploads whose notification was lost. Otherwise it continues accepted work.
	Uploads bool `json:"uploads,omitempty"`
	// Cursor is where the step begins: empty for the first one.
	Cursor string `json:"cursor,omitempty"`
}

// Message is the task as the tasks topic carries it.
func (t ReconcileTask) Message() Message { return task(TaskReconcile, t) }

// Message is the task as the tasks topic carries it.
func (t SelectTask) Message() Message { return task(TaskSelect, t) }

// Message is the task as the tasks topic carries it.
func (t PlanTask) Message() Message { return task(TaskPlan, t) }

// Message is the task as the tasks topic carries it.
func (t RangeTask) Message() Message { return task(TaskRange, t) }

// Message is the task as a message of the tasks topic, for the service of the given kind of scorer. small says that its
// run is small.
func (t ShardTask) Message(scorer string, small bool) Message {
	m := task(TaskShard, t)
	m.Attributes[AttrScorer] = scorer
	if small {
		m.Attributes[AttrSize] = SizeSmall
	}
	return m
}

// Message is the task as the tasks topic carries it.
func (t PartTask) Message() Message { return task(TaskPart, t) }

func task(kind string, t any) Message {
	data, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("encoding task %s: %v", kind, err)) // strings and integers only: cannot happen
	}
	return Message{Attributes: map[string]string{AttrTask: kind}, Data: data}
}

// Traced is the message with the span of ctx, which becomes the parent of the work for the message.
func (m Message) Traced(ctx context.Context) Message {
	telemetry.Inject(ctx, func(key, value string) {
		attributes := map[string]string{}
		maps.Copy(attributes, m.Attributes)
		attributes[key] = value
		m.Attributes = attributes
	})
	return m
}
