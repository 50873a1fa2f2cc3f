package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// withoutRemoved returns a function that calls upload, unless a user has removed the run of the object. A removed run
// starts again only when a user writes the object again.
func withoutRemoved(
	input bucket.Reader, runs *run.Reader, index *run.Index, upload func(context.Context, string) error,
) func(context.Context, string) error {
	return func(ctx context.Context, object string) error {
		attrs, err := input.Stat(ctx, object)
		if err != nil {
			return upload(ctx, object) // upload reports the error
		}
		id, err := index.RunOf(ctx, run.Upload{Object: object, Generation: attrs.Generation})
		if err != nil {
			return err
		}
		if removed, err := runs.Removed(ctx, id); removed || err != nil {
			return err
		}
		return upload(ctx, object)
	}
}

// watchEvery is the pause between two listings of the input bucket.
const watchEvery = 2 * time.Second

// watch calls upload for every new or changed object below datasets/. It waits until the object has the same size and
// generation in two listings, because a file may still be copied. At the start every object counts as new, so that
// unfinished work of an earlier process continues.
func watch(
	ctx context.Context, input bucket.Reader, log *slog.Logger, upload func(context.Context, string) error,
) error {
	reported, before := map[string]bucket.Attrs{}, map[string]bucket.Attrs{}
	for {
		now := map[string]bucket.Attrs{}
		for attrs, err := range input.List(ctx, run.DatasetsPrefix, "") {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				log.Warn("listing the input bucket", "error", err)
				break
			}
			now[attrs.Name] = attrs
			if attrs != before[attrs.Name] || attrs == reported[attrs.Name] {
				continue
			}
			if err := upload(ctx, attrs.Name); err != nil {
				return err
			}
			reported[attrs.Name] = attrs
		}
		before = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchEvery):
		}
	}
}
