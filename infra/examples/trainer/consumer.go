package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A consumer starts trainings.
type consumer struct {
	open    func(ctx context.Context, address string) (bucket.Bucket, error)
	work    string // the work bucket for events that have names instead of URIs; empty if there are no such events
	out     string // folder of subsets
	command []string
	log     *slog.Logger
	starts  ledger
}

// endTime is the time for recording the end of an attempt, in addition to the lease.
const endTime = time.Minute

// receive handles messages until ctx ends. Unfinished messages are then redelivered.
func (c consumer) receive(ctx context.Context, from *pubsub.Subscriber) error {
	from.ReceiveSettings.MaxExtension = c.starts.lease + endTime
	from.ReceiveSettings.MaxOutstandingMessages = 4
	return from.Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
		if err := c.handle(ctx, m.Attributes, m.Data); err != nil {
			c.log.Warn("the event will be delivered again", "event", m.Attributes["ce-id"], "error", err)
			m.Nack()
			return
		}
		m.Ack()
	})
}

// push handles the deliveries of a push subscription. It claims a training before it downloads the subset. If another
// consumer is starting the same training, the answer is 503, and the message is redelivered.
func (c consumer) push() http.Handler {
	return events.PushHandler(c.log, func(ctx context.Context, d events.Delivery) error {
		return c.handle(ctx, d.Attributes, d.Data)
	})
}

// handle starts the training of an event, unless it was started before. If it returns an error, the event is
// redelivered.
func (c consumer) handle(ctx context.Context, attributes map[string]string, data []byte) error {
	id := attributes["ce-id"]
	var event events.SelectionEvent
	if attributes[events.AttrType] != events.SelectionCompleted {
		return nil // ignore other events, because a subscription may have no filter
	}
	if err := json.Unmarshal(data, &event); err != nil || id == "" {
		c.log.Error("the message is not an event of Harvest, and was dropped", "event", id, "error", err)
		return nil
	}
	if event.Selected == 0 {
		c.log.Error("the subset is empty; no training is started", "event", id)
		return nil
	}
	number, err := c.starts.begin(ctx, id)
	switch {
	case errors.Is(err, errStarted):
		return nil
	case err != nil:
		return fmt.Errorf("claiming the start: %w", err)
	}
	subset, failed := c.fetch(ctx, event)
	if failed != nil {
		failed = fmt.Errorf("downloading the subset: %w", failed)
	} else {
		failed = c.start(ctx, id, event, subset, attributes["traceparent"])
	}
	// The end is recorded even if the consumer must stop now.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := c.starts.end(recording, id, number, failed); err != nil {
		return errors.Join(failed, fmt.Errorf("recording the start: %w", err))
	}
	if failed == nil {
		c.log.Info("training started", "event", id, "selected", event.Selected, "attempt", number)
	}
	return failed
}

// fetch downloads the complete subset and returns its path. After an error there is no file.
func (c consumer) fetch(ctx context.Context, event events.SelectionEvent) (string, error) {
	object := event.Outputs["subset"]
	address, name, err := locate(object.URI, c.work)
	if err != nil {
		return "", err
	}
	file := filepath.Join(c.out, event.Run, event.Selection, path.Base(name))
	if _, err := os.Stat(file); err == nil {
		return file, nil // objects never change
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	from, err := c.open(ctx, address)
	if err != nil {
		return "", err
	}
	body, err := from.Open(ctx, name, object.Generation, 0, -1)
	if err != nil {
		return "", err
	}
	defer body.Close()
	pending, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644))
	if err != nil {
		return "", err
	}
	defer func() { _ = pending.Cleanup() }() // after the replacement of the file this does nothing
	if _, err := io.Copy(pending, body); err != nil {
		return "", err
	}
	return file, pending.CloseAtomicallyReplace()
}

// start runs the command. The command should submit the training to a scheduler, and return.
func (c consumer) start(
	ctx context.Context, id string, event events.SelectionEvent, subset, traceparent string,
) error {
	ctx, cancel := context.WithTimeout(ctx, c.starts.lease)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(),
		"HARVEST_JOB="+jobName(id), "HARVEST_DATASET="+event.Dataset,
		"HARVEST_RUN="+event.Run, "HARVEST_SELECTION="+event.Selection,
		"HARVEST_IMAGES="+event.Images,
		"HARVEST_SELECTED="+strconv.Itoa(event.Selected), "HARVEST_SUBSET="+subset,
		"HARVEST_SUBSET_URI="+event.Outputs["subset"].URI, "TRACEPARENT="+traceparent)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", c.command[0], err)
	}
	return nil
}

// jobName returns a name that is the same for every delivery of an event. It is a DNS label, which job systems accept.
func jobName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "harvest-" + hex.EncodeToString(sum[:6])
}
