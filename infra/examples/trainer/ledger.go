package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A ledger records which trainings were started. For the event e it holds
//
//	trainings/e/1           the first attempt to start the training; one consumer has a lease for this attempt
//	trainings/e/1.failed    this attempt failed: the next attempt may begin immediately
//	trainings/e/started     the command succeeded: it is not run again
//
// All objects are created with the condition does-not-exist, so only one of several consumers succeeds. If a consumer
// ends during the command, another attempt follows after the lease. Then the command may run twice, with the same
// HARVEST_JOB. If the command gives this name to the job, the job starts exactly once.
type ledger struct {
	bucket bucket.Bucket
	lease  time.Duration
	now    func() time.Time
}

// Reasons why a training is not started now.
var (
	errStarted = errors.New("the training was started before")
	errBusy    = errors.New("another consumer is starting the training")
)

type attempt struct {
	Until time.Time `json:"until"`
}

func name(event, entry string) string { return "trainings/" + event + "/" + entry }

// begin claims the next attempt to start the training of an event, and returns the number of this attempt. Its error
// may be errStarted or errBusy.
func (l ledger) begin(ctx context.Context, event string) (number int, err error) {
	if there, err := l.exists(ctx, name(event, "started")); err != nil {
		return 0, err
	} else if there {
		return 0, errStarted
	}
	for number = 1; ; number++ {
		entry := name(event, fmt.Sprint(number))
		err := l.create(ctx, entry, attempt{Until: l.now().Add(l.lease)})
		if !errors.Is(err, bucket.ErrExists) {
			return number, err
		}
		failed, err := l.exists(ctx, entry+".failed")
		if err != nil {
			return 0, err
		}
		if failed {
			continue
		}
		var earlier attempt
		if err := l.read(ctx, entry, &earlier); err != nil {
			return 0, err
		}
		if l.now().Before(earlier.Until) {
			return 0, errBusy
		}
	}
}

// end records the result of an attempt.
func (l ledger) end(ctx context.Context, event string, number int, failed error) error {
	entry, content := name(event, "started"), map[string]string{}
	if failed != nil {
		entry, content = name(event, fmt.Sprint(number))+".failed", map[string]string{"error": failed.Error()}
	}
	if err := l.create(ctx, entry, content); err != nil && !errors.Is(err, bucket.ErrExists) {
		return err
	}
	return nil
}

func (l ledger) create(ctx context.Context, object string, v any) error {
	return l.bucket.Create(ctx, object, func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}

func (l ledger) exists(ctx context.Context, object string) (bool, error) {
	_, err := l.bucket.Stat(ctx, object)
	if errors.Is(err, bucket.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (l ledger) read(ctx context.Context, object string, v any) error {
	body, err := l.bucket.Open(ctx, object, 0, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(v)
}
