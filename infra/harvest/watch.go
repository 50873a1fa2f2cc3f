package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
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
// generation in two listings, because a file may still be copied. It also waits until this is true of the files that
// the dataset.yaml of the object's dataset names. At the start every object counts as new, so that unfinished work of
// an earlier process continues.
func watch(
	ctx context.Context, input bucket.Reader, log *slog.Logger, upload func(context.Context, string) error,
) error {
	reported, before := map[string]bucket.Attrs{}, map[string]bucket.Attrs{}
	copying := copies{input: input, log: log, logged: map[string]bool{}}
	for {
		var listed []bucket.Attrs
		for attrs, err := range input.List(ctx, run.DatasetsPrefix, "") {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				log.Warn("listing the input bucket", "error", err)
				break
			}
			listed = append(listed, attrs)
		}
		copying.look(listed, before)
		now := map[string]bucket.Attrs{}
		for _, attrs := range listed {
			now[attrs.Name] = attrs
			if attrs != before[attrs.Name] || attrs == reported[attrs.Name] || copying.holds(ctx, attrs.Name) {
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

// copies finds the datasets whose files are still being copied.
type copies struct {
	input    bucket.Reader
	log      *slog.Logger
	changing map[string][]string // by dataset with a dataset.yaml: the objects that have changed since the last listing
	held     map[string]bool     // answers of holds since the last listing, by dataset
	logged   map[string]bool     // datasets that were held in the last listing
}

// look compares a listing with the last one.
func (c *copies) look(listed []bucket.Attrs, before map[string]bucket.Attrs) {
	c.changing, c.held = map[string][]string{}, map[string]bool{}
	described := map[string]bool{}
	for _, attrs := range listed {
		dataset, file := datasetFile(attrs.Name)
		described[dataset] = described[dataset] || file == run.SpecFile
		if attrs != before[attrs.Name] {
			c.changing[dataset] = append(c.changing[dataset], file)
		}
	}
	maps.DeleteFunc(c.changing, func(dataset string, _ []string) bool { return !described[dataset] })
	maps.DeleteFunc(c.logged, func(dataset string, _ bool) bool { return c.changing[dataset] == nil })
}

// holds reports whether an object has to wait, because a file is changing that the dataset.yaml of its dataset names.
// Otherwise the run of the dataset.yaml could begin with a part of this file.
func (c *copies) holds(ctx context.Context, object string) bool {
	dataset, _ := datasetFile(object)
	changing := c.changing[dataset]
	if changing == nil {
		return false
	}
	held, known := c.held[dataset]
	if !known {
		named := map[string]bool{run.SpecFile: true}
		if spec, err := specOf(ctx, c.input, dataset); err == nil { // ingest reports the error
			for _, file := range spec.Named() {
				named[file] = true
			}
		}
		first := slices.IndexFunc(changing, func(file string) bool { return named[file] })
		held = first >= 0
		if held && !c.logged[dataset] {
			c.log.Info("the dataset waits, because a file that its dataset.yaml names is still being copied",
				"dataset", dataset, "file", changing[first])
		}
		c.held[dataset], c.logged[dataset] = held, held
	}
	return held
}

// datasetFile returns the dataset of an object below datasets/, and the object's name in the dataset's folder.
func datasetFile(object string) (dataset, file string) {
	dataset, file, _ = strings.Cut(strings.TrimPrefix(object, run.DatasetsPrefix), "/")
	return dataset, file
}
