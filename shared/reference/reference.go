// Package reference reads the results of the reference implementation of mmSSR (arXiv 2503.13383, repository
// lyumengyao/mmssr): a folder of score files and the scored manifest. It writes the same subset as the reference's
// sampling script, llava/select/mmssr.py, and accepts the same input. If the script would crash, this package returns
// an error with the fix, or continues if the meaning is clear.
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
	// Pool has every item of the manifest, in its order. Pool.Index is the idx of an item. If the idx are texts, it is
	// the item's place in their ascending order by code points. The names of capabilities are the names of their score
	// files. There are no expected scores and no tie hashes.
	Pool *selection.Pool
	// Findings are unusual facts about the score files: first of the files of capabilities, in the pool's order, then of
	// the file of styles. A file has each kind once, in the order of the first example. The last are about the names of
	// files.
	Findings []Finding

	manifest *manifest
}

// Load reads a manifest and the folder of its scores: a file <capability>.jsonl for each capability and style.jsonl.
// Each line is {"idx": …, "pred_response": …}; the lines may have any order.
//
// If capabilities are given, only their files are read, and the pool has them in that order. Otherwise the pool has all
// capabilities of the folder: first those of the default rubric in its order, then others by name. The names of files
// are the rubric's keywords or the reference's short names ("ocr"), in any case, with "_" or "-" for a space. If most
// names are nearly one of these, Data.Findings has the others and the rubric's capabilities without a file. Two files
// of one capability, and a file whose name is that of a copy of another file, are an error.
//
// The manifest is a JSON array of objects with an idx and the text image_source, the source. The idx are all whole
// numbers of 64 bits, or all texts of at most 1,024 bytes. 7 and "7" differ, as in Python. As in the reference, an item
// without image_source has the source "nan", and an item with null has "None". A rating is the result of Python's int
// on the answer. If int refuses the answer, or a sample has no line, the rating is missing. Ratings beyond ±127 count
// as ±127. Styles are the parts of an answer between commas, without white space around them. Any name counts, even an
// empty one. Two lines that give a sample the same rating, or the same styles, count once. Data.Findings counts all of
// these.
//
// Errors name the file and the line or item. They are: a file that is missing or cannot be read, text that is not JSON
// of this form, an idx of two items, a line whose idx is not in the manifest, and two lines that give a sample
// different answers.
//
// Load needs about 2 bytes of memory for each rating and 60 bytes for each sample. It needs 50 more for each sample if
// the manifest's idx do not count up by one, or 100 more and the text if they are texts. The manifest stays open for
// Write; Close it after use.
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
		left = append(misspelt(scores, capabilities), left...)
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
	group.Go(func() error { return readStyles(ctx, styles, rows, build) }) // first, because it is the largest file
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
