// Package events has the messages that Harvest's functions send to each other and to subscribers. It has the only list
// of topics and subscriptions, the push envelope, and the rule that decides whether a delivery is acknowledged.
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

// A Message is a message of a topic.
type Message struct {
	Attributes map[string]string
	Data       []byte
}

// A Publisher sends messages to one topic. Publish returns after the topic has accepted all of them.
type Publisher interface {
	Publish(ctx context.Context, messages ...Message) error
}

// AttrObject is the attribute that names the object of a notification of Cloud Storage.
// Source: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
const AttrObject = "objectId"

// AttrTask is the attribute with the kind of a task, one of the Task constants. Subscriptions of the tasks topic filter
// on it.
const AttrTask = "task"

// AttrScorer is the attribute with the kind of scorer of a shard. Subscriptions filter on it.
const AttrScorer = "scorer"

// AttrSize is an attribute of a shard's message. It is SizeSmall if the run is small. Subscriptions filter on it, so
// that small runs do not wait for large runs.
const (
	AttrSize  = "size"
	SizeSmall = "small"
)

// Values of AttrTask.
const (
	TaskPlan      = "plan"      // ingest: do one step of planning an accepted run
	TaskRange     = "range"     // ingest: cut a range into shards
	TaskShard     = "shard"     // score: rate a shard
	TaskPart      = "part"      // curate: write one range's part of a selection
	TaskSelect    = "select"    // curate: make the automatic selections of a scored run
	TaskImages    = "images"    // curate: compare the images of a scored run with their recorded state
	TaskReconcile = "reconcile" // curate: continue accepted, unfinished work
)

// A PlanTask makes ingest do one step of planning an accepted run: split a manifest further, from the end of the
// previous step.
type PlanTask struct {
	Run      string `json:"run"`
	Manifest int    `json:"manifest,omitempty"`
	Step     int    `json:"step,omitempty"`
}

// A RangeTask makes ingest cut one range of a run into shards.
type RangeTask struct {
	Run   string `json:"run"`
	Wave  int    `json:"wave"` // the run's wave in which the task was published
	Range int    `json:"range"`
}

// A ShardTask makes score rate one shard of a run.
type ShardTask struct {
	Run   string `json:"run"`
	Wave  int    `json:"wave"` // the run's wave in which the task was published
	Range int    `json:"range"`
	Shard int    `json:"shard"`
}

// A PartTask makes curate write the selected and the other samples of one range.
type PartTask struct {
	Run       string `json:"run"`
	Selection string `json:"selection"`
	Range     int    `json:"range"`
}

// A SelectTask makes curate make selections of a scored run. No caller waits for them.
type SelectTask struct {
	Run string `json:"run"`
	// Request is the id of a request that was recorded after the run was planned. If it is empty, the task is for the
	// plan's selection and all recorded requests.
	Request string `json:"request,omitempty"`
}

// An ImagesTask makes curate do one step of a check: compare the images of a scored run with their recorded state,
// beginning at a range.
type ImagesTask struct {
	Run   string `json:"run"`
	Check string `json:"check"`
	Range int    `json:"range"`
}

// Message returns the task as a message of the tasks topic.
func (t ImagesTask) Message() Message { return task(TaskImages, t) }

// A ReconcileTask makes curate continue accepted, unfinished work, in steps of bounded size.
type ReconcileTask struct {
	// Run restricts the task to one run and its selections.
	Run string `json:"run,omitempty"`
	// If Uploads is true, the step searches for uploads whose notification was lost. Otherwise it continues accepted work.
	Uploads bool `json:"uploads,omitempty"`
	// Cursor is the position at which the step begins; empty for the first step.
	Cursor string `json:"cursor,omitempty"`
}

// Message returns the task as a message of the tasks topic.
func (t ReconcileTask) Message() Message { return task(TaskReconcile, t) }

// Message returns the task as a message of the tasks topic.
func (t SelectTask) Message() Message { return task(TaskSelect, t) }

// Message returns the task as a message of the tasks topic.
func (t PlanTask) Message() Message { return task(TaskPlan, t) }

// Message returns the task as a message of the tasks topic.
func (t RangeTask) Message() Message { return task(TaskRange, t) }

// Message returns the task as a message of the tasks topic, for the service of a kind of scorer. small is true if the
// run is small.
func (t ShardTask) Message(scorer string, small bool) Message {
	m := task(TaskShard, t)
	m.Attributes[AttrScorer] = scorer
	if small {
		m.Attributes[AttrSize] = SizeSmall
	}
	return m
}

// Message returns the task as a message of the tasks topic.
func (t PartTask) Message() Message { return task(TaskPart, t) }

func task(kind string, t any) Message {
	data, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("encoding task %s: %v", kind, err)) // cannot happen: a task has only strings and integers
	}
	return Message{Attributes: map[string]string{AttrTask: kind}, Data: data}
}

// Traced returns the message with the span of ctx. The span becomes the parent of the work for the message.
func (m Message) Traced(ctx context.Context) Message {
	telemetry.Inject(ctx, func(key, value string) {
		attributes := map[string]string{}
		maps.Copy(attributes, m.Attributes)
		attributes[key] = value
		m.Attributes = attributes
	})
	return m
}
