// Package reference reads what the reference implementation of mmSSR (arXiv 2503.13383, repository lyumengyao/mmssr)
// wrote, that is a folder of score files and the scored manifest. It writes the same subset as the reference's sampling
// script, llava/select/mmssr.py. It accepts the same input as that Python script. Where the script would crash, this
// package says what to fix, or continues if the meaning is clear.
package reference

import (
	"context"
	"fmt"
	"runtime"

	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// Data is a scored manifest of the reference implementation.
type Data struct {
	// Pool holds every item of the manifest, in its order. Pool.Index is the idx of an item; if the idx are texts, it is
	// the item's place in their ascending order by code points. The capabilities have their score files' names. There are
	// no expected scores and no tie hashes.
	Pool *selection.Pool
	// Findings are surprises in the score files: first those of capabilities, in the pool's order, then those of styles. A
	// file has each kind once, in the order of the first example.
	Findings []Finding

	manifest *manifest
}

// Load reads a manifest and the folder of its scores: a file <capability>.jsonl for each capability
// and style.jsonl, all of lines {"idx": …, "pred_response": …} in any order.
//
// If capabilities are named, only their files are read, and the pool has them in that order. Otherwise the pool has
// all: first the capabilities of the default rubric in its order, then others by name. Files may be named after the
// rubric's keywords or after the reference's short names ("ocr").
//
// The manifest is a JSON array of objects with an idx and the text image_source, the source. The idx are all whole
// numbers of 64 bits, or all texts of at most 1,024 bytes; 7 and "7" differ, as in Python. As in the reference an item
// without image_source has the source "nan", and one with null "None". A rating is the result of Python's int on the
// answer. Ratings of other answers, and of samples without a line, are missing. Ratings beyond ±127 count as ±127.
// Styles are the parts of an answer between commas, without white space around them; any name counts, even an empty
// one. Two lines that give a sample the same rating, or the same styles, count once. Data.Findings counts all of these.
//
// Errors name the file and the line or item: a file that is missing or unreadable, what is not JSON
// of this form, an idx that two items have, a line whose idx is not in the manifest, two lines that
// give one sample different answers.
//
// Memory is about 2 bytes a sample and capability and 60 bytes a sample, and 50 more if the manifest's idx do not count
// up by one, or 100 more plus the text if they are texts. The manifest stays open for Write; Close it after use.
func Load(ctx context.Context, scores, manifest string, capabilities ...string) (*Data, error) {
	named := len(capabilities) > 0
	capabilities, err := findCapabilities(scores, capabilities)
	if err != nil {
		return nil, err
	}
	var left []Finding
	if !named {
		if left, err = unread(scores, capabilities); err != nil {
			return nil, err
		}
	}
	build := selection.NewBuilder(capabilities...)
	m, err := openManifest(ctx, manifest, build)
	if err != nil {
		return nil, err
	}
	findings, err := readScores(ctx, scores, &m.rows, build)
	if err != nil {
		m.file.Close()
		return nil, err
	}
	return &Data{Pool: build.Pool, Findings: append(findings, left...), manifest: m}, nil
}

// Close closes the manifest.
func (d *Data) Close() error { return d.manifest.file.Close() }

// readScores reads one file at a time on each processor, each into its columns of the pool.
func readScores(ctx context.Context, folder string, rows *rows, build *selection.Builder) ([]Finding, error) {
	styles := &scoreFile{name: scorePath(folder, styleFile)}
	files := make([]*scoreFile, len(build.Pool.Capabilities))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	group.Go(func() error { return readStyles(ctx, styles, rows, build) }) // first: it is the largest file
	for c, capability := range build.Pool.Capabilities {
		files[c] = &scoreFile{name: scorePath(folder, capability), capability: capability}
		group.Go(func() (err error) {
			build.Pool.Ratings[c], err = readRatings(ctx, files[c], rows)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("reading scores: %w", err)
	}
	var findings []Finding
	for _, file := range append(files, styles) {
		findings = append(findings, file.findings...)
	}
	return findings, nil
}
