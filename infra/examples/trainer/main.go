// Trainer starts a training for every selection that Harvest completes: it receives selection.completed,
// fetches the subset, and runs a command, once for each selection however often its event comes.
//
//	gcloud pubsub subscriptions create harvest-trainer --topic harvest-events \
//	  --message-filter 'attributes.type = "selection.completed"' \
//	  --ack-deadline 600 --min-retry-delay 10s --max-retry-delay 600s
//	trainer -project farm -subscription harvest-trainer -state gs://farm-trainings \
//	  -out /data -- ./submit.sh
//
// It needs to subscribe, to read the work bucket, and to create and read objects in the state bucket. Copy it and
// make it yours: it uses Harvest's libraries for buckets and events, and nothing of its functions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := consume(ctx, log, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "trainer:", err)
		os.Exit(1)
	}
}

func consume(ctx context.Context, log *slog.Logger, args []string) error {
	flags := flag.NewFlagSet("trainer", flag.ContinueOnError)
	project := flags.String("project", "", "project of the subscription")
	subscription := flags.String("subscription", "harvest-trainer", "subscription to selection.completed")
	work := flags.String("work", "", "Harvest's work bucket, gs://name, for events of before v1, which have no URIs")
	state := flags.String("state", "", "bucket or folder that remembers what was started")
	out := flags.String("out", ".", "folder for subsets")
	lease := flags.Duration("lease", 10*time.Minute, "how long the command may take; it is killed then, and started anew")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *project == "" || *state == "" || flags.NArg() == 0 {
		return errors.New("give -project, -state, and the command that starts a training")
	}
	storage := &clients{opened: map[string]bucket.Bucket{}}
	remembered, errState := storage.open(ctx, *state)
	client, errClient := pubsub.NewClient(ctx, *project)
	if err := errors.Join(errState, errClient); err != nil {
		return err
	}
	defer client.Close()
	c := consumer{
		open: storage.open, work: *work, out: *out, command: flags.Args(), log: log,
		starts: ledger{bucket: remembered, lease: *lease, now: time.Now},
	}
	return c.receive(ctx, client.Subscriber(*subscription))
}
