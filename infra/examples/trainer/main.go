// Trainer starts a training for every selection that Harvest completes. It receives selection.completed, downloads the
// subset, and runs a command, once for each selection, even if the event is delivered several times.
//
//	gcloud pubsub subscriptions create harvest-trainer --topic harvest-events \
//	  --message-filter 'attributes.type = "selection.completed"' \
//	  --ack-deadline 600 --min-retry-delay 10s --max-retry-delay 600s
//	trainer -project farm -subscription harvest-trainer -state gs://farm-trainings \
//	  -out /data -- ./submit.sh
//
// It needs the rights to subscribe, to read the work bucket, and to create and read objects in the state bucket. Copy
// and change this program: it uses Harvest's libraries for buckets and events, but not Harvest's functions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
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
	work := flags.String("work", "",
		"Harvest's work bucket, gs://name, for events from versions before v1, which have no URIs")
	state := flags.String("state", "", "bucket or folder that records the started trainings")
	listen := flags.String("listen", "", "address that receives pushes, such as :8080, instead of -subscription")
	out := flags.String("out", ".", "folder for subsets")
	lease := flags.Duration("lease", 10*time.Minute,
		"maximum time of the command; a command that takes longer is killed and started again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if (*project == "") == (*listen == "") || *state == "" || flags.NArg() == 0 {
		return errors.New("give -project or -listen, -state, and the command that starts a training")
	}
	storage := &clients{opened: map[string]bucket.Bucket{}}
	remembered, err := storage.open(ctx, *state)
	if err != nil {
		return err
	}
	c := consumer{
		open: storage.open, work: *work, out: *out, command: flags.Args(), log: log,
		starts: ledger{bucket: remembered, lease: *lease, now: time.Now},
	}
	if *listen != "" {
		return serve(ctx, *listen, c.push())
	}
	client, err := pubsub.NewClient(ctx, *project)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.receive(ctx, client.Subscriber(*subscription))
}

// serve serves until ctx ends. Then it waits for running requests, for the same time as Cloud Run.
func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 9*time.Second)
		defer cancel()
		return server.Shutdown(last)
	}
}
