// Package events is how Harvest's functions call each other and notify others: messages, the one list of topics and
// subscriptions, the push envelope, and the one rule that decides whether a delivery is acknowledged.
//
// Tasks carry references, never data. Events are CloudEvents in Pub/Sub's binary form.
package events

import (
	"context"
	"encoding/json"
	"fmt"
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

// AttrTask is the attribute of the tasks topic that subscriptions filter on: one of the Task constants.
const AttrTask = "task"

// AttrScorer is the attribute of a shard's message that names its kind of scorer; subscriptions filter on it.
const AttrScorer = "scorer"

// Values of AttrTask.
const (
	TaskRange  = "range"  // ingest: cut a range into shards
	TaskShard  = "shard"  // score: rate a shard
	TaskPart   = "part"   // curate: write one range's part of a selection
	TaskSelect = "select" // curate: make a selection that a dataset requests after its run was planned
)

// A RangeTask asks ingest to cut one range of a run into shards.
type RangeTask struct {
	Run   string `json:"run"`
	Range int    `json:"range"`
}

// A ShardTask asks score to rate one shard of a run.
type ShardTask struct {
	Run   string `json:"run"`
	Range int    `json:"range"`
	Shard int    `json:"shard"`
}

// A PartTask asks curate to write what a selection takes and leaves of one range.
type PartTask struct {
	Run       string `json:"run"`
	Selection string `json:"selection"`
	Range     int    `json:"range"`
}

// A SelectTask asks curate to make a selection that was requested after its run was planned.
type SelectTask struct {
	Run     string `json:"run"`
	Request string `json:"request"` // id of the recorded request
}

// Message is the task as the tasks topic carries it.
func (t SelectTask) Message() Message { return task(TaskSelect, t) }

// Message is the task as the tasks topic carries it.
func (t RangeTask) Message() Message { return task(TaskRange, t) }

// Message is the task as the tasks topic carries it, for the service of the given kind of scorer.
func (t ShardTask) Message(scorer string) Message {
	m := task(TaskShard, t)
	m.Attributes[AttrScorer] = scorer
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
